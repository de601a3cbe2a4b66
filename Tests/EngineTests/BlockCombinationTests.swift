import ConvNetCompiler
import ConvNetEngine
import ConvNetGraphs
import ConvNetTensors
import ConvNetTestSupport
import Testing

/// Borders and enlargements of pictures that a convolution left in blocks of 16 channels.
@Suite struct BlockCombinationTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var attributes: any OperationAttributes
    var channels = 32
  }

  static let cases: [Case] =
    Operation.Pad.Mode.allCases.flatMap { mode in
      let sides: [Padding.Sides] = [.init(before: 2, after: 1), .init(before: 0, after: 3)]
      func pad(_ before: Int, _ after: Int) -> Operation.Pad {
        Operation.Pad(
          sides: sides, mode: mode, channels: .init(before: before, after: after))
      }
      return [
        Case(testDescription: "\(mode)", attributes: pad(0, 0)),
        Case(testDescription: "\(mode), 20 channels", attributes: pad(0, 0), channels: 20),
        Case(testDescription: "\(mode), filled up", attributes: pad(0, 12), channels: 20),
        Case(testDescription: "\(mode), blocks around", attributes: pad(16, 35), channels: 18),
        Case(testDescription: "\(mode), between blocks", attributes: pad(3, 4), channels: 32),
      ]
    }
    + Operation.Upsample.Mode.allCases.flatMap { mode in
      [[2, 2], [3, 1], [4, 5]].map { factors in
        Case(
          testDescription: "\(mode) \(factors)",
          attributes: Operation.Upsample(factors: factors, mode: mode),
          channels: factors == [2, 2] ? 32 : 20)
      }
    }

  /// A convolution, the operation, and another convolution.
  private func sample(
    _ sample: Case, batch: Int
  ) throws -> (graph: Graph, given: [ValueID: Tensor]) {
    var graph = Graph(name: "sample")
    var given: [ValueID: Tensor] = [:]
    func tensor(_ shape: Shape, seed: UInt64) -> Tensor { .random(shape, seed: seed) }
    let x = graph.addInput("x", ValueType([batch, 16, 5, 6]))
    let first = graph.addParameter("first", [sample.channels, 16, 1, 1], .kernel)
    var y = try graph.append(
      Operation.Convolution(strides: [1, 1], padding: .valid, hasBias: false), to: [x, first],
      name: "first")
    y = try graph.append(sample.attributes, to: y, name: "combination")
    let channels = graph[y[0]].shape[1]
    let second = graph.addParameter("second", [16, channels, 3, 3], .kernel)
    y = try graph.append(
      Operation.Convolution(strides: [1, 1], padding: .valid, hasBias: false),
      to: [y[0], second], name: "second")
    graph.addOutput("y", y[0])
    for (index, id) in [x, first, second].enumerated() {
      given[id] = tensor(graph[id].shape, seed: UInt64(index + 1))
    }
    return (graph, given)
  }

  @Test("values and gradients are the reference's", arguments: cases, [1, 3])
  func values(_ combination: Case, batch: Int) throws {
    var (graph, given) = try sample(combination, batch: batch)
    for threads in [1, 2] {
      try expectReferenceOutputs(
        of: graph, given: given, mode: .inference, threads: threads, tolerance: 2e-5)
    }
    let target = Tensor.random(graph[graph.outputs[0].value].shape, seed: 7)
    let expected = graph.addInput("target", ValueType(target.shape))
    let variables = Array(given.keys)
    given[expected] = target
    let loss = try graph.append(
      Operation.MeanSquaredError(), to: graph.outputs[0].value, expected, name: "loss")
    try expectReferenceGradients(
      of: graph, loss: loss, by: variables, given: given, mode: .training, threads: 2,
      tolerance: 1e-4)
  }

  @Test("a picture in blocks stays so, forwards and backwards", arguments: cases)
  func layouts(_ combination: Case) throws {
    // Blocks cannot be told where channels are inserted within one.
    if (combination.attributes as? Operation.Pad)?.channels.before == 3 { return }
    var (graph, given) = try sample(combination, batch: 1)
    let loss = try graph.append(
      Operation.MeanSquaredError(),
      to: graph.outputs[0].value, graph.addInput("target", graph[graph.outputs[0].value].type),
      name: "loss")
    let (longer, _) = try graph.differentiated(loss: loss)
    let parameters = given.filter { graph[$0.key].parameterKind != nil }
      .map { (graph[$0.key].name, $0.value) }
    let executable = try Executable(
      longer, training: ParameterStore(Dictionary(uniqueKeysWithValues: parameters)),
      options: .init(compute: ComputeOptions(threads: 1)))
    // The picture that comes in, and the target and what it is compared with.
    let reordered = executable.steps.filter { $0.implementation.hasPrefix("reorder") }
      .map(\.operation)
    #expect(!reordered.contains { $0.hasPrefix("combination") || $0.hasPrefix("first:") })
  }

  @Test("branches of few channels, filled up, are joined where they lie")
  func joined() throws {
    var graph = Graph(name: "joined")
    var given: [ValueID: Tensor] = [:]
    let x = graph.addInput("x", ValueType([1, 16, 6, 6]))
    given[x] = .random([1, 16, 6, 6], seed: 1)
    var parts: [ValueID] = []
    for (name, channels) in [("wide", 32), ("narrow", 4)] {
      let kernel = graph.addParameter(name, [channels, 16, 1, 1], .kernel)
      given[kernel] = .random(graph[kernel].shape, seed: UInt64(channels))
      let y = try graph.append(
        Operation.Convolution(strides: [1, 1], padding: .valid, hasBias: false),
        to: [x, kernel], name: name)
      parts += try graph.append(
        Operation.Pad(
          sides: [.init(before: 1, after: 1), .init(before: 1, after: 1)], mode: .reflect,
          channels: .init(before: 0, after: (16 - channels % 16) % 16)),
        to: y, name: "\(name)/pad")
    }
    let whole = try graph.append(Operation.Concatenate(), to: parts, name: "joined")
    let kernel = graph.addParameter("last", [16, 48, 3, 3], .kernel)
    given[kernel] = .random(graph[kernel].shape, seed: 9)
    let y = try graph.append(
      Operation.Convolution(strides: [1, 1], padding: .valid, hasBias: false),
      to: [whole[0], kernel], name: "last")
    graph.addOutput("y", y[0])
    try expectReferenceOutputs(of: graph, given: given, mode: .inference, tolerance: 2e-5)
    let parameters = given.filter { graph[$0.key].parameterKind != nil }
      .map { (graph[$0.key].name, $0.value) }
    let executable = try Executable(
      graph, parameters: Dictionary(uniqueKeysWithValues: parameters),
      options: .init(inputFormat: .channelsFirst, threads: 1))
    #expect(!executable.steps.contains { $0.implementation == "copy of blocks" })
  }
}
