import ConvNetGraphs
public import ConvNetLayers

/// The columns of the table of configurations.
public enum VGGConfiguration: String, Hashable, Sendable, CaseIterable {
  /// 11 layers with weights.
  case a
  /// A with local response normalization after the first convolution.
  case aLRN = "a-lrn"
  /// 13 layers: A with a second convolution in each of the first two stages.
  case b
  /// 16 layers: B with a convolution of 1x1 in each of the last three stages.
  case c
  /// 16 layers: C with 3x3 in place of 1x1; known as VGG-16.
  case d
  /// 19 layers: D with a fourth convolution in each of the last three stages; known as VGG-19.
  case e

  enum Row {
    /// `conv3-C`, `conv1-C`: kernel and channels; one of padding keeps the size.
    case conv3(Int)
    case conv1(Int)
    case lrn
  }

  /// Between maximum poolings.
  var stages: [[Row]] {
    switch self {
    case .a:
      [
        [.conv3(64)],
        [.conv3(128)],
        [.conv3(256), .conv3(256)],
        [.conv3(512), .conv3(512)],
        [.conv3(512), .conv3(512)],
      ]
    case .aLRN:
      [
        [.conv3(64), .lrn],
        [.conv3(128)],
        [.conv3(256), .conv3(256)],
        [.conv3(512), .conv3(512)],
        [.conv3(512), .conv3(512)],
      ]
    case .b:
      [
        [.conv3(64), .conv3(64)],
        [.conv3(128), .conv3(128)],
        [.conv3(256), .conv3(256)],
        [.conv3(512), .conv3(512)],
        [.conv3(512), .conv3(512)],
      ]
    case .c:
      [
        [.conv3(64), .conv3(64)],
        [.conv3(128), .conv3(128)],
        [.conv3(256), .conv3(256), .conv1(256)],
        [.conv3(512), .conv3(512), .conv1(512)],
        [.conv3(512), .conv3(512), .conv1(512)],
      ]
    case .d:
      [
        [.conv3(64), .conv3(64)],
        [.conv3(128), .conv3(128)],
        [.conv3(256), .conv3(256), .conv3(256)],
        [.conv3(512), .conv3(512), .conv3(512)],
        [.conv3(512), .conv3(512), .conv3(512)],
      ]
    case .e:
      [
        [.conv3(64), .conv3(64)],
        [.conv3(128), .conv3(128)],
        [.conv3(256), .conv3(256), .conv3(256), .conv3(256)],
        [.conv3(512), .conv3(512), .conv3(512), .conv3(512)],
        [.conv3(512), .conv3(512), .conv3(512), .conv3(512)],
      ]
    }
  }

  /// Layers with weights, three of them dense.
  var weightLayers: Int {
    3 + stages.joined().count { if case .lrn = $0 { false } else { true } }
  }
}

/// VGG: K. Simonyan, A. Zisserman, "Very Deep Convolutional Networks for Large-Scale Image
/// Recognition", 2014, table 1.
///
/// Every hidden layer is followed by ReLU, the two hidden dense layers by dropout. Response
/// normalization of A-LRN has AlexNet's constants. The authors began from a trained network A; here
/// weights begin so that the variance survives ReLU.
///
/// - Parameter batchNorm: torchvision's later variant, `vgg16-bn`: each convolution is normalized
///   before ReLU.
public func vgg(
  _ configuration: VGGConfiguration, batchNorm: Bool = false, _ options: ModelOptions
) -> Network {
  func conv(_ channels: Int, kernel: Int) -> LayerSequence {
    LayerSequence {
      Conv2D(channels, kernel: kernel, padding: .same, initializer: .heNormal)
      if batchNorm { BatchNorm.torchvision }
      ReLU()
    }
  }
  let name = batchNorm ? "vgg\(configuration.weightLayers)-bn" : "vgg-\(configuration.rawValue)"
  return options.network(name) {
    Numbered("features") {
      for stage in configuration.stages {
        for row in stage {
          switch row {
          case .conv3(let channels): conv(channels, kernel: 3)
          case .conv1(let channels): conv(channels, kernel: 1)
          case .lrn: LocalResponseNorm()
          }
        }
        MaxPool2D(2)
      }
    }
    if options.needsPooling { AdaptiveAveragePool2D(7).named("avgpool") }
    Flatten()
    Numbered("classifier") {
      Dense(4096, initializer: .heNormal)
      ReLU()
      Dropout(options.dropout ?? 0.5)
      Dense(4096, initializer: .heNormal)
      ReLU()
      Dropout(options.dropout ?? 0.5)
      Dense(options.classes)
    }
  }
}
