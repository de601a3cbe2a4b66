import ConvNetEngine
import ConvNetGraphs
import ConvNetLayers
import ConvNetTensors
import ConvNetTraining
import Testing

/// Steps one parameter, and gives its elements after each step.
func steps(
  _ optimizer: any Optimizer, kind: ParameterKind = .kernel, from weights: [Float],
  gradients: [[Float]], learningRate: (_ step: Int) -> Float
) throws -> [[Float]] {
  let network = Network("n", input: .features(1)) { Dense(weights.count) }
  let model = Model(network)
  let name = "dense1.weight"
  var parameters = model.parameters
  parameters[name] = Tensor(weights, shape: try #require(parameters[name]).shape)
  let store = try ParameterStore(parameters)
  let state = try OptimizerState(optimizer, graph: model.graph)
  return try gradients.enumerated().map { step, gradient in
    var gradient = gradient
    gradient.withUnsafeMutableBufferPointer {
      state.update(
        [state.parameter(name, kind: kind, gradient: $0, in: store)],
        learningRate: learningRate(step))
    }
    state.finishUpdate()
    return try #require(store[name]).elements
  }
}
