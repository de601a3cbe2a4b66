public import ConvNetGraphs
public import ConvNetImages
public import ConvNetTensors

/// A network with its parameters, and all that is needed to use it: what its classes are called,
/// how its input is prepared, how it was trained.
public struct Model: Sendable {
  /// The network in no mode: compiling it gives the form for inference or for training.
  public var graph: Graph
  /// A value for every parameter of the graph, by name.
  public var parameters: [String: Tensor]
  /// One a class, in the order of the logits; empty where the classes have no names.
  public var classNames: [String]
  /// How a picture becomes the network's input; `nil` where its input is not made from pictures.
  public var preprocessing: Preprocessing?
  /// What was done at random to the pictures that it was last trained on; `nil` where that is not
  /// known. Prediction does not do it.
  public var augmentation: Augmentation?
  /// How it was trained; `nil` where that is not known.
  public var trainingSummary: TrainingSummary?
  /// Steps that the running statistics have seen, by the name of the running variance, so that a
  /// training that goes on in the same process weighs them rightly. Others count as old.
  package var averageAges: [String: Int] = [:]

  /// - Throws: ``GraphError`` where a parameter is missing or has another shape.
  public init(
    graph: Graph, parameters: [String: Tensor], classNames: [String] = [],
    preprocessing: Preprocessing? = nil, augmentation: Augmentation? = nil,
    trainingSummary: TrainingSummary? = nil
  ) throws(GraphError) {
    for id in graph.parameters {
      let value = graph[id]
      guard let parameter = parameters[value.name] else {
        throw GraphError(
          subject: graph.name, problem: .invariant("parameter \(value.name) has no value"))
      }
      guard parameter.shape == value.shape else {
        throw GraphError(
          subject: graph.name,
          problem: .invariant(
            "parameter \(value.name) needs shape \(value.shape), has \(parameter.shape)"))
      }
      guard parameter.elementType == .float32 else {
        throw GraphError(
          subject: graph.name,
          problem: .invariant(
            "parameter \(value.name) must be float32, is \(parameter.elementType)"))
      }
    }
    self.graph = graph
    self.parameters = parameters
    self.classNames = classNames
    self.preprocessing = preprocessing
    self.augmentation = augmentation
    self.trainingSummary = trainingSummary
  }

  /// The order of the elements of a picture that the network is given.
  public var dataFormat: DataFormat { preprocessing?.dataFormat ?? .channelsLast }

  /// The name of the network's first input.
  package var inputName: String { graph.inputs.first.map { graph[$0].name } ?? "" }

  /// The extents of one example of the first input, in logical order: channels, height, width.
  package var inputExtents: [Int] {
    graph.inputs.first.map { Array(graph[$0].shape.dimensions.dropFirst()) } ?? []
  }

  /// All but the parameters: what something whose parameters stand elsewhere needs to know.
  package var withoutParameters: Model {
    var model = self
    model.parameters = [:]
    return model
  }

  /// The network's own result: the first output that is no auxiliary classifier's.
  package var mainOutput: Graph.Output? {
    graph.outputs.first { $0.auxiliaryWeight == nil }
  }

  /// The number of classes: the width of the network's own result.
  public var classCount: Int {
    mainOutput.map { graph[$0.value].shape.dimensions.last ?? 0 } ?? 0
  }
}
