import ConvNetCompiler
import ConvNetEngine
import ConvNetGraphs
import ConvNetTensors
import ConvNetTestSupport
import Testing

/// Values that lie within others: branches that are joined, and parts that are taken.
@Suite struct ConcatenationTests {
  /// An Inception block of 32 channels between two convolutions, with its parameters.
  private struct Block {
    var graph = Graph(name: "block")
    var given: [ValueID: Tensor] = [:]
    private var seed: UInt64 = 0

    init(batch: Int, isReadTwice: Bool) throws {
      let shape: Shape = [batch, 16, 9, 7]
      let input = graph.addInput("x", ValueType(shape))
      given[input] = .random(shape, seed: 99)
      let x = try convolution(input, "stem", 32, 3)
      let first = try convolution(x, "1x1", 16, 1)
      let third = try convolution(convolution(x, "3x3 reduce", 16, 1), "3x3", 32, 3)
      let fifth = try convolution(convolution(x, "5x5 reduce", 32, 1), "5x5", 16, 5)
      let pooled = try graph.append(
        Operation.MaxPooling(window: [3, 3], strides: [1, 1], padding: .same), to: x, name: "pool")
      let inner = try graph.append(
        Operation.Concatenate(), to: [fifth, pooled], name: "inner")[0]
      var y = try graph.append(
        Operation.Concatenate(), to: [first, third, inner], name: "joined")[0]
      if isReadTwice {
        let other = try convolution(third, "beside", 112 - 16, 3)
        let again = try graph.append(
          Operation.Concatenate(), to: [first, other], name: "again")[0]
        y = try graph.append(Operation.Concatenate(), to: [y, again], name: "both")[0]
      }
      y = try graph.append(Operation.Activation(.tanh), to: y, name: "tanh")
      graph.addOutput("y", try convolution(y, "last", 16, 3))
    }

    private mutating func convolution(
      _ x: ValueID, _ name: String, _ channels: Int, _ extent: Int
    ) throws -> ValueID {
      seed += 1
      let sum = try graph.appendConvolution(
        Operation.Convolution(strides: [1, 1], padding: .same), to: x, channels: channels,
        extent: extent, name: name, seed: seed, given: &given)
      return try graph.append(Operation.Activation(.relu), to: sum, name: "\(name)/relu")
    }

    var parameters: [String: Tensor] {
      Dictionary(
        uniqueKeysWithValues: given.filter { graph[$0.key].parameterKind != nil }
          .map { (graph[$0.key].name, $0.value) })
    }
  }

  @Test(
    "branches that write to their places give what the reference gives",
    arguments: [1, 3], [false, true])
  func values(batch: Int, isReadTwice: Bool) throws {
    let block = try Block(batch: batch, isReadTwice: isReadTwice)
    for threads in [1, 2] {
      try expectReferenceOutputs(
        of: block.graph, given: block.given, mode: .inference, threads: threads, tolerance: 2e-5)
    }
  }

  @Test(
    "gradients through places and parts are the reference's", arguments: [1, 3], [false, true])
  func gradients(batch: Int, isReadTwice: Bool) throws {
    var block = try Block(batch: batch, isReadTwice: isReadTwice)
    let target = Tensor.random(block.graph[block.graph.outputs[0].value].shape, seed: 7)
    let expected = block.graph.addInput("target", ValueType(target.shape))
    block.given[expected] = target
    let loss = try block.graph.append(
      Operation.MeanSquaredError(), to: block.graph.outputs[0].value, expected, name: "loss")
    try expectReferenceGradients(
      of: block.graph, loss: loss, by: block.given.keys.filter { $0 != expected },
      given: block.given, mode: .training, threads: 2, tolerance: 1e-4)
  }

  @Test("convolutions and poolings write to their places; what was joined already is copied")
  func copies() throws {
    for batch in [1, 3] {
      let block = try Block(batch: batch, isReadTwice: false)
      let executable = try Executable(
        block.graph, parameters: block.parameters,
        options: .init(inputFormat: .channelsFirst, threads: 1))
      let steps = executable.steps.filter { $0.implementation == "copy of blocks" }
      #expect(steps.map(\.operation) == ["joined"])
    }
  }
}
