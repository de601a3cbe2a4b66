public import ConvNetGraphs
public import ConvNetLayers
public import ConvNetModels

/// A small network whose parts can be exchanged one at a time, for experiments that take minutes.
///
/// Three stages of two 3x3 convolutions with a maximum pooling after each, the channels doubled from one to the next, each
/// convolution normalized and activated; then a dense layer with dropout, or the global mean; then the classifier. It is no
/// network of the lecture, but made as the lecture says.
public struct StudyNetwork: Hashable, Sendable {
  /// What stands between the convolutions and the classifier.
  public enum Head: Hashable, Sendable {
    /// The mean of every map.
    case globalMean
    /// A dense layer of so many features, activated.
    case dense(Int)
  }

  /// Of the first stage.
  public var channels: Int
  /// Batch normalization after every convolution.
  public var isNormalized: Bool
  /// After every layer but the last.
  public var activation: ActivationFunction
  /// What stands before the classifier.
  public var head: Head

  /// A network of these parts.
  public init(
    channels: Int = 16, isNormalized: Bool = true, activation: ActivationFunction = .relu,
    head: Head = .dense(256)
  ) {
    self.channels = channels
    self.isNormalized = isNormalized
    self.activation = activation
    self.head = head
  }

  /// Applies a function that is a value.
  private struct Activation: ActivationLayer {
    var function: ActivationFunction
  }

  /// The network for some pictures; its dropout, before the classifier, is that of the options, none where they do not say.
  public func network(_ options: ModelOptions) -> Network {
    Network("study", input: options.input, dataFormat: options.dataFormat) {
      for stage in 0..<3 {
        for _ in 0..<2 {
          Conv2D(
            channels << stage, kernel: 3, padding: .same, bias: !isNormalized,
            initializer: initializer)
          if isNormalized { BatchNorm() }
          Activation(function: activation)
        }
        MaxPool2D(2)
      }
      switch head {
      case .globalMean: GlobalPool.average
      case .dense(let features):
        Flatten()
        Dense(features, initializer: initializer)
        Activation(function: activation)
      }
      if let rate = options.dropout, rate > 0 { Dropout(rate) }
      Dense(options.classes)
    }
  }

  /// So that the variance survives a layer: He's behind a ReLU, which halves it, Glorot's behind others.
  private var initializer: Initializer { activation == .relu ? .heNormal : .glorotNormal }
}
