import ConvNetCompiler
import ConvNetGraphs
import ConvNetTensors
import Synchronization
import Testing

import class Foundation.Thread

/// Passes over graphs of very many operations. One that looked through all of them at each would take minutes for these; the
/// limit of time is for that alone.
@Suite struct LargeGraphTests {
  struct Chain: Sendable, CustomTestStringConvertible {
    var testDescription: String
    /// Operations that remain after the passes.
    var remaining: Int
    var append: @Sendable (inout GraphSample, ValueID, Int) throws -> ValueID

    init(
      _ name: String, remaining: Int,
      _ append: @escaping @Sendable (inout GraphSample, ValueID, Int) throws -> ValueID
    ) {
      testDescription = name
      self.remaining = remaining
      self.append = append
    }
  }

  /// How often each is repeated.
  private static let count = 10_000

  static let chains: [Chain] = [
    Chain("activations", remaining: 2 * count) { sample, x, index in
      try sample.activation(sample.activation(x, "a\(index)"), "b\(index)", .tanh)
    },
    Chain("normalized layers", remaining: 2 * count) { sample, x, index in
      let layer = try sample.convolution(x, "c\(index)")
      return try sample.activation(sample.normalization(layer, "n\(index)"), "r\(index)")
    },
    Chain("residual sums", remaining: 2 * count) { sample, x, index in
      let layer = try sample.convolution(x, "c\(index)")
      return try sample.add(layer, sample.activation(x, "t\(index)", .tanh), "s\(index)")
    },
    // The first reads the input, which is no operation's.
    Chain("poolings and dropouts that do nothing", remaining: count + 1) { sample, x, index in
      let pooling = Operation.MaxPooling(window: [1, 1], strides: [1, 1])
      let pooled = try sample.graph.append(pooling, to: [x], name: "p\(index)")[0]
      let dropped = try sample.graph.append(
        Operation.Dropout(rate: 0.5, index: index), to: pooled, name: "d\(index)")
      return try sample.activation(dropped, "a\(index)", .tanh)
    },
    Chain("poolings of activations", remaining: 2 * count) { sample, x, index in
      let pooling = Operation.MaxPooling(
        window: [3, 3], strides: [1, 1], padding: .symmetric(1))
      return try sample.graph.append(
        pooling, to: [sample.activation(x, "a\(index)")], name: "p\(index)")[0]
    },
  ]

  @Test(
    "the passes take a time in proportion to the operations", .timeLimit(.minutes(1)),
    arguments: chains)
  func inference(_ chain: Chain) throws {
    var sample = GraphSample()
    var x = sample.input("x", [1, 4, 3, 3])
    for index in 0..<Self.count { x = try chain.append(&sample, x, index) }
    sample.output(x)
    let graph = try PassPipeline(mode: .inference).run(on: sample.graph)
    #expect(graph.operations.count == chain.remaining)
  }

  @Test(
    "convolutions that share their input become one in each of very many blocks",
    .timeLimit(.minutes(1)))
  func sharedInputs() throws {
    var sample = GraphSample()
    var x = sample.input("x", [1, 16, 2, 2])
    for index in 0..<Self.count {
      let branches = try ["a", "b"].map { branch in
        let name = "\(branch)\(index)"
        let kernel = sample.graph.addParameter("\(name).weight", [16, 16, 1, 1], .kernel)
        let layer = Operation.Convolution(strides: [1, 1], hasBias: false)
        return try sample.graph.append(layer, to: x, kernel, name: name)
      }
      x = try sample.graph.append(
        Operation.Multiply(), to: branches[0], branches[1], name: "m\(index)")
    }
    sample.output(x)
    let graph = try sample.graph.after(.sharedInputFusion)
    // The joined kernel, the convolution, two slices and the product.
    #expect(graph.operations.count == 5 * Self.count)
  }

  @Test("a training of very many normalized layers is rewritten", .timeLimit(.minutes(1)))
  func training() throws {
    var sample = GraphSample()
    var x = sample.input("x", [2, 4, 3, 3])
    let count = Self.count / 2
    for index in 0..<count {
      let normalized = try sample.normalization(x, "n\(index)", form: .training)
      x = try sample.activation(normalized, "r\(index)")
    }
    let target = sample.input("target", [2, 4, 3, 3])
    let loss = try sample.graph.append(
      Operation.MeanSquaredError(), to: x, target, name: "loss")
    sample.output(loss)
    let (differentiated, gradients) = try sample.graph.differentiated(loss: loss)
    var graph = differentiated
    for (parameter, gradient) in gradients { graph.addOutput(graph[parameter].name, gradient) }
    let rewritten = try graph.after(.normalizationFusion)
    #expect(graph.operations.count - rewritten.operations.count >= 2 * count)
    _ = try rewritten.after(.recomputation(.normalizations))
  }

  private final class Count: Sendable {
    let value = Mutex(0)
  }

  @Test("what is computed again from a long chain needs no deep stack")
  func longRecomputation() async {
    await #expect(processExitsWith: .success) {
      var sample = GraphSample()
      var x = try sample.convolution(sample.input("x", [1, 1, 2, 2]), "c", channels: 1)
      for index in 0..<4000 { x = try sample.activation(x, "a\(index)", .silu) }
      let target = sample.input("target", [1, 1, 2, 2])
      let loss = try sample.graph.append(
        Operation.MeanSquaredError(), to: x, target, name: "loss")
      sample.output(loss)
      let (differentiated, gradients) = try sample.graph.differentiated(loss: loss)
      var graph = differentiated
      for gradient in gradients.values { graph.addOutput("gradient", gradient) }
      let source = graph
      let rewritten = Count()
      // A hundred bytes an operation.
      let thread = Thread {
        let result = try? source.after(.recomputation(.blocks))
        rewritten.value.withLock { $0 = result?.operations.count ?? 0 }
      }
      thread.stackSize = 400 << 10
      thread.start()
      func wait() { while !thread.isFinished { Thread.sleep(forTimeInterval: 0.001) } }
      wait()
      precondition(rewritten.value.withLock { $0 } > source.operations.count)
    }
  }
}
