public import ConvNetGraphs
import ConvNetTensors

/// Every output is a weighted sum of every input, plus a bias. Parameters `weight` [O, C] and
/// `bias` [O].
public struct Dense: Layer {
  /// O: numbers that the layer makes of an example.
  public var features: Int
  /// Whether something learned is added to each of them.
  public var bias: Bool
  /// How `weight` begins.
  public var initializer: Initializer
  /// How `bias` begins, where there is one.
  public var biasInitializer: Initializer

  /// - Parameter initializer: of `weight`.
  public init(
    _ features: Int, bias: Bool = true, initializer: Initializer = .glorotUniform,
    biasInitializer: Initializer = .zeros
  ) {
    self.features = features
    self.bias = bias
    self.initializer = initializer
    self.biasInitializer = biasInitializer
  }

  public var defaultName: String { "dense" }

  public func append(
    to builder: inout LayerBuilder, input: ValueID
  ) throws(GraphError) -> ValueID {
    let shape = builder.shape(input)
    guard features > 0 else {
      throw GraphError(
        subject: builder.layerName,
        problem: .attribute(
          name: "features", value: "\(features)",
          requirement: "at least 1: numbers that the layer makes"))
    }
    guard shape.rank == 2 else {
      throw GraphError(
        subject: builder.layerName,
        problem: .attribute(
          name: "the input", value: "\(shape)",
          requirement: "of 2 dimensions; put Flatten() before the layer"))
    }
    let weight = try builder.addParameter(
      "weight", [features, shape[1]], .kernel, initializer: initializer)
    guard bias else {
      return try builder.append(Operation.Dense(hasBias: false), to: input, weight)
    }
    let bias = try builder.addParameter("bias", [features], .bias, initializer: biasInitializer)
    return try builder.append(Operation.Dense(hasBias: true), to: input, weight, bias)
  }
}

/// All elements of an example in one row, in the order of the network's data format.
public struct Flatten: Layer {
  /// The layer; it has no settings: the order is the network's.
  public init() {}
  public var defaultName: String { "flatten" }

  public func append(
    to builder: inout LayerBuilder, input: ValueID
  ) throws(GraphError) -> ValueID {
    try builder.append(Operation.Flatten(order: builder.dataFormat), to: input)
  }
}

/// Sets each element to zero with probability `rate` in training, and scales the others by 1 / (1 -
/// rate); nothing in inference.
public struct Dropout: Layer {
  /// The share of elements that become zero, from 0 to below 1.
  public var rate: Float

  /// A dropout of that share: half where none is given, as in AlexNet and VGG.
  public init(_ rate: Float = 0.5) {
    self.rate = rate
  }

  public var defaultName: String { "dropout" }

  public func append(
    to builder: inout LayerBuilder, input: ValueID
  ) throws(GraphError) -> ValueID {
    let index = builder.nextDropoutIndex()
    return try builder.append(Operation.Dropout(rate: rate, index: index), to: input)
  }
}

/// Stochastic depth: in training, all that the layers before it make of an example is zero with a probability; see
/// ``Operation/StochasticDepth``. Before the addition of a residual block, as ``Residual`` puts it, such an example passes the
/// block by its shortcut alone.
public struct StochasticDepth: Layer {
  /// The share of examples that become zero, from 0 to below 1.
  public var rate: Float

  /// A drop of that share of the examples.
  public init(_ rate: Float) {
    self.rate = rate
  }

  public var defaultName: String { "stochasticDepth" }

  public func append(
    to builder: inout LayerBuilder, input: ValueID
  ) throws(GraphError) -> ValueID {
    try builder.append(
      Operation.StochasticDepth(rate: rate, index: builder.nextDropoutIndex()), to: input)
  }

  /// The rate of a block of a network whose last block has the rate `last`: it grows evenly, from the first block's share of it
  /// (Huang et al., 2016, equation 4: with L blocks, l / L times that of the last).
  ///
  /// - Parameters:
  ///   - block: from 0.
  ///   - count: blocks of the network.
  public static func rate(ofBlock block: Int, of count: Int, last: Float) -> Float {
    last * Float(block + 1) / Float(max(1, count))
  }
}

/// Normalizes each channel over batch and positions (each feature over the batch), then scales and
/// shifts it: see ``Operation/BatchNormalization``. Parameters `weight`, `bias`,
/// `running_mean`, `running_var` [C]; the last two are 0 and 1 until a training has seen a batch,
/// and then the averages of the batches seen.
public struct BatchNorm: Layer {
  /// The weight of the old moving average.
  public var momentum: Float
  /// Added to the variance, so that a channel of equal elements is not divided by zero.
  public var epsilon: Float
  /// Which estimate of the variance the moving average takes.
  public var runningVariance: Operation.BatchNormalization.VarianceEstimate
  /// Whether the scale is learned. Without, it is one, and there is no `weight`: a layer that
  /// follows a ReLU can scale for itself.
  public var hasScale: Bool

  /// A normalization with the lecture's constants, which are Keras's, where none are given. PyTorch's are a `momentum` of 0.9
  /// in the words used here, and an `epsilon` of 1e-5.
  public init(
    momentum: Float = 0.99, epsilon: Float = 0.001,
    runningVariance: Operation.BatchNormalization.VarianceEstimate = .population,
    hasScale: Bool = true
  ) {
    self.momentum = momentum
    self.epsilon = epsilon
    self.runningVariance = runningVariance
    self.hasScale = hasScale
  }

  public var defaultName: String { "bn" }

  public func append(
    to builder: inout LayerBuilder, input: ValueID
  ) throws(GraphError) -> ValueID {
    let shape = builder.shape(input)
    guard shape.rank > 1 else {
      throw GraphError(
        subject: builder.layerName, problem: .rank(input: 0, expected: 2...4, actual: shape))
    }
    let channels = [shape[1]]
    let scale =
      hasScale
      ? try builder.addParameter("weight", channels, .scale, initializer: .ones)
      : try builder.append(Operation.Constant(1, shape: Shape(channels)), part: "scale")
    let shift = try builder.addParameter("bias", channels, .shift, initializer: .zeros)
    let mean = try builder.addParameter("running_mean", channels, .runningMean, initializer: .zeros)
    let variance = try builder.addParameter(
      "running_var", channels, .runningVariance, initializer: .ones)
    return try builder.append(
      Operation.BatchNormalization(
        epsilon: epsilon, momentum: momentum, runningVariance: runningVariance),
      to: input, scale, shift, mean, variance)
  }
}

/// Normalizes the channels of each position, then scales and shifts each channel: see
/// ``Operation/LayerNormalization``. Parameters `weight` and `bias` [C].
public struct LayerNorm: Layer {
  /// Added to the variance, so that a position of equal channels is not divided by zero.
  public var epsilon: Float

  /// A normalization with PyTorch's constant, where none is given.
  public init(epsilon: Float = 1e-5) {
    self.epsilon = epsilon
  }

  public var defaultName: String { "norm" }

  public func append(
    to builder: inout LayerBuilder, input: ValueID
  ) throws(GraphError) -> ValueID {
    let shape = builder.shape(input)
    guard shape.rank > 1 else {
      throw GraphError(
        subject: builder.layerName, problem: .rank(input: 0, expected: 2...4, actual: shape))
    }
    let scale = try builder.addParameter("weight", [shape[1]], .scale, initializer: .ones)
    let shift = try builder.addParameter("bias", [shape[1]], .shift, initializer: .zeros)
    return try builder.append(
      Operation.LayerNormalization(epsilon: epsilon), to: input, scale, shift)
  }
}

/// Divides every element by a power of the sum of squares of its neighbours: see
/// ``Operation/LocalResponseNormalization``, whose defaults are AlexNet's.
public struct LocalResponseNorm: Layer {
  /// The operation, with its constants.
  public var operation: Operation.LocalResponseNormalization

  /// A normalization by the sum over five channels, where nothing else is said.
  public init(_ operation: Operation.LocalResponseNormalization = .init(size: 5)) {
    self.operation = operation
  }

  public var defaultName: String { "lrn" }

  public func append(
    to builder: inout LayerBuilder, input: ValueID
  ) throws(GraphError) -> ValueID {
    try builder.append(operation, to: input)
  }
}

/// Probabilities over the channels: exp(x) / sum of exp(x).
public struct Softmax: Layer {
  /// The layer; it has no settings.
  public init() {}
  public var defaultName: String { "softmax" }

  public func append(
    to builder: inout LayerBuilder, input: ValueID
  ) throws(GraphError) -> ValueID {
    try builder.append(Operation.Softmax(), to: input)
  }
}
