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
  /// One a class, in the order of the logits; empty where the classes have no names. Of labels and numbers their names.
  public var classNames: [String]
  /// What the outputs tell of a picture.
  public var targetKind: TargetKind = .classes
  /// Of numbers, how outputs become them; `nil` where the outputs are the numbers themselves.
  public var targetScaling: TargetScaling?
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
    try Self.requireShapes(of: graph) { parameters[$0]?.shape }
    for id in graph.parameters {
      let name = graph[id].name
      if let type = parameters[name]?.elementType, type != .float32 {
        throw GraphError(
          subject: graph.name,
          problem: .invariant("parameter \(name) must be float32, is \(type)"))
      }
    }
    self.graph = graph
    self.parameters = parameters
    self.classNames = classNames
    self.preprocessing = preprocessing
    self.augmentation = augmentation
    self.trainingSummary = trainingSummary
  }

  /// The order of what the network is given: [batch, height, width, channels] for `channelsLast`, the usual one, [batch,
  /// channels, height, width] for `channelsFirst`.
  ///
  /// All that gives a model its input keeps to it: ``Preprocessing/prepared(_:)`` makes such pictures, and a run, a step of a
  /// training, an executable and a predictor take them, one without the axis of the batch as well. What comes out, values inside
  /// and gradients, is in logical order: batch, channels, height, width.
  public var dataFormat: DataFormat { preprocessing?.dataFormat ?? ownFormat }
  /// That of the network, which is asked where there is no preparation.
  package var ownFormat = DataFormat.channelsLast

  /// The name of the network's first input.
  package var inputName: String { graph.inputs.first.map { graph[$0].name } ?? "" }

  /// The extents of one example of the first input, in logical order: channels, height, width.
  package var inputExtents: [Int] {
    graph.inputs.first.map { Array(graph[$0].shape.dimensions.dropFirst()) } ?? []
  }

  /// - Throws: ``GraphError`` where a parameter of a graph is missing or has another shape, of those that `shape` knows.
  package static func requireShapes(
    of graph: Graph, _ shape: (_ name: String) -> Shape?
  ) throws(GraphError) {
    for id in graph.parameters {
      let value = graph[id]
      guard let actual = shape(value.name) else {
        throw GraphError(
          subject: graph.name, problem: .invariant("parameter \(value.name) has no value"))
      }
      guard actual == value.shape else {
        throw GraphError(
          subject: graph.name,
          problem: .invariant(
            "parameter \(value.name) needs shape \(value.shape), has \(actual)"))
      }
    }
  }

  /// A network that is described and not computed: it has no parameters.
  package init(
    describing graph: Graph, classNames: [String] = [], preprocessing: Preprocessing? = nil
  ) {
    self.graph = graph
    parameters = [:]
    self.classNames = classNames
    self.preprocessing = preprocessing
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

  /// The number of classes, labels or numbers: the width of the network's own result.
  public var classCount: Int {
    mainOutput.map { graph[$0.value].shape.dimensions.last ?? 0 } ?? 0
  }
}
