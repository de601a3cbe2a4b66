import CKernels
import ConvNetEngine
import ConvNetGraphs
import ConvNetLayers
import ConvNetTensors

/// Where numbers ceased to be finite: found by computing a step once more with every value in sight.
extension TrainingSession {
  /// Checks what a training begins with: a file may bring anything.
  ///
  /// - Throws: ``TrainingError/nonFiniteParameter(name:count:elements:)`` of the first.
  func requireFiniteParameters() throws(TrainingError) {
    for id in model.graph.parameters {
      let name = model.graph[id].name
      let count = store.withFloats(of: name) { values in
        ck_all_finite(values.baseAddress, values.count) ? 0 : values.count { !$0.isFinite }
      }
      if let count, count > 0 {
        throw .nonFiniteParameter(
          name: name, count: count, elements: model.graph[id].shape.count)
      }
    }
  }

  /// Checks what the steps made of the parameters: an update may overflow although its gradient is
  /// finite.
  ///
  /// - Throws: ``TrainingError`` naming the first parameter or moving average that is not finite.
  func requireFiniteParametersAfterSteps() throws(TrainingError) {
    if let name = firstParameterThatIsNotFinite({ _ in true }) {
      throw nonFinite("the value", of: name)
    }
  }

  private func firstParameterThatIsNotFinite(_ isMeant: (ParameterKind) -> Bool) -> String? {
    model.graph.parameters.first { id in
      model.graph[id].parameterKind.map(isMeant) == true
        && store.withFloats(of: model.graph[id].name) {
          ck_all_finite($0.baseAddress, $0.count)
        } == false
    }.map { model.graph[$0].name }
  }

  /// The error of a step whose loss or gradient is not finite: names the first thing that is not, in the order in which the
  /// step computes: a parameter, the input, an operation's result, a gradient on the way back.
  ///
  /// - Parameter loss: what the step said.
  func nonFinite(_ loss: Double, _ step: CompiledStep) -> TrainingError {
    // Running statistics are no part of the step, which has changed them already.
    if let name = firstParameterThatIsNotFinite(\.isTrainable) {
      return nonFinite("the value", of: name)
    }
    let place = try? inspect(step)
    if let place { return nonFinite(place.what, of: place.layer) }
    // Not seen again: the search adds in another order.
    guard loss.isFinite, let parameter = lastGradientThatIsNotFinite(step) else {
      return nonFinite("the loss", of: model.graph.name)
    }
    return nonFinite("the gradient", of: parameter)
  }

  private func nonFinite(_ what: String, of layer: String) -> TrainingError {
    .nonFinite(
      what: what, layer: layer, step: stepCount, learningRate: learningRate,
      gradientNorm: gradientNorm)
  }

  /// The backward pass begins at the end of the network.
  private func lastGradientThatIsNotFinite(_ step: CompiledStep) -> String? {
    gradients.last { gradient in
      (try? step.executable.withUnsafeOutput(gradient.output) {
        ck_all_finite($0.baseAddress, $0.count)
      }) == false
    }?.parameter
  }

  /// Computes a step once more, first its forward pass alone, which takes less memory.
  private func inspect(_ step: CompiledStep) throws -> (what: String, layer: String)? {
    var inputs: [String: Tensor] = [:]
    if trunk != nil, let input = try step.networkInput(model.inputName),
      !input.elements.allSatisfy(\.isFinite)
    {
      return ("the input", model.inputName)
    }
    for name in step.executable.inputNames {
      let input = try step.executable.input(name)
      if input.elementType == .float32, !input.elements.allSatisfy(\.isFinite) {
        return (trunk == nil ? "the input" : "the output", name)
      }
      inputs[name] = input
    }
    let batch =
      inputs.first { $0.key != TrainingGraph.labelsName }?.value.shape.dimensions.first ?? 1
    let training = try trainingGraph(batch: batch)
    if let place = try firstThatIsNotFinite(of: training.forward, inputs, from: 0) {
      return place < training.networkOperationCount
        ? ("the output", training.forward.operations[place].name) : ("the loss", model.graph.name)
    }
    let place = try firstThatIsNotFinite(
      of: training.graph, inputs, from: training.forward.operations.count)
    return place.map { place in
      let operation = training.graph.operations[place]
      guard case .gradient(of: let name) = operation.role else {
        return ("the output", operation.name)
      }
      return ("the gradient", name)
    }
  }

  /// The place of the first operation, from one on, whose result is not finite.
  private func firstThatIsNotFinite(
    of graph: Graph, _ inputs: [String: Tensor], from start: Int
  ) throws -> Int? {
    var graph = graph
    graph.outputs = []
    // The statistics have had this step.
    graph.parameterUpdates = []
    let operations = graph.operations[start...]
    for value in operations.flatMap(\.outputs) where graph[value].type.elementType == .float32 {
      graph.addOutput("\(value.index)", value)
    }
    var executable = try Executable(graph, training: store, options: options)
    // Inputs that only a part of the step reads are not there.
    for (name, input) in inputs where executable.inputShape(name) != nil {
      try executable.write(input, to: name)
    }
    try executable.run(step: stepCount, seed: trainer.seed)
    return try operations.indices.first { index in
      try operations[index].outputs.contains { value in
        try graph[value].type.elementType == .float32
          && !executable.withUnsafeOutput("\(value.index)") {
            ck_all_finite($0.baseAddress, $0.count)
          }
      }
    }
  }
}
