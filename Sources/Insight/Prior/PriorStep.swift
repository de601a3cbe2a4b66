import ConvNetCompiler
package import ConvNetGraphs
import ConvNetLayers
import ConvNetTensors

/// The step of a fit as a graph: the network, the picture cut out of what it makes, how that was observed, the loss, and all
/// gradients.
package struct PriorStep {
  static let lossName = "loss"
  static let pictureName = "picture"

  package let graph: Graph
  /// The trainable parameters, each with the output that holds its gradient.
  package let gradients: [(parameter: String, kind: ParameterKind, output: String)]
  /// What is the same at every step.
  let inputs: [String: Tensor]
  private let initializers: [String: Initializer]

  package init(
    _ problem: PriorProblem, _ settings: PriorSettings, height: Int, width: Int
  ) throws {
    let network = settings.network.network(
      height: height, width: width, channels: problem.channels)
    var (graph, initializers) = try network.lowered()
    graph = try graph.specializedForTraining(freezingStatistics: [])
    var picture = graph.outputs[0].value
    graph.outputs = []
    for (axis, extent) in [(2, problem.height), (3, problem.width)]
    where graph[picture].shape[axis] > extent {
      picture = try graph.append(
        Operation.Slice(axis: axis, start: 0, count: extent), to: picture, name: "cut/\(axis)")
    }
    graph.addOutput(Self.pictureName, picture)
    var inputs: [String: Tensor] = [:]
    var observed = picture
    if problem.factor > 1 {
      let reduced = try LanczosReduction(factor: problem.factor).append(
        to: &graph, picture: picture)
      observed = reduced.value
      inputs = reduced.inputs
    }
    inputs["target"] = problem.target
    if let mask = problem.mask { inputs["mask"] = mask }
    let known = ["target", "mask"].compactMap { name in
      inputs[name].map { graph.addInput(name, ValueType($0.shape)) }
    }
    let loss = try graph.append(
      Operation.MeanSquaredError(hasMask: problem.known != nil), to: [observed] + known,
      name: Self.lossName)[0]
    graph.addOutput(Self.lossName, loss)
    let (differentiated, byParameters) = try graph.differentiated(loss: loss)
    graph = differentiated
    var named: [(parameter: String, kind: ParameterKind, output: String)] = []
    for parameter in graph.parameters {
      guard let gradient = byParameters[parameter], let kind = graph[parameter].parameterKind
      else { continue }
      let output = "gradient/\(graph[parameter].name)"
      graph.addOutput(output, gradient)
      named.append((graph[parameter].name, kind, output))
    }
    self.graph = graph
    self.inputs = inputs
    self.initializers = initializers
    gradients = named
  }

  /// Numbers that are learned.
  var parameterCount: Int {
    graph.parameters.filter { graph[$0].parameterKind?.isTrainable == true }
      .reduce(0) { $0 + graph[$1].shape.count }
  }

  /// What parameters begin with.
  func beginnings(seed: UInt64) -> [String: Tensor] {
    var values: [String: Tensor] = [:]
    for (index, id) in graph.parameters.enumerated() {
      let initializer = initializers[graph[id].name] ?? .zeros
      values[graph[id].name] = initializer.values(
        shape: graph[id].shape, seed: seed, index: index)
    }
    return values
  }
}
