import ConvNetCompiler
import ConvNetGraphs
import ConvNetTensors
import ConvNetTestSupport

/// A small network with what a residual network has: convolutions with batch normalization, a
/// shortcut, pooling, dropout, a dense classifier.
struct SmallNetwork {
  static let classes = 5
  var graph: Graph
  var parameters: [String: Tensor]
  let batch: Int
  let extent: Int

  init(batch: Int = 4, extent: Int = 8, channels: Int = 16) throws {
    self.batch = batch
    self.extent = extent
    graph = Graph(name: "small")
    parameters = [:]
    let images = graph.addInput("images", ValueType([batch, 3, extent, extent]))
    var x = try convolution("conv1", images, channels)
    x = try graph.append(
      Operation.Activation(.relu), to: normalization("norm1", x), name: "relu1")
    var y = try normalization("norm2", convolution("conv2", x, channels))
    y = try graph.append(Operation.Activation(.relu), to: y, name: "relu2")
    y = try normalization("norm3", convolution("conv3", y, channels))
    y = try graph.append(Operation.Add(), to: y, x, name: "shortcut")
    y = try graph.append(Operation.Activation(.relu), to: y, name: "relu3")
    y = try graph.append(
      Operation.MaxPooling(window: [2, 2], strides: [2, 2]), to: y, name: "pool")
    y = try graph.append(Operation.Dropout(rate: 0.4, index: 0), to: y, name: "dropout")
    y = try graph.append(Operation.Flatten(order: .channelsLast), to: y, name: "flatten")
    let kernel = parameter("dense.weight", [Self.classes, graph[y].shape[1]], .kernel, -0.2..<0.2)
    let bias = parameter("dense.bias", [Self.classes], .bias, -0.1..<0.1)
    graph.addOutput(
      "logits", try graph.append(Operation.Dense(), to: y, kernel, bias, name: "dense"))
  }

  private mutating func parameter(
    _ name: String, _ shape: Shape, _ kind: ParameterKind, _ range: Range<Float>
  ) -> ValueID {
    parameters[name] = .random(shape, seed: UInt64(parameters.count), in: range)
    return graph.addParameter(name, shape, kind)
  }

  private mutating func convolution(
    _ name: String, _ x: ValueID, _ channels: Int
  ) throws -> ValueID {
    let shape: Shape = [channels, graph[x].shape[1], 3, 3]
    let kernel = parameter("\(name).weight", shape, .kernel, -0.3..<0.3)
    return try graph.append(
      Operation.Convolution(strides: [1, 1], padding: .symmetric(1), hasBias: false),
      to: x, kernel, name: name)
  }

  private mutating func normalization(_ name: String, _ x: ValueID) throws -> ValueID {
    let shape: Shape = [graph[x].shape[1]]
    let values = [
      parameter("\(name).weight", shape, .scale, 0.5..<1.5),
      parameter("\(name).bias", shape, .shift, -0.5..<0.5),
      parameter("\(name).running_mean", shape, .runningMean, -0.5..<0.5),
      parameter("\(name).running_var", shape, .runningVariance, 0.5..<1.5),
    ]
    let attributes = Operation.BatchNormalization(momentum: 0.9, runningVariance: .sample)
    return try graph.append(attributes, to: [x] + values, name: name)[0]
  }

  var images: Tensor { .random([batch, 3, extent, extent], seed: 100) }
  var labels: Tensor { .randomClasses(Self.classes, examples: batch, seed: 101) }

  /// The step of training as a graph: the loss and the gradient of every trainable parameter, under
  /// its name, are outputs.
  func training() throws -> (graph: Graph, loss: ValueID, gradients: [ValueID: ValueID]) {
    var graph = try graph.specialized(for: .training)
    let logits = graph.outputs[0].value
    graph.outputs = []
    let labels = graph.addInput("labels", ValueType([batch], .int32))
    let loss = try graph.append(
      Operation.CrossEntropy(), to: [logits, labels], name: "loss")[0]
    var (longer, gradients) = try graph.differentiated(loss: loss)
    longer.addOutput("loss", loss)
    for (parameter, gradient) in gradients.sorted(by: { $0.key.index < $1.key.index }) {
      longer.addOutput(longer[parameter].name, gradient)
    }
    return (longer, loss, gradients)
  }

  /// Inputs and parameters by value, for the reference.
  func given(in graph: Graph, parameters: [String: Tensor]? = nil) -> [ValueID: ReferenceValue] {
    var given: [ValueID: ReferenceValue] = [:]
    for (name, tensor) in (parameters ?? self.parameters)
      .merging(["images": images, "labels": labels], uniquingKeysWith: { $1 })
    {
      if let id = graph.value(named: name) { given[id] = ReferenceValue(tensor) }
    }
    return given
  }
}

extension Graph {
  /// The same graph with every value a result: passes may take nothing away.
  var withEveryValueKept: Graph {
    var graph = self
    for operation in operations {
      for value in operation.outputs where self[value].type.elementType == .float32 {
        graph.addOutput("kept \(value.index)", value)
      }
    }
    return graph
  }
}
