import ConvNetGraphs
public import ConvNetLayers

/// A small residual network of ours for pictures of about 28 pixels, made for much accuracy in little time, with blocks as in K.
/// He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image Recognition", 2015.
///
/// Most multiplications are 3x3 convolutions of 64 and 128 channels, which are fast on a processor: a first convolution of 32
/// channels, then two stages, each a maximum pooling, a convolution that doubles the channels, and one residual block whose
/// branch ends in ReLU, so that nothing follows the sum. Global mean, classifier: eight layers with weights.
public func fastResNet(_ options: ModelOptions) -> Network {
  func unit(_ name: String, _ channels: Int) -> Named {
    ConvolutionUnit(
      channels, kernel: 3, padding: .symmetric(1), style: .init(normalization: BatchNorm())
    ).named(name)
  }
  func stage(_ name: String, _ channels: Int) -> Named {
    LayerSequence {
      MaxPool2D(2)
      unit("unit1", channels)
      Residual(shortcut: .identity) {
        unit("unit2", channels)
        unit("unit3", channels)
      }
    }.named(name)
  }
  return options.network("resnet-fast") {
    unit("stem", 32)
    stage("layer1", 64)
    stage("layer2", 128)
    GlobalPool.average
    Dense(options.classes).named("fc")
  }
}
