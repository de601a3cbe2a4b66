import ConvNetCompiler
package import ConvNetGraphs
import ConvNetTensors

/// A network's training step as a graph: forward pass, loss, backward pass.
package struct TrainingGraph {
  package static let labelsName = "labels"
  static let lossName = "loss"
  static let totalLossName = "total loss"
  static let probabilitiesName = "probabilities"

  /// Outputs: the loss of the network's own output, its probabilities, the gradient of every
  /// trainable parameter and, where there are auxiliary classifiers, the weighted sum of all losses.
  package let graph: Graph
  /// The forward pass and the losses: how ``graph`` begins.
  let forward: Graph
  /// Of ``forward``, before the losses.
  let networkOperationCount: Int
  /// The trainable parameters, in the order of the graph, each with the name of the output that
  /// holds its gradient.
  let gradients: [(parameter: String, kind: ParameterKind, output: String)]

  /// - Parameters:
  ///   - network: in no mode, of the batch size to train with.
  ///   - objective: of each output.
  ///   - frozen: parameters that have no gradient.
  ///   - frozenStatistics: the running means of batch normalizations that compute as in inference.
  ///   - labelsAreDistributions: whether the labels are `float32` of [N, classes], each row with sum
  ///     one, instead of classes, `int32` of [N].
  ///   - youngVariances: running variances of which a second average is kept: see
  ///     ``RunningStatistics``.
  package init(
    _ network: Graph, objective: any Objective = .crossEntropy(), frozen: Set<String> = [],
    frozenStatistics: Set<String> = [],
    labelsAreDistributions: Bool = false,
    youngVariances: Set<String> = []
  ) throws(GraphError) {
    var graph = try network.specializedForTraining(freezingStatistics: frozenStatistics)
    try graph.addSeenAverages(of: youngVariances)
    let outputs = graph.outputs
    graph.outputs = []
    guard let main = outputs.first(where: { $0.auxiliaryWeight == nil }) else {
      throw GraphError(subject: network.name, problem: .invariant("has no output to train"))
    }
    let labels = graph.addInput(
      Self.labelsName,
      labelsAreDistributions || objective.takesDistributions
        ? graph[main.value].type : ValueType([graph[main.value].shape[0]], .int32))
    networkOperationCount = graph.operations.count
    var losses: [ValueID] = []
    var weights: [Float] = []
    for output in [main] + outputs.filter({ $0.auxiliaryWeight != nil }) {
      let values = try objective.append(
        to: &graph, output: output.value, labels: labels,
        name: output.name)
      losses.append(values.loss)
      weights.append(output.auxiliaryWeight ?? 1)
      if output == main {
        graph.addOutput(Self.lossName, values.loss)
        graph.addOutput(Self.probabilitiesName, values.scores)
      }
    }
    let total =
      losses.count == 1
      ? losses[0]
      : try graph.append(
        Operation.Add(coefficients: weights), to: losses, name: Self.totalLossName)[0]
    if losses.count > 1 { graph.addOutput(Self.totalLossName, total) }
    forward = graph
    let (differentiated, gradients) = try graph.differentiated(
      loss: total, byParameters: { !frozen.contains($0.name) })
    graph = differentiated
    var named: [(parameter: String, kind: ParameterKind, output: String)] = []
    for parameter in graph.parameters {
      guard let gradient = gradients[parameter], let kind = graph[parameter].parameterKind else {
        continue
      }
      let output = "gradient/\(graph[parameter].name)"
      graph.addOutput(output, gradient)
      named.append((graph[parameter].name, kind, output))
    }
    self.graph = graph
    self.gradients = named
  }
}
