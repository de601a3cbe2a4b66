import ConvNetCompiler
public import ConvNetEngine
import ConvNetFiles
import ConvNetGraphs
public import ConvNetLayers
public import ConvNetTensors

/// A network in its form of inference that gives derivatives beside its values: of a number that is made of one of its values,
/// by its input and by values inside.
///
/// The number is a weighted sum, s = sum over i of w[i] v[i], whose weights are given at every run: one-hot, it is the score of a
/// class; with ones on a plane, the sum of a channel. Or it is the mean of the squared differences of the value from a target,
/// which is given at every run. Examples of a batch do not know of each other.
///
/// ```swift
/// var network = try DifferentiatedModel(model, byValues: ["conv2"])
/// try network.run(picture, weights: network.oneHot(class: 3))
/// let (gradient, maps) = try (network.gradient(by: "conv2"), network.value("conv2"))
/// ```
///
/// Batch normalization uses its moving averages and dropout lets everything pass. Belongs to one thread at a time.
public struct DifferentiatedModel: ~Copyable {
  /// Of what number the derivative is.
  public enum Quantity: Hashable, Sendable {
    /// The weighted sum of a value, by the name of a layer; `nil` for the network's own result, before a softmax at its end.
    case weightedSum(of: String? = nil)
    /// The mean over all elements of the squared difference of a value from a target.
    case squaredDifference(of: String)
  }

  /// What rectifiers do with a gradient.
  public enum RectifierRule: String, Hashable, Sendable, Codable, CaseIterable {
    /// Let it pass where their input is positive: the derivative.
    case derivative
    /// Let it pass where their input and the gradient are positive (J. Springenberg et al., "Striving for Simplicity: The All
    /// Convolutional Net", 2015, section 3.4: guided backpropagation).
    case guided
  }

  private var executable: Executable
  private let input: String
  private let dataFormat: DataFormat
  /// The value that is summed or compared, by its name as an output.
  private let subject: String
  private let factor: String
  /// Of the value, in logical order.
  public let valueShape: Shape
  /// The names of what is differentiated by, beside the input.
  public let names: [String]

  /// Compiles the network.
  ///
  /// - Parameters:
  ///   - batch: examples of a run.
  ///   - quantity: what is differentiated.
  ///   - byInput: whether by the network's input.
  ///   - names: values inside to differentiate by, as ``Graph/value(meantBy:)`` knows them; after a run they can be read too.
  ///   - rectifiers: what ReLU and ReLU6 do with gradients.
  /// - Throws: ``InferenceError`` where a name is not known, with the nearest, or the number does not depend on it;
  ///   ``GraphError``
  ///   where an operation on the way has no gradient; ``EngineError``.
  public init(
    _ model: Model, batch: Int = 1, of quantity: Quantity = .weightedSum(), byInput: Bool = true,
    byValues names: [String] = [], rectifiers: RectifierRule = .derivative,
    compute: ComputeOptions = .init()
  ) throws {
    guard batch > 0 else { throw InferenceError.belowOne(name: "batch", actual: batch) }
    let (own, inside): (String?, String?) =
      switch quantity {
      case .weightedSum(let name): (name == nil ? try model.scoreName() : nil, name)
      case .squaredDifference(let name): (nil, name)
      }
    let subject = inside ?? own ?? ""
    var graph = try model.graph(batch: batch, outputs: names + [subject])
    graph.outputs.removeAll { $0.name != subject && !names.contains($0.name) }
    graph.removeDropout()
    graph = try graph.specializedForTraining(
      freezingStatistics: Set(graph.parameters.map { graph[$0].name }))
    let values = Dictionary(
      graph.outputs.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
    guard let input = graph.inputs.first, let value = values[subject] else {
      throw GraphError(subject: graph.name, problem: .invariant("has no input or no output"))
    }
    var variables: [(name: String, value: ValueID)] = names.compactMap { name in
      values[name].map { (name, $0) }
    }
    if byInput { variables.append((graph[input].name, input)) }
    let factor = "\(subject)/\(quantity.factorName)"
    let given = graph.addInput(factor, graph[value].type)
    let gradients: [ValueID: ValueID]
    switch quantity {
    case .weightedSum:
      (graph, gradients) = try graph.differentiated(
        weightedSumOf: [value: given], by: variables.map(\.value))
    case .squaredDifference:
      let loss = try graph.append(
        Operation.MeanSquaredError(), to: value, given, name: Self.lossName)
      graph.addOutput(Self.lossName, loss)
      (graph, gradients) = try graph.differentiated(
        loss: loss, byParameters: { _ in false }, byInputs: variables.map(\.value))
    }
    for variable in variables {
      guard let gradient = gradients[variable.value] else {
        throw InferenceError.independent(
          of: variable.name, value: subject, model: model.graph.name)
      }
      graph.addOutput(Self.gradientName(variable.name), gradient)
    }
    if rectifiers == .guided { try graph.guideRectifiers() }
    // What lies behind all that is asked for needs no memory.
    let used = Set(
      graph.ancestorOperations(of: graph.outputs.map(\.value)).flatMap {
        graph.operations[$0].inputs
      })
    let usedNames = Set(used.map { graph[$0].name })
    let compiled = try Executable(
      graph, training: ParameterStore(model.parameters.filter { usedNames.contains($0.key) }),
      options: CompilationOptions(
        mode: .training, inputFormat: model.dataFormat, compute: compute))
    self.input = graph[input].name
    self.subject = subject
    self.factor = factor
    self.names = names
    dataFormat = model.dataFormat
    valueShape = graph[value].shape
    executable = compiled
  }

  private static let lossName = "squared difference"
  private static func gradientName(_ name: String) -> String { "gradient/\(name)" }

  /// Weights of ``Quantity/weightedSum(of:)`` that are one for a class, or channel, of every example, at each of its positions.
  public func oneHot(class index: Int) -> Tensor {
    oneHot(classes: [Int](repeating: index, count: valueShape[0]))
  }

  /// The same of a class for each example.
  ///
  /// - Precondition: there is a class for each, from 0, below the number of classes.
  public func oneHot(classes: [Int]) -> Tensor {
    let dimensions = valueShape.dimensions
    let positions = dimensions.dropFirst(2).reduce(1, *)
    guard classes.count == dimensions[0], classes.allSatisfy({ 0..<dimensions[1] ~= $0 }) else {
      fatalError("\(classes) are no classes of a value of shape \(valueShape)")
    }
    return Tensor(shape: valueShape) { weights in
      for (example, index) in classes.enumerated() {
        let start = (example * dimensions[1] + index) * positions
        for place in start..<start + positions { weights[place] = 1 }
      }
    }
  }

  /// Computes the value of a batch, and the gradients.
  ///
  /// - Parameters:
  ///   - input: prepared, in the model's ``Model/dataFormat``; of a batch of one, also without that axis.
  ///   - weights: of the sum, or the target of the difference: of ``valueShape``, in logical order.
  /// - Throws: ``EngineError`` where a shape does not fit.
  public mutating func run(_ input: Tensor, weights: Tensor) throws {
    try executable.write(input, to: self.input)
    let given = valueShape.rank > 2 ? weights.inOrder(dataFormat) : weights
    try executable.write(given, to: factor)
    try executable.run()
  }

  /// A value of the last run, in logical order: by default the one that the number is made of.
  public func value(_ name: String? = nil) throws -> Tensor {
    try executable.output(name ?? subject)
  }

  /// The gradient of the last run by a value inside, by default by the input, in logical order: [batch, channels, height, width].
  public func gradient(by name: String? = nil) throws -> Tensor {
    try executable.output(Self.gradientName(name ?? input))
  }

  /// The mean squared difference of the last run.
  public func squaredDifference() throws -> Double {
    try executable.withOutput(Self.lossName) { Double($0[0]) }
  }
}

extension DifferentiatedModel.Quantity {
  fileprivate var factorName: String {
    switch self {
    case .weightedSum: "weights"
    case .squaredDifference: "target"
    }
  }
}

extension Model {
  /// The name of the network's own result, before a softmax at its end.
  package func scoreName() throws -> String {
    guard let output = mainOutput else {
      throw GraphError(subject: graph.name, problem: .invariant("has no output"))
    }
    guard let producer = graph.producers[output.value],
      graph.operations[producer].attributes is Operation.Softmax
    else { return output.name }
    return graph[graph.operations[producer].inputs[0]].name
  }
}

extension Graph {
  /// Has rectifiers let positive gradients pass alone: what comes to one in the backward pass goes through a ReLU before.
  fileprivate mutating func guideRectifiers() throws(GraphError) {
    let before = operations
    operations = []
    for var operation in before {
      if let gradient = operation.attributes as? Operation.ActivationGradient,
        [.relu, .relu6].contains(gradient.function)
      {
        operation.inputs[1] =
          try append(
            Operation.Activation(.relu), to: [operation.inputs[1]],
            name: "\(operation.name)/guided", role: operation.role)[0]
      }
      operations.append(operation)
    }
  }
}

extension Tensor {
  /// A batch in logical order as one of another order.
  package func inOrder(_ format: DataFormat) -> Tensor {
    guard format == .channelsLast, shape.rank > 2 else { return self }
    let strides = shape.rowMajorStrides
    return permuted(to: format.ordered(shape.dimensions), strides: format.ordered(strides))
  }

  /// A batch of an order in logical order.
  package func inLogicalOrder(from format: DataFormat) -> Tensor {
    guard format == .channelsLast, shape.rank > 2 else { return self }
    let strides = shape.rowMajorStrides
    return permuted(to: format.logical(shape.dimensions), strides: format.logical(strides))
  }

  private func permuted(to dimensions: [Int], strides: [Int]) -> Tensor {
    var result = Tensor(zeros: Shape(dimensions), elementType: elementType)
    withUnsafeBytes { source in
      result.withUnsafeMutableBytes { target in
        copyStrided(
          source, to: target, shape: Shape(dimensions), strides: strides,
          elementSize: elementType.byteCount)
      }
    }
    return result
  }
}
