import ConvNetCompiler
import ConvNetEngine
import ConvNetGraphs
import ConvNetTensors
import ConvNetTestSupport
import Testing

/// Depthwise convolutions that compute what they read on the way.
@Suite struct ExpansionTests {
  /// An inverted residual block: an expansion, a depthwise convolution, a projection, and the sum with what it began with.
  private struct Block {
    var graph = Graph(name: "block")
    var given: [ValueID: Tensor] = [:]
    /// What is expanded, and what the expansion makes.
    private(set) var expanded: (from: ValueID, to: ValueID)
    private var seed: UInt64 = 0

    init(
      batch: Int = 2, channels: Int = 24, extent: Int = 15, window: Int = 3, stride: Int = 1,
      activation: ActivationFunction = .relu6, expansionStride: Int = 1,
      expansionPadding: Padding = .same
    ) throws {
      expanded = (ValueID(0), ValueID(0))
      let shape: Shape = [batch, 16, extent, extent]
      let input = graph.addInput("x", ValueType(shape))
      given[input] = .random(shape, seed: 99)
      let x = try convolution(input, "stem", channels, 3)
      let wide = try graph.append(
        Operation.Activation(activation),
        to: convolution(
          x, "expansion", 40, 1, stride: expansionStride, padding: expansionPadding),
        name: "expansion/activation")
      expanded = (x, wide)
      let deep = try graph.append(
        Operation.Activation(activation),
        to: convolution(wide, "depthwise", 40, window, stride: stride, groups: 40),
        name: "depthwise/activation")
      var y = try convolution(deep, "projection", channels, 1)
      if stride == 1 { y = try graph.append(Operation.Add(), to: y, x, name: "sum") }
      graph.addOutput("y", y)
    }

    private mutating func convolution(
      _ x: ValueID, _ name: String, _ channels: Int, _ extent: Int, stride: Int = 1,
      groups: Int = 1, padding: Padding = .same
    ) throws -> ValueID {
      seed += 1
      return try graph.appendConvolution(
        Operation.Convolution(strides: [stride, stride], padding: padding, groups: groups), to: x,
        channels: channels, extent: extent, name: name, seed: seed, given: &given)
    }

    /// What the operations of the expansion and of the depthwise convolution are computed by, as far as they have steps.
    func implementations(_ compute: ComputeOptions = .init(threads: 1)) throws -> [String: String] {
      let parameters = Dictionary(
        uniqueKeysWithValues: given.filter { graph[$0.key].parameterKind != nil }
          .map { (graph[$0.key].name, $0.value) })
      let executable = try Executable(
        graph, parameters: parameters,
        options: .init(inputFormat: .channelsFirst, compute: compute))
      let steps = executable.steps.filter { ["expansion", "depthwise"].contains($0.operation) }
      return Dictionary(steps.map { ($0.operation, $0.implementation) }) { first, _ in first }
    }
  }

  @Test(
    "blocks give what the reference gives", arguments: [1, 2],
    [ActivationFunction.relu6, .silu, .hardSwish])
  func values(stride: Int, activation: ActivationFunction) throws {
    for (window, extent, batch) in [(3, 15, 2), (5, 9, 1), (7, 33, 1)] {
      let block = try Block(
        batch: batch, extent: extent, window: window, stride: stride, activation: activation)
      for threads in [1, 2] {
        try expectReferenceOutputs(
          of: block.graph, given: block.given, mode: .inference, threads: threads,
          tolerance: 2e-5)
      }
    }
  }

  @Test("an expansion has no step of its own")
  func steps() throws {
    #expect(try Block().implementations() == ["depthwise": "expanded depthwise"])
  }

  @Test("what else is read, or asked for, is computed by itself")
  func readElsewhere() throws {
    var block = try Block()
    block.graph.addOutput("expanded", block.expanded.to)
    #expect(try block.implementations()["expansion"] != nil)
    try expectReferenceOutputs(
      of: block.graph, given: block.given, mode: .inference, threads: 2, tolerance: 2e-5)
    // Of fewer channels than a block, and of an activation that the kernels do not have.
    #expect(try Block(channels: 8).implementations()["expansion"] != nil)
    #expect(try Block(activation: .elu(alpha: 1)).implementations().count > 1)
    // Every second element, of a picture with a border: as many as there were.
    let strided = try Block(extent: 3, expansionStride: 2, expansionPadding: .symmetric(1))
    #expect(try strided.implementations().count > 1)
    try expectReferenceOutputs(
      of: strided.graph, given: strided.given, mode: .inference, threads: 2, tolerance: 2e-5)
  }

  @Test("what is expanded stays as it is until the depthwise convolution has read it")
  func lifetime() throws {
    // Between the two, an operation that may write over what it reads.
    var block = try Block(stride: 2)
    let (x, _) = block.expanded
    let bent = try block.graph.append(Operation.Activation(.tanh), to: x, name: "tanh")
    block.graph.addOutput("bent", bent)
    try block.graph.moveLastOperation(before: "depthwise")
    try expectReferenceOutputs(
      of: block.graph, given: block.given, mode: .inference, threads: 2, tolerance: 2e-5)
  }
}

extension Graph {
  fileprivate mutating func moveLastOperation(before name: String) throws {
    let operation = operations.removeLast()
    let place = try #require(operations.firstIndex { $0.name == name })
    operations.insert(operation, at: place)
  }
}
