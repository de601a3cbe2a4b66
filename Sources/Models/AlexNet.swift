import ConvNetGraphs
public import ConvNetLayers

/// AlexNet: A. Krizhevsky, I. Sutskever, G. Hinton, "ImageNet Classification with Deep
/// Convolutional Neural Networks", 2012, figure 2 and section 3.
///
/// The second, fourth and fifth convolution see the half of the channels that lay on their
/// processor (two groups); response normalization follows the first two, overlapping pooling
/// windows 3 of stride 2 the first two and the last. The first layer's 55x55 positions come of 227
/// pixels without padding; the paper's 224 get the missing three, one before and two after.
///
/// Weights begin as in the paper: normal with deviation 0.01; biases at one in the second, fourth and
/// fifth convolution and in the hidden dense layers, which gives their ReLUs positive inputs, at zero
/// elsewhere.
public func alexNet(_ options: ModelOptions) -> Network {
  let initializer = Initializer.normal(standardDeviation: 0.01)

  func conv(
    _ name: String, _ channels: Int, kernel: Int, groups: Int = 1, bias: Initializer = .ones
  ) -> Named {
    Conv2D(
      channels, kernel: kernel, padding: .same, groups: groups, initializer: initializer,
      biasInitializer: bias
    ).named(name)
  }
  func hidden(_ name: String) -> Named {
    Dense(4096, initializer: initializer, biasInitializer: .ones).named(name)
  }
  /// The padding of a side of the picture that windows of 11 in steps of 4 do not cover evenly.
  func sides(_ extent: Int) -> Padding.Sides {
    (extent - 11) % 4 == 0 ? .init(before: 0, after: 0) : .init(before: 1, after: 2)
  }

  return options.network("alexnet") {
    Conv2D(
      96, kernel: 11, stride: 4, padding: .explicit([sides(options.height), sides(options.width)]),
      initializer: initializer
    ).named("conv1")
    ReLU()
    LocalResponseNorm()
    MaxPool2D(3, stride: 2)
    conv("conv2", 256, kernel: 5, groups: 2)
    ReLU()
    LocalResponseNorm()
    MaxPool2D(3, stride: 2)
    conv("conv3", 384, kernel: 3, bias: .zeros)
    ReLU()
    conv("conv4", 384, kernel: 3, groups: 2)
    ReLU()
    conv("conv5", 256, kernel: 3, groups: 2)
    ReLU()
    MaxPool2D(3, stride: 2)
    Flatten()
    hidden("fc6")
    ReLU()
    Dropout(options.dropout ?? 0.5)
    hidden("fc7")
    ReLU()
    Dropout(options.dropout ?? 0.5)
    Dense(options.classes, initializer: initializer).named("fc8")
  }
}

/// torchvision's AlexNet: A. Krizhevsky, "One weird trick for parallelizing convolutional neural
/// networks", 2014.
///
/// One column of 64, 192, 384, 256 and 256 channels, no groups, no response normalization, dropout
/// before the dense layers.
public func torchvisionAlexNet(_ options: ModelOptions) -> Network {
  func conv(_ channels: Int, kernel: Int) -> Conv2D {
    Conv2D(channels, kernel: kernel, padding: .same, initializer: .heNormal)
  }
  return options.network("alexnet-torchvision") {
    Numbered("features") {
      Conv2D(64, kernel: 11, stride: 4, padding: .symmetric(2), initializer: .heNormal)
      ReLU()
      MaxPool2D(3, stride: 2)
      conv(192, kernel: 5)
      ReLU()
      MaxPool2D(3, stride: 2)
      conv(384, kernel: 3)
      ReLU()
      conv(256, kernel: 3)
      ReLU()
      conv(256, kernel: 3)
      ReLU()
      MaxPool2D(3, stride: 2)
    }
    if options.needsPooling { AdaptiveAveragePool2D(6).named("avgpool") }
    Flatten()
    Numbered("classifier") {
      Dropout(options.dropout ?? 0.5)
      Dense(4096, initializer: .heNormal)
      ReLU()
      Dropout(options.dropout ?? 0.5)
      Dense(4096, initializer: .heNormal)
      ReLU()
      Dense(options.classes)
    }
  }
}
