import ConvNetCompiler
public import ConvNetEngine
import ConvNetGraphs
import ConvNetInference
public import ConvNetLayers
public import ConvNetTensors

/// What a batch says of a model: its loss, how the loss changes with each parameter, and what the
/// batch makes of the moving averages.
public struct LossGradients: Sendable {
  /// The cross-entropy of the network's own output: the mean over the batch of -log p(label).
  public var loss: Double
  /// L, whose gradient this is: `loss` and those of the auxiliary classifiers, each times its weight.
  public var totalLoss: Double
  /// dL/dw, of the parameter's shape, for every trainable parameter by name.
  public var gradients: [String: Tensor]
  /// The running means and variances of batch normalization after the batch, by name: one step of
  /// the moving average from what the model has, 0 and 1 before any training.
  public var runningStatistics: [String: Tensor]

  /// The Euclidean length of the gradient by all parameters.
  public var norm: Double {
    gradients.values.reduce(0) { sum, gradient in
      gradient.withSpan { elements in
        elements.indices.reduce(sum) { $0 + Double(elements[$1]) * Double(elements[$1]) }
      }
    }.squareRoot()
  }
}

extension Model {
  /// Runs a training step, forward and backward, that changes nothing: batch normalization uses the
  /// batch's statistics, auxiliary classifiers are there.
  ///
  /// - Parameters:
  ///   - input: of any height and width that the network takes: [batch, height, width, channels], or one example without the axis
  ///     of the batch; in the order of channels that is given. Nothing is prepared or normalized.
  ///   - labels: integers [batch], one class an example.
  ///   - order: of the input; `nil` for the model's ``Model/dataFormat``.
  ///   - hasDropout: whether dropout draws its mask, of step 0, or lets everything pass.
  ///   - seed: of the masks.
  /// - Throws: ``InferenceError`` and ``GraphError`` where the network does not take the input's shape;
  ///   ``TrainingError/invalidSetting(name:value:requirement:)`` where the labels are not one a
  ///   picture or name no class.
  public func gradients(
    of input: Tensor, labels: Tensor, order: DataFormat? = nil, hasDropout: Bool = true,
    seed: UInt64 = 0, compute: ComputeOptions = .init()
  ) throws -> LossGradients {
    let order = order ?? dataFormat
    let fitted = try fitted(to: input, order: order)
    var graph = fitted.graph
    let classes = graph[fitted.output.value].shape.dimensions.last ?? 0
    let labels = try labels.classes(of: classes, examples: fitted.shape[0])
    if !hasDropout { graph.removeDropout() }
    let training = try TrainingGraph(graph)
    let store = try ParameterStore(parameters)
    var executable = try Executable(
      training.graph, training: store,
      options: CompilationOptions(mode: .training, inputFormat: order, compute: compute))
    try executable.write(fitted.batch(input), to: fitted.input)
    try executable.write(labels, to: TrainingGraph.labelsName)
    try executable.run(step: 0, seed: seed)

    let loss = try executable.withOutput(TrainingGraph.lossName) { Double($0[0]) }
    let hasAuxiliaryClassifiers = executable.outputShape(TrainingGraph.totalLossName) != nil
    let totalLoss =
      hasAuxiliaryClassifiers
      ? try executable.withOutput(TrainingGraph.totalLossName) { Double($0[0]) } : loss
    var result = LossGradients(
      loss: loss, totalLoss: totalLoss, gradients: [:], runningStatistics: [:])
    for gradient in training.gradients {
      result.gradients[gradient.parameter] = try executable.output(gradient.output)
    }
    for id in graph.parameters where graph[id].parameterKind?.isTrainable == false {
      result.runningStatistics[graph[id].name] = store[graph[id].name]
    }
    return result
  }
}

extension Tensor {
  /// Labels as a step reads them: classes of shape [N], or distributions of shape [N, classes], made of classes where these are
  /// given.
  func labels(of count: Int, examples: Int, as shape: Shape?) throws(TrainingError) -> Tensor {
    guard let shape, shape.rank == 2 else { return try classes(of: count, examples: examples) }
    if elementType == .float32 {
      guard self.shape == shape else {
        throw .invalidSetting(
          name: "the tensor of labels", value: "of shape \(self.shape)", requirement: "\(shape)")
      }
      return self
    }
    var distributions = Tensor(zeros: shape)
    let classes = try classes(of: count, examples: examples).elements(of: Int32.self)
    for (example, label) in classes.enumerated() { distributions[example, Int(label)] = 1 }
    return distributions
  }

  /// Labels as a training step reads them.
  ///
  /// - Throws: ``TrainingError/invalidSetting(name:value:requirement:)`` where they are not one
  ///   integer an example, each below the number of classes.
  fileprivate func classes(of count: Int, examples: Int) throws(TrainingError) -> Tensor {
    guard shape == [examples], elementType != .bool, let labels = integers else {
      throw .invalidSetting(
        name: "the tensor of labels", value: "\(elementType) of shape \(shape)",
        requirement: "an integer for each of the \(examples) examples")
    }
    if let wrong = labels.first(where: { !(0..<count ~= $0) }) {
      throw .invalidSetting(
        name: "a label", value: "\(wrong)", requirement: "from 0 to \(count - 1)")
    }
    return Tensor(labels.map { Int32(truncatingIfNeeded: $0) })
  }
}
