import ConvNetTensors

extension Operation {
  /// Batch normalization (S. Ioffe, C. Szegedy, 2015): every channel gets mean 0 and variance 1,
  /// and then a learned scale and shift:
  ///
  ///     y = scale (x - mean) / sqrt(variance + epsilon) + shift
  ///
  /// In training, mean and variance are those of the batch, for each channel over the examples and
  /// all positions (after a dense layer, for each neuron over the examples); the variance divides
  /// by their number m. In inference they are the moving averages gathered in training, running <-
  /// momentum running + (1 - momentum) batch, from a mean of 0 and a variance of 1. That beginning
  /// weighs momentum^t after t steps; a training that began with it takes it out of the model that it gives, running <-
  /// (running - momentum^t beginning) / (1 - momentum^t), so that the weights of the batches sum to one after any
  /// number of steps.
  ///
  /// Inputs: `x` [N, C, ...]; scale, shift, running mean, running variance, each [C]. Outputs: `y`,
  /// of the shape of `x`; in training also the batch's mean and variance, each [C].
  public struct BatchNormalization: OperationAttributes {
    public static let name = "batchNormalization"

    /// Which estimate of the variance the moving average takes. The batch itself is always
    /// normalized by the population variance.
    public enum VarianceEstimate: String, Hashable, Sendable, Codable, CaseIterable {
      /// Divided by m, as in the lecture and in Keras.
      case population
      /// Divided by m - 1, as in the paper and in PyTorch.
      case sample
    }

    /// Which statistics normalize, and what becomes of the result.
    public enum Form: String, Hashable, Sendable, Codable, CaseIterable {
      /// With the running statistics.
      case inference
      /// With the batch's statistics, which are further outputs.
      case training
      /// The same with negative results times ``Operation/BatchNormalization/negativeSlope``. What the compiler makes of
      /// ``training`` and a ReLU, or a leaky one, after it.
      case rectifiedTraining
      /// ``inference`` with negative results times ``Operation/BatchNormalization/negativeSlope``: how the compiler repeats
      /// ``rectifiedTraining``, whose statistics are then known.
      case rectifiedInference
      /// With the running statistics in training too: of a layer that is frozen. Computes what ``inference`` does, and stays so
      /// when a graph is given the form of training.
      case frozen
    }

    /// Added to the variance, within the root.
    public var epsilon: Float
    /// The weight of the old moving average. PyTorch's `momentum` is one minus this.
    public var momentum: Float
    /// The estimate that is averaged.
    public var runningVariance: VarianceEstimate
    /// Which statistics it takes. Compiling chooses, by the mode.
    public package(set) var form: Form
    /// What negative results are multiplied by where the form is a rectified one: 0 for a ReLU.
    public package(set) var negativeSlope: Float = 0

    /// A normalization with the constants of Keras, where none are given.
    public init(
      epsilon: Float = 0.001, momentum: Float = 0.99,
      runningVariance: VarianceEstimate = .population, form: Form = .inference
    ) {
      self.epsilon = epsilon
      self.momentum = momentum
      self.runningVariance = runningVariance
      self.form = form
    }

    private enum CodingKeys: CodingKey {
      case epsilon, momentum, runningVariance, form, negativeSlope
    }

    // Files from before there were leaky forms do not say a slope.
    public init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      try self.init(
        epsilon: container.decode(Float.self, forKey: .epsilon),
        momentum: container.decode(Float.self, forKey: .momentum),
        runningVariance: container.decode(VarianceEstimate.self, forKey: .runningVariance),
        form: container.decode(Form.self, forKey: .form))
      negativeSlope = try container.decodeIfPresent(Float.self, forKey: .negativeSlope) ?? 0
    }

    public func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(epsilon, forKey: .epsilon)
      try container.encode(momentum, forKey: .momentum)
      try container.encode(runningVariance, forKey: .runningVariance)
      try container.encode(form, forKey: .form)
      if negativeSlope != 0 { try container.encode(negativeSlope, forKey: .negativeSlope) }
    }

    public var traits: OperationTraits {
      OperationTraits(
        batch: [.inference, .frozen].contains(form)
          ? .separately(linear: .inNone) : .together, recomputable: .first,
        overwritesInput: true,
        isRandom: false, isGradient: false, isIdentityInInference: false)
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

    public func tableEntry(inputs: [ValueType], outputs: [ValueType]) -> StageTableEntry {
      .partOfLayerBefore
    }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      try requireInputs(inputs, 5...5)
      try requireFloat(inputs)
      try requireNonNegative(epsilon, "epsilon")
      try requireFraction(momentum, "momentum")
      try requireRank(inputs, 0, 2...4)
      let statistics = ValueType([inputs[0].shape[1]])
      for index in 1..<5 { try requireShape(inputs, index, statistics.shape) }
      return switch form {
      case .inference, .frozen, .rectifiedInference: [inputs[0]]
      case .training, .rectifiedTraining: [inputs[0], statistics, statistics]
      }
    }

    public func summary(inputs: [ValueType]) -> String { "batch normalization (\(form))" }

    public func appendGradient(
      of operation: Operation, outputGradients: [ValueID?], to builder: inout GradientBuilder
    ) throws(GraphError) -> [ValueID?] {
      guard outputGradients.dropFirst().allSatisfy({ $0 == nil }) else {
        throw GraphError(
          subject: operation.name,
          problem: .invariant("the loss depends on the batch's statistics other than through y"))
      }
      guard form != .rectifiedInference else {
        throw GraphError(
          subject: operation.name,
          problem: .invariant("is rectified already, so it has no gradient; differentiate first"))
      }
      guard let gradient = outputGradients[0] else { return operation.inputs.map { _ in nil } }
      guard form != .inference, form != .frozen else {
        return try appendFrozenGradient(of: operation, gradient: gradient, to: &builder)
      }
      let isRectified = form == .rectifiedTraining
      let shift = isRectified ? [operation.inputs[2]] : []
      let gradients: [ValueID?] = try builder.append(
        BatchNormalizationGradient(
          epsilon: epsilon, isRectified: isRectified, negativeSlope: negativeSlope),
        to: [operation.inputs[0], gradient] + operation.outputs[1...2] + [operation.inputs[1]]
          + shift, of: operation)
      return gradients + [nil, nil]
    }

    /// With fixed statistics the operation is linear in each of x, scale and shift:
    ///
    ///     dx = dy scale / sqrt(variance + epsilon),  dscale = sum of dy x^,  dshift = sum of dy
    ///
    /// The first, and x^, are this operation again with other parameters.
    private func appendFrozenGradient(
      of operation: Operation, gradient: ValueID, to builder: inout GradientBuilder
    ) throws(GraphError) -> [ValueID?] {
      let (input, scale, shift) = (operation.inputs[0], operation.inputs[1], operation.inputs[2])
      let (mean, variance) = (operation.inputs[3], operation.inputs[4])
      guard !builder.needsGradient(mean), !builder.needsGradient(variance) else {
        throw GraphError(
          subject: operation.name,
          problem: .invariant("has no gradient by its running statistics"))
      }
      let channels = builder.type(of: scale).shape
      var gradients = [ValueID?](repeating: nil, count: 5)
      if builder.needsGradient(input) || builder.needsGradient(scale) {
        let zero = try builder.append(
          Constant(0, shape: channels), to: [], of: operation, role: "zero")[0]
        if builder.needsGradient(input) {
          gradients[0] =
            try builder.append(
              self, to: [gradient, scale, zero, zero, variance], of: operation,
              role: "input gradient")[0]
        }
        if builder.needsGradient(scale) {
          let one = try builder.append(
            Constant(1, shape: channels), to: [], of: operation, role: "one")[0]
          let normalized = try builder.append(
            self, to: [input, one, zero, mean, variance], of: operation, role: "normalized")[0]
          let product = try builder.append(
            Multiply(), to: [gradient, normalized], of: operation, role: "scale gradient terms")[0]
          gradients[1] =
            try builder.append(
              ChannelSum(), to: [product], of: operation, role: "scale gradient")[0]
        }
      }
      if builder.needsGradient(shift) {
        gradients[2] =
          try builder.append(
            ChannelSum(), to: [gradient], of: operation, role: "shift gradient")[0]
      }
      return gradients
    }
  }
}

extension Operation {
  /// The gradient of batch normalization in training, where the statistics depend on the input.
  /// With x^ the normalized input and means taken over what the statistics are taken over:
  ///
  ///     dshift = sum of dy,  dscale = sum of dy x^
  ///     dx = scale / sqrt(variance + epsilon) (dy - mean of dy - x^ mean of (dy x^))
  ///
  /// Where the output was rectified, dy of elements that are not positive, which is computed again, is multiplied by the slope.
  ///
  /// Inputs: forward input; gradient by the output; the batch's mean and variance [C]; scale [C]; where rectified, shift [C].
  /// Outputs: gradients by the input, the scale and the shift.
  public struct BatchNormalizationGradient: OperationAttributes {
    public static let name = "batchNormalizationGradient"

    /// Added to the variance, as in the forward operation.
    public var epsilon: Float
    /// Whether the forward operation multiplied negative results by the slope.
    public var isRectified: Bool
    /// That of the forward operation: 0 for a ReLU.
    public var negativeSlope: Float

    package init(epsilon: Float, isRectified: Bool = false, negativeSlope: Float = 0) {
      self.epsilon = epsilon
      self.isRectified = isRectified
      self.negativeSlope = negativeSlope
    }

    public var traits: OperationTraits {
      OperationTraits(
        batch: .together, recomputable: .all, overwritesInput: true,
        isRandom: false, isGradient: true, isIdentityInInference: false)
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      let count = isRectified ? 6 : 5
      try requireInputs(inputs, count...count)
      try requireFloat(inputs)
      try requireNonNegative(epsilon, "epsilon")
      try requireRank(inputs, 0, 2...4)
      try requireShape(inputs, 1, inputs[0].shape)
      let statistics = ValueType([inputs[0].shape[1]])
      for index in 2..<count { try requireShape(inputs, index, statistics.shape) }
      return [inputs[0], statistics, statistics]
    }
  }
}
