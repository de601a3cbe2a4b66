import ConvNetCompiler
import ConvNetEngine
import ConvNetGraphs
import ConvNetTensors
import ConvNetTestSupport
import Testing

/// Dropout's mask is a function of seed, step, layer and place. Which elements it keeps is compared
/// with the reference in ``OperationTests``.
@Suite struct DropoutTests {
  private static let count = 200_000

  /// The network drops elements of ones, and may be differentiated by them.
  private func run(
    rate: Float, index: Int = 0, step: Int = 0, seed: UInt64 = 7
  ) throws -> (output: [Float], gradient: [Float]) {
    var graph = Graph(name: "dropout")
    let shape: Shape = [2, Self.count / 2]
    let x = graph.addInput("x", ValueType(shape))
    let zeros = graph.addInput("zeros", ValueType(shape))
    let y = try graph.append(Operation.Dropout(rate: rate, index: index), to: x, name: "dropout")
    let loss = try graph.append(Operation.MeanSquaredError(), to: y, zeros, name: "loss")
    var (longer, gradients) = try graph.differentiated(loss: loss, byInputs: [x])
    longer.addOutput("y", y)
    longer.addOutput("gradient", try #require(gradients[x]))
    let outputs = try runOnEngine(
      longer, given: [x: Tensor(repeating: Float(1), shape: shape), zeros: Tensor(zeros: shape)],
      mode: .training, step: step, seed: seed)
    return try (#require(outputs["y"]).elements, #require(outputs["gradient"]).elements)
  }

  @Test("the same key gives the same mask; another step, seed or layer another")
  func keys() throws {
    let mask = try run(rate: 0.5).output
    #expect(try run(rate: 0.5).output == mask)
    for other in try [
      run(rate: 0.5, index: 1), run(rate: 0.5, step: 1), run(rate: 0.5, seed: 8),
      run(rate: 0.5, seed: 7 | 1 << 32),
    ] {
      // Independent masks agree in half of the places.
      let agreeing = zip(mask, other.output).count { $0 == $1 }
      #expect(abs(Double(agreeing) / Double(Self.count) - 0.5) < 0.01)
    }
  }

  @Test("what is kept is divided, so that the mean stays", arguments: [Float(0.1), 0.5, 0.9])
  func mean(_ rate: Float) throws {
    let output = try run(rate: rate).output
    let kept = output.count { $0 != 0 }
    // Four standard deviations of a binomial share.
    let deviation = (Double(rate * (1 - rate)) / Double(Self.count)).squareRoot()
    #expect(abs(Double(kept) / Double(Self.count) - Double(1 - rate)) < 4 * deviation)
    let mean = output.reduce(0.0) { $0 + Double($1) } / Double(Self.count)
    #expect(abs(mean - 1) < 4 * deviation / Double(1 - rate))
    #expect(Set(output) == [0, 1 / (1 - rate)])
  }

  @Test("the gradient passes where the forward pass did")
  func gradient() throws {
    let (output, gradient) = try run(rate: 0.3)
    let factor = 2 / (0.7 * Double(Self.count))
    #expect(relativeDifference(gradient, output.map { Double($0) * factor }) < 1e-5)
  }
}
