public import ConvNetGraphs
import ConvNetTensors

/// Squeeze and excitation (J. Hu, L. Shen, G. Sun, "Squeeze-and-Excitation Networks", 2017): every channel is multiplied by a
/// number that two layers make of the means of all channels.
///
/// The layers are convolutions of 1x1: `fc1`, to fewer channels, and `fc2`, back to all. Parameters `fc1.weight`, `fc1.bias`,
/// `fc2.weight`, `fc2.bias`.
public struct SqueezeExcitation: Layer {
  /// Channels between the two layers.
  public var channels: Int
  /// Between the two layers.
  public var activation: ActivationFunction
  /// What makes the result of the second layer a factor.
  public var gate: ActivationFunction

  /// Factors by way of so many channels.
  ///
  /// - Parameters:
  ///   - activation: between the two layers; the paper's ReLU where none is given.
  ///   - gate: behind them; the paper's sigmoid where none is given.
  public init(
    _ channels: Int, activation: ActivationFunction = .relu, gate: ActivationFunction = .sigmoid
  ) {
    self.channels = channels
    self.activation = activation
    self.gate = gate
  }

  public var defaultName: String { "se" }

  public func append(
    to builder: inout LayerBuilder, input: ValueID
  ) throws(GraphError) -> ValueID {
    let shape = builder.shape(input)
    guard shape.rank == 4 else {
      throw GraphError(
        subject: builder.layerName, problem: .rank(input: 0, expected: 4...4, actual: shape))
    }
    let means = try builder.append(
      Operation.GlobalPooling(kind: .average), to: input, part: "squeeze")
    let inner = try builder.append(
      Conv2D(channels, kernel: 1, initializer: .heNormal).named("fc1"), to: means)
    let active = try builder.append(Operation.Activation(activation), to: inner, part: "activation")
    let outer = try builder.append(Conv2D(shape[1], kernel: 1).named("fc2"), to: active)
    let factors = try builder.append(Operation.Activation(gate), to: outer, part: "gate")
    return try builder.append(Operation.ChannelScale(), to: input, factors, part: "scale")
  }
}

/// Multiplies every channel by a learned number, the same for all examples, which begins small (H. Touvron et al., "Going deeper
/// with Image Transformers", 2021): at the end of a residual branch. Parameter `layer_scale` [C, 1, 1].
public struct LayerScale: Layer {
  /// With what the numbers begin.
  public var beginning: Float

  /// A scale that begins so.
  public init(_ beginning: Float) {
    self.beginning = beginning
  }

  public var defaultName: String { "" }

  public func append(
    to builder: inout LayerBuilder, input: ValueID
  ) throws(GraphError) -> ValueID {
    let shape = builder.shape(input)
    guard shape.rank > 2 else {
      throw GraphError(
        subject: builder.layerName, problem: .rank(input: 0, expected: 3...4, actual: shape))
    }
    let factor = try builder.addParameter(
      "layer_scale", [shape[1]] + shape.dimensions.dropFirst(2).map { _ in 1 }, .scale,
      initializer: .constant(beginning))
    return try builder.append(Operation.ChannelScale(), to: input, factor, part: "layer scale")
  }
}
