import ConvNetGraphs
import ConvNetTraining
import Foundation
import Testing

// Powers of two wherever the formula lets them, so that most numbers are exact.
@Suite("Optimizers, computed by hand") struct OptimizerFormulaTests {
  @Test("Nesterov's step goes by the velocity that it leads to")
  func nesterov() throws {
    let results = try steps(
      .nesterov(momentum: 0.5, weightDecay: 0.5), from: [1], gradients: [[2], [0]],
      learningRate: { _ in 0.25 })
    // v = -0.5 - 0.125 = -0.625; w = 1 + 0.5 v - 0.625 = 0.0625.
    // v = -0.3125 - 0.0078125 = -0.3203125; w = 0.0625 + 0.5 v - 0.0078125.
    #expect(results == [[0.0625], [-0.10546875]])
  }

  @Test("a velocity of gradients follows a new rate at once, one of steps does not")
  func velocities() throws {
    func last(_ form: VelocityForm) throws -> [[Float]] {
      try steps(
        .sgd(momentum: 0.5, velocity: form), from: [0], gradients: [[1], [0], [0]],
        learningRate: { $0 == 0 ? 1 : 0.125 })
    }
    #expect(try last(.steps) == [[-1], [-1.5], [-1.75]])
    #expect(try last(.gradients) == [[-1], [-1.0625], [-1.09375]])
  }

  @Test("RMSProp divides by the root of the average of squares, epsilon inside or outside")
  func rmsProp() throws {
    func last(_ place: EpsilonPlace) throws -> [[Float]] {
      try steps(
        .rmsProp(squareDecay: 0.75, epsilon: 1, epsilonPlace: place), from: [0],
        gradients: [[4]], learningRate: { _ in 1 })
    }
    // s = 0.25 * 16 = 4.
    #expect(try last(.outsideRoot) == [[-4 / 3]])
    #expect(try last(.insideRoot) == [[Float(-4 / 5.0.squareRoot())]])
  }

  @Test("centered, the square of the mean is taken off, and no root of less than zero")
  func centered() throws {
    let results = try steps(
      .rmsProp(squareDecay: 0.5, epsilon: 1, epsilonPlace: .outsideRoot, isCentered: true),
      from: [0], gradients: [[4], [4], [4]], learningRate: { _ in 1 })
    // s = 8, 12, 14; m = 2, 3, 3.5; s - m^2 = 4, 3, 1.75.
    var (expected, w) = ([[Float]](), 0.0)
    for variance in [4, 3, 1.75] as [Double] {
      w -= 4 / (variance.squareRoot() + 1)
      expected.append([Float(w)])
    }
    for (value, expected) in zip(results.joined(), expected.joined()) {
      #expect(abs(value - expected) < 1e-6)
    }
    let constant = try steps(
      .rmsProp(squareDecay: 0.9, epsilon: 1e-7, isCentered: true), from: [0],
      gradients: [[Float]](repeating: [0.3], count: 500), learningRate: { _ in 1e-6 })
    #expect(constant.joined().allSatisfy { $0.isFinite })
  }

  @Test("an average of squares that begins at one, as TensorFlow's of old")
  func initialSquare() throws {
    let results = try steps(
      .rmsProp(squareDecay: 0.5, epsilon: 1, initialSquare: 1), from: [0], gradients: [[2], [0]],
      learningRate: { _ in 1 })
    // s = 0.5 + 0.5 * 4 = 2.5, then 1.25: only the first step moves.
    #expect(results == [[Float(-2 / 3.5.squareRoot())], [Float(-2 / 3.5.squareRoot())]])
    // Of the velocity the second step shows what s was.
    let moved = try steps(
      .rmsProp(squareDecay: 0.5, epsilon: 1, initialSquare: 1), from: [0], gradients: [[0], [2]],
      learningRate: { _ in 1 })
    // s = 0.5, then 0.25 + 0.5 * 4.
    #expect(abs(moved[1][0] - Float(-2 / 3.25.squareRoot())) < 1e-6)
  }

  @Test("Adam's first step is the rate, whatever the gradient")
  func adam() throws {
    for gradient in [1e-3, -7, 1e4] as [Float] {
      let results = try steps(
        .adam(), from: [0], gradients: [[gradient]], learningRate: { _ in 0.5 })
      #expect(abs(results[0][0] - (gradient > 0 ? -0.5 : 0.5)) < 1e-4)
    }
  }

  @Test("decoupled decay moves weights by the rate alone, coupled decay through the division")
  func decay() throws {
    let decoupled = try steps(
      .adamW(weightDecay: 0.5), from: [8], gradients: [[0]], learningRate: { _ in 0.25 })
    #expect(decoupled == [[7]])
    let coupled = try steps(
      .adam(weightDecay: 0.5), from: [8], gradients: [[0]], learningRate: { _ in 0.25 })
    #expect(abs(coupled[0][0] - 7.75) < 1e-5)
  }

  @Test("LARS moves a kernel by a share of its length, and a bias as plain descent does")
  func lars() throws {
    let optimizer = LARS(trust: 0.5, momentum: 0, weightDecay: 0, decaying: .kernels)
    let kernel = try steps(
      optimizer, from: [3, 4], gradients: [[0, 2]], learningRate: { _ in 0.5 })
    // |w| = 5, |g| = 2: a = 0.5 * 5 / 2 = 1.25, the step 0.625 * 2.
    #expect(kernel == [[3, 2.75]])
    let bias = try steps(
      optimizer, kind: .bias, from: [3, 4], gradients: [[0, 2]], learningRate: { _ in 0.5 })
    #expect(bias == [[3, 3]])
    let decayed = try steps(
      LARS(trust: 0.5, momentum: 0, weightDecay: 0.2), from: [3, 4], gradients: [[0, 2]],
      learningRate: { _ in 1 })
    // a = 2.5 / (2 + 0.2 * 5) = 2.5 / 3.
    #expect(abs(decayed[0][0] - (3 - 2.5 / 3 * 0.6)) < 1e-5)
    #expect(abs(decayed[0][1] - (4 - 2.5 / 3 * 2.8)) < 1e-5)
    #expect(
      try steps(optimizer, from: [0, 0], gradients: [[1, 0]], learningRate: { _ in 0.5 })
        == [[-0.5, 0]])
  }

  @Test(
    "decay on kernels leaves all else alone",
    arguments: [
      .sgd(weightDecay: 0.5, decaying: .kernels), .nesterov(weightDecay: 0.5, decaying: .kernels),
      .rmsProp(weightDecay: 0.5, decaying: .kernels), .adam(weightDecay: 0.5, decaying: .kernels),
      .adamW(weightDecay: 0.5, decaying: .kernels), .lars(weightDecay: 0.5, decaying: .kernels),
    ] as [any Optimizer])
  func kernels(optimizer: any Optimizer) throws {
    for kind in [ParameterKind.kernel, .bias, .scale, .shift] {
      let result = try steps(
        optimizer, kind: kind, from: [1], gradients: [[0]], learningRate: { _ in 0.5 })
      #expect((result[0][0] < 1) == (kind == .kernel))
    }
  }

  @Test("any number of elements is stepped alike", arguments: [1, 15, 16, 17, 33, 100])
  func lengths(count: Int) throws {
    for optimizer in [
      .sgd(momentum: 0.9, weightDecay: 0.1), .nesterov(velocity: .gradients),
      .rmsProp(momentum: 0.5, isCentered: true), .rmsProp(), .adamW(),
    ] as [any Optimizer] {
      let weights = (0..<count).map { Float($0) / 7 - 3 }
      let slopes = (0..<count).map { Float(($0 * 5) % 13) - 6 }
      func run(_ places: Range<Int>) throws -> [Float] {
        try steps(
          optimizer, from: Array(weights[places]),
          gradients: [Array(slopes[places]), Array(slopes[places])], learningRate: { _ in 0.1 }
        )[1]
      }
      let alone = try (0..<count).flatMap { try run($0..<$0 + 1) }
      #expect(try run(0..<count) == alone)
    }
  }

  @Test(
    "settings that make no sense are refused",
    arguments: [
      .nesterov(momentum: 0), .nesterov(momentum: 1), .rmsProp(squareDecay: 1),
      .rmsProp(epsilon: 0), .rmsProp(epsilon: .nan), .rmsProp(initialSquare: -1),
      .rmsProp(momentum: -0.1), .rmsProp(weightDecay: .infinity), .adam(meanDecay: 1),
      .adam(squareDecay: -1), .adam(epsilon: 0), .adamW(weightDecay: -1), .lars(trust: 0),
      .lars(momentum: 1), .lars(weightDecay: .nan),
    ] as [any Optimizer])
  func refused(optimizer: any Optimizer) {
    #expect(throws: TrainingError.self) { try optimizer.validate() }
  }

  @Test(
    "settings are written and read again, the lecture's as they always were",
    arguments: [
      .sgd(momentum: 0.9), .sgd(velocity: .gradients), .nesterov(weightDecay: 0.1),
      .rmsProp(epsilonPlace: .outsideRoot, initialSquare: 1), .adam(), .adamW(), .lars(),
    ] as [any Optimizer])
  func coding(optimizer: any Optimizer) throws {
    func again<Part: Optimizer>(_ part: Part) throws -> Bool {
      try JSONDecoder().decode(Part.self, from: JSONEncoder().encode(part)) == part
    }
    #expect(try again(optimizer))
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    #expect(
      String(
        decoding: try encoder.encode(StochasticGradientDescent(momentum: 0.5)), as: UTF8.self)
        == #"{"decaying":"all","momentum":0.5,"weightDecay":0}"#)
  }
}
