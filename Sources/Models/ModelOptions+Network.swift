import ConvNetGraphs
import ConvNetLayers

extension ModelOptions {
  /// A network of this input and data format.
  func network(_ name: String, @NetworkBuilder _ body: () -> LayerSequence) -> Network {
    Network(name, input: input, dataFormat: dataFormat, body)
  }

  /// Whether the features of a network for ImageNet's pictures must be brought to its grid.
  var needsPooling: Bool { poolsToPublishedGrid && (height, width) != (224, 224) }
}

extension BatchNorm {
  /// torchvision's: PyTorch's momentum 0.1 is the weight of the new average, which takes the
  /// variance divided by m - 1.
  static let torchvision = BatchNorm(momentum: 0.9, epsilon: 1e-5, runningVariance: .sample)
  /// torchvision's in the networks that its authors took over from TensorFlow.
  static let torchvisionInception = BatchNorm(
    momentum: 0.9, epsilon: 0.001, runningVariance: .sample)
  /// Keras's in its residual networks.
  static let kerasResNet = BatchNorm(epsilon: 1.001e-5)
  /// Keras's in its Inception networks.
  static let kerasInception = BatchNorm(epsilon: 0.001, hasScale: false)
}
