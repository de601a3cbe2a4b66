import ConvNetCompiler
import ConvNetGraphs
import ConvNetTensors
import Testing

/// Graphs built in a few words, for tests of passes.
struct GraphSample {
  var graph = Graph(name: "sample")

  mutating func input(_ name: String = "x", _ shape: Shape = [2, 4, 6, 6]) -> ValueID {
    graph.addInput(name, ValueType(shape))
  }

  mutating func convolution(
    _ x: ValueID, _ name: String, channels: Int = 4, hasBias: Bool = false
  ) throws -> ValueID {
    let shape: Shape = [channels, graph[x].shape[1], 3, 3]
    let kernel = graph.addParameter("\(name).weight", shape, .kernel)
    let bias = hasBias ? [graph.addParameter("\(name).bias", [channels], .bias)] : []
    let attributes = Operation.Convolution(strides: [1, 1], padding: .same, hasBias: hasBias)
    return try graph.append(attributes, to: [x, kernel] + bias, name: name)[0]
  }

  mutating func dense(_ x: ValueID, _ name: String, features: Int = 8) throws -> ValueID {
    let kernel = graph.addParameter("\(name).weight", [features, graph[x].shape[1]], .kernel)
    return try graph.append(Operation.Dense(hasBias: false), to: x, kernel, name: name)
  }

  mutating func normalization(
    _ x: ValueID, _ name: String, form: Operation.BatchNormalization.Form = .inference,
    runningVariance: Operation.BatchNormalization.VarianceEstimate = .population
  ) throws -> ValueID {
    let kinds: [ParameterKind] = [.scale, .shift, .runningMean, .runningVariance]
    let shape: Shape = [graph[x].shape[1]]
    let parameters = kinds.map { graph.addParameter("\(name).\($0)", shape, $0) }
    let attributes = Operation.BatchNormalization(
      momentum: 0.9, runningVariance: runningVariance, form: form)
    return try graph.append(attributes, to: [x] + parameters, name: name)[0]
  }

  mutating func activation(
    _ x: ValueID, _ name: String = "relu", _ function: ActivationFunction = .relu
  ) throws -> ValueID {
    try graph.append(Operation.Activation(function), to: x, name: name)
  }

  mutating func add(_ x: ValueID, _ y: ValueID, _ name: String = "add") throws -> ValueID {
    try graph.append(Operation.Add(), to: x, y, name: name)
  }

  mutating func output(_ value: ValueID, _ name: String = "y") {
    graph.addOutput(name, value)
  }
}

extension Graph {
  /// The graph after one pass, which must leave it well formed.
  func after(_ pass: Pass) throws -> Graph {
    try PassPipeline([pass]).run(on: self)
  }

  /// The operations in order, as `name: summary`.
  var lines: [String] {
    operations.map { operation in
      let summary = operation.kind.attributes.summary(
        inputs: operation.inputs.map { self[$0].type })
      return "\(operation.name): \(summary)"
    }
  }

  var names: [String] { operations.map(\.name) }

  func fused(_ name: String) throws -> [Operation.Convolution.FusedOperation] {
    let operation = try #require(operations.first { $0.name == name })
    return (operation.attributes as? any WeightLayer)?.fused ?? []
  }
}
