public import ConvNetGraphs
import ConvNetTensors

extension Model {
  /// The same network for other classes: its last layer has as many outputs, and begins anew; what stands before it is kept.
  ///
  /// The last layer is the dense layer or convolution that the scores come from; poolings, activations and what is added behind
  /// it stay.
  ///
  /// - Parameter seed: of the new weights, drawn as ``Initializer/glorotUniform`` has it; what is added begins at zero.
  /// - Throws: ``GraphError`` where no such layer is there, or its weights are used elsewhere too.
  public func replacingLastLayer(classes: Int, seed: UInt64 = 0) throws(GraphError) -> Model {
    let name = graph.name
    func failure(_ text: String) -> GraphError {
      GraphError(subject: name, problem: .invariant(text))
    }
    guard let output = mainOutput, classes > 0 else { throw failure("has no scores") }
    let (producers, consumers) = (graph.producers, graph.consumers)
    var graph = graph
    var parameters = parameters
    /// Gives a parameter another extent along an axis.
    func resize(_ value: ValueID, axis: Int, _ initializer: Initializer) throws(GraphError) {
      guard consumers[value]?.count == 1 else {
        throw failure(
          "\(graph[value].name) is used more than once, so that no layer can be replaced")
      }
      let shape = graph[value].shape.dimensions(replacing: axis, with: classes)
      guard let checked = Shape(checking: shape) else { throw failure("\(classes) classes") }
      graph[value].type.shape = checked
      let index = graph.parameters.firstIndex(of: value) ?? 0
      parameters[graph[value].name] = initializer.values(shape: checked, seed: seed, index: index)
    }
    var value = output.value
    var isFound = false
    while let place = producers[value], !isFound {
      let operation = graph.operations[place]
      let learned = operation.inputs.filter { graph[$0].parameterKind != nil }
      isFound = operation.attributes is any WeightLayer
      for (index, parameter) in learned.enumerated() {
        let shape = graph[parameter].shape
        if isFound {
          try resize(parameter, axis: 0, index == 0 ? .glorotUniform : .zeros)
        } else if let axis = shape.dimensions.firstIndex(of: classCount), shape.count == classCount
        {
          try resize(parameter, axis: axis, .zeros)
        } else if shape.count != 1 {
          throw failure(
            "\(operation.name) behind the last layer has weights for \(classCount) classes")
        }
      }
      let computed = operation.inputs.filter { graph[$0].parameterKind == nil }
      guard isFound || computed.count == 1 else { break }
      value = computed.first ?? value
    }
    guard isFound else {
      throw failure("its scores come from no dense layer or convolution that could be replaced")
    }
    let shapes = Dictionary(
      graph.inputs.map { (graph[$0].name, graph[$0].shape) },
      uniquingKeysWith: { first, _ in first })
    var model = self
    model.graph = try graph.reshaped(inputs: shapes)
    model.parameters = parameters
    model.classNames = []
    return model
  }
}
