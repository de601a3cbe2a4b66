import ConvNetTestSupport
import ConvNetTraining
import Foundation
import Testing

@Suite("Optimizers beside PyTorch's and Keras's") struct OptimizerFixtureTests {
  struct Case: Sendable, CustomStringConvertible {
    var name: String
    var optimizer: any Optimizer
    var description: String { name }

    init(_ name: String, _ optimizer: any Optimizer) {
      self.name = name
      self.optimizer = optimizer
    }
  }

  private static let fixture = fixturePath(
    "optimizers.json", beside: URL(fileURLWithPath: #filePath).deletingLastPathComponent().path)

  private static let cases = [
    Case("torch sgd", .sgd(momentum: 0.9, weightDecay: 0.01, velocity: .gradients)),
    Case("torch nesterov", .nesterov(weightDecay: 0.01, velocity: .gradients)),
    Case(
      "torch rmsprop",
      .rmsProp(
        squareDecay: 0.95, epsilon: 1e-3, epsilonPlace: .outsideRoot, weightDecay: 0.01)),
    Case(
      "torch rmsprop, momentum",
      .rmsProp(
        squareDecay: 0.95, momentum: 0.8, epsilon: 1e-3, epsilonPlace: .outsideRoot,
        velocity: .gradients)),
    Case(
      "torch rmsprop, centered",
      .rmsProp(
        squareDecay: 0.95, momentum: 0.8, epsilon: 1e-3, epsilonPlace: .outsideRoot,
        isCentered: true, velocity: .gradients)),
    Case("torch adam", .adam(weightDecay: 0.01)),
    Case("torch adamw", .adamW(weightDecay: 0.1)),
    Case("keras sgd", .sgd(momentum: 0.9)),
    Case("keras nesterov", .nesterov()),
    Case("keras rmsprop", .rmsProp(epsilon: 1)),
    Case("keras rmsprop, momentum", .rmsProp(momentum: 0.9, epsilon: 1)),
    Case(
      "keras rmsprop, centered", .rmsProp(momentum: 0.9, epsilon: 1e-3, isCentered: true)),
    Case("keras adam", .adam(epsilon: 1e-3, epsilonForm: .uncorrected)),
  ]

  private static let stepCount = 20

  /// As in make_optimizer_fixtures.py.
  private func gradient(_ step: Int) -> [Float] {
    (0..<5).map { place in
      Float(Double((step * 7 + place * 5) % 11 - 5) / 8 * pow(10, Double(place - 2)))
    }
  }

  private func last(_ optimizer: any Optimizer) throws -> [Float] {
    try #require(
      steps(
        optimizer, from: [0.5, -1, 2, 0.03, -0.25],
        gradients: (0..<Self.stepCount).map(gradient),
        learningRate: { $0 < Self.stepCount / 2 ? 0.05 : 0.025 }
      ).last)
  }

  @Test("after twenty steps and a change of the rate they are where theirs are", arguments: cases)
  func fixture(_ row: Case) throws {
    let expected = try JSONDecoder().decode(
      [String: [Double]].self, from: Data(fileBytes(Self.fixture)))
    #expect(expected.count == Self.cases.count)
    let values = try last(row.optimizer)
    for (value, expected) in zip(values, try #require(expected[row.name])) {
      #expect(abs(Double(value) - expected) < 2e-6 * max(1, abs(expected)))
    }
  }

  @Test(
    "forms that differ by name differ in numbers",
    arguments: [
      (.sgd(momentum: 0.9), .sgd(momentum: 0.9, velocity: .gradients)),
      (.nesterov(), .sgd(momentum: 0.9)),
      (.nesterov(), .nesterov(velocity: .gradients)),
      (.rmsProp(epsilon: 0.1), .rmsProp(epsilon: 0.1, epsilonPlace: .outsideRoot)),
      (.rmsProp(epsilon: 1), .rmsProp(epsilon: 1, initialSquare: 1)),
      (.rmsProp(momentum: 0.5), .rmsProp(momentum: 0.5, velocity: .gradients)),
      (.adam(weightDecay: 0.1), .adamW(weightDecay: 0.1, decaying: .all)),
      (.adam(epsilon: 0.1), .adam(epsilon: 0.1, epsilonForm: .uncorrected)),
    ] as [(any Optimizer, any Optimizer)])
  func forms(first: any Optimizer, second: any Optimizer) throws {
    let (first, second) = (try last(first), try last(second))
    #expect(zip(first, second).contains { abs($0 - $1) > 1e-4 })
  }
}
