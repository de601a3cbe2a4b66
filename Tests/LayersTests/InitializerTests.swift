import ConvNetGraphs
import ConvNetLayers
import ConvNetTensors
import Testing

/// What a random initializer promises of a kernel of 64 planes from 32, 3x3: a bound or a variance.
private struct Promise: Sendable, CustomTestStringConvertible {
  var initializer: Initializer
  var variance: Double
  var bound: Float?
  var testDescription: String { "\(initializer)" }
}

private let promises: [Promise] = {
  let (fanIn, fanOut) = (32.0 * 9, 64.0 * 9)
  return [
    Promise(initializer: .normal(standardDeviation: 0.01), variance: 1e-4),
    Promise(initializer: .uniform(bound: 0.3), variance: 0.03, bound: 0.3),
    Promise(
      initializer: .glorotUniform, variance: 2 / (fanIn + fanOut),
      bound: Float((6 / (fanIn + fanOut)).squareRoot())),
    Promise(initializer: .glorotNormal, variance: 2 / (fanIn + fanOut)),
    Promise(
      initializer: .heUniform, variance: 2 / fanIn, bound: Float((6 / fanIn).squareRoot())),
    Promise(initializer: .heNormal, variance: 2 / fanIn),
    Promise(initializer: .heNormalFanOut, variance: 2 / fanOut),
  ]
}()

@Suite("Initializers") struct InitializerTests {
  @Test("mean, variance and bound are those of the formula", arguments: promises)
  private func moments(_ promise: Promise) {
    let elements = promise.initializer.values(shape: [64, 32, 3, 3], seed: 5, index: 2).elements
    let count = Double(elements.count)
    let mean = elements.reduce(0) { $0 + Double($1) } / count
    let variance = elements.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / count
    // Five standard errors: of the mean, and of the variance (of a normal; smaller for a uniform).
    #expect(abs(mean) < 5 * (promise.variance / count).squareRoot())
    #expect(abs(variance / promise.variance - 1) < 5 * (2 / count).squareRoot())
    guard let bound = promise.bound else { return }
    #expect(elements.allSatisfy { abs($0) <= bound })
    #expect(elements.contains { abs($0) > 0.99 * bound })
  }

  @Test("constants are constant")
  func constants() {
    #expect(Initializer.zeros.values(shape: [3], seed: 1, index: 0).elements == [0, 0, 0])
    #expect(Initializer.ones.values(shape: [3], seed: 1, index: 0).elements == [1, 1, 1])
    #expect(Initializer.constant(0.5).values(shape: [2], seed: 1, index: 0).elements == [0.5, 0.5])
  }

  private func model(width: Int, seed: UInt64 = 1) -> Model {
    Model(
      Network("n", input: .features(8)) {
        Dense(width)
        Dense(6, bias: false)
        Dense(6, bias: false)
      }, seed: seed)
  }

  @Test("one layer's size does not change another's numbers; the seed changes all")
  func independence() throws {
    let (small, large, other) = (model(width: 4), model(width: 50), model(width: 4, seed: 2))
    #expect(small.parameters["dense3.weight"] == large.parameters["dense3.weight"])
    #expect(small.parameters == model(width: 4).parameters)
    for name in ["dense1.weight", "dense2.weight", "dense3.weight"] {
      #expect(small.parameters[name] != other.parameters[name])
    }
    let third = try #require(large.parameters["dense3.weight"])
    let equal = Model(
      Network("n", input: .features(6)) {
        Dense(6, bias: false)
        Dense(6, bias: false)
      }, seed: 1)
    #expect(equal.parameters["dense1.weight"] != equal.parameters["dense2.weight"])
    #expect(third.shape == [6, 6])
  }

  @Test("parameters begin as their layers say")
  func beginnings() {
    let model = Model(
      Network("n", input: .image(height: 4, width: 4, channels: 2)) {
        Conv2D(3, kernel: 3, initializer: .constant(0.25))
        BatchNorm()
      })
    #expect(model.parameters["conv1.weight"]?.elements.allSatisfy { $0 == 0.25 } == true)
    #expect(model.parameters["conv1.bias"]?.elements == [0, 0, 0])
    #expect(model.parameters["bn1.weight"]?.elements == [1, 1, 1])
    #expect(model.parameters["bn1.bias"]?.elements == [0, 0, 0])
    #expect(model.parameters["bn1.running_mean"]?.elements == [0, 0, 0])
    #expect(model.parameters["bn1.running_var"]?.elements == [1, 1, 1])
  }
}
