import ConvNetEngine
import ConvNetGraphs
import ConvNetLayers
import ConvNetTensors
import ConvNetTestSupport
import ConvNetTraining
import Testing

@Suite("Optimizer") struct OptimizerTests {
  private let network = Network("n", input: .features(2)) {
    Dense(2)
    BatchNorm()
  }

  /// v <- 0.5 v - 0.25 g - 0.5 * 0.25 w, w <- w + v: powers of two, so that every number below is
  /// exact.
  @Test("momentum and decay follow the lecture's formula, computed by hand")
  func formula() throws {
    let results = try steps(
      .sgd(momentum: 0.5, weightDecay: 0.5), kind: .bias, from: [1, -2],
      gradients: [[2, 0], [0, 4], [1, 1]], learningRate: { _ in 0.25 })
    // First: v = -0.5 - 0.125, w = 0.375; v = 0.25, w = -1.75.
    // Second: v = -0.3125 - 0.046875, w = 0.015625; v = 0.125 - 1 + 0.21875, w = -2.40625.
    // Third: v = -0.1796875 - 0.25 - 0.001953125, w = -0.416015625;
    // v = -0.328125 - 0.25 + 0.30078125, w = -2.68359375.
    #expect(
      results == [[0.375, -1.75], [0.015625, -2.40625], [-0.416015625, -2.68359375]])
  }

  @Test("without momentum and decay it is plain gradient descent")
  func plain() throws {
    let results = try steps(
      .sgd(), kind: .bias, from: [1, 1], gradients: [[2, -4], [2, -4]],
      learningRate: { _ in 0.5 })
    #expect(results == [[0, 3], [-1, 5]])
  }

  @Test(
    "decay takes all parameters or kernels only",
    arguments: [
      (.all, .kernel, 0.5), (.all, .bias, 0.5), (.all, .scale, 0.5), (.kernels, .kernel, 0.5),
      (.kernels, .bias, 1), (.kernels, .scale, 1), (.kernels, .shift, 1),
    ] as [(WeightDecayScope, ParameterKind, Float)])
  func scope(scope: WeightDecayScope, kind: ParameterKind, expected: Float) throws {
    let results = try steps(
      .sgd(momentum: 0, weightDecay: 0.5, decaying: scope), kind: kind, from: [1, 1],
      gradients: [[0, 0]], learningRate: { _ in 1 })
    #expect(results == [[expected, expected]])
  }

  @Test(
    "tasks that share a step do together what one does, of elements or of whole parameters",
    arguments: [
      .sgd(momentum: 0.9, weightDecay: 0.1), .nesterov(), .rmsProp(momentum: 0.9, isCentered: true),
      .adamW(), .lars(), OwnAdam(), UnitLength(),
    ] as [any Optimizer],
    [2, 3, 5])
  func tasks(optimizer: any Optimizer, tasks: Int) throws {
    let wide = Network("wide", input: .features(33)) {
      Dense(257)
      Dense(1)
    }
    let model = Model(wide, seed: 1)
    let names = ["dense1.weight", "dense1.bias", "dense2.weight", "dense2.bias"]
    func stepped(tasks: Int) throws -> [String: Tensor] {
      let store = try ParameterStore(model.parameters)
      let gradients = try ParameterStore(model.parameters.mapValues { .random($0.shape, seed: 2) })
      let state = try OptimizerState(optimizer, graph: model.graph)
      for _ in 0..<2 {
        let parameters = try names.map { name in
          try #require(
            gradients.withFloats(of: name) {
              state.parameter(name, kind: .kernel, gradient: $0, in: store)
            })
        }
        for task in 0..<tasks {
          state.update(parameters, learningRate: 0.1, task: task, tasks: tasks)
        }
        state.finishUpdate()
      }
      return store.values
    }
    let alone = try stepped(tasks: 1)
    #expect(try stepped(tasks: tasks) == alone)
    #expect(alone != model.parameters)
  }

  @Test("moving averages have no velocity")
  func runningStatistics() throws {
    let state = try OptimizerState(.sgd(momentum: 0.9), graph: Model(network).graph)
    #expect(
      state.slots["velocity"].map { Set($0.keys) } == [
        "dense1.weight", "dense1.bias", "bn1.weight", "bn1.bias",
      ])
  }
}
