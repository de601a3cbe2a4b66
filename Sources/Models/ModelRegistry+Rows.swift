import ConvNetTensors

// The rows of the zoo, in the order of the lecture. Paper rows are as their paper has them;
// torchvision's own networks are rows of their own where they differ.

private let torchvisionNormalization = "batch normalization of epsilon 1e-5 and momentum 0.9"
private let shallowPlain = "the residual network's layers without shortcuts"

extension ModelRegistry {
  static let firstRows = [
    ModelEntry(
      "lenet5", paper: "Gradient-Based Learning Applied to Document Recognition", year: 1998,
      defaults: ModelOptions(height: 28, width: 28, channels: 1, classes: 10),
      note: "full connections between the convolutions, mean pooling without weights, logits",
      build: lenet5),
    ModelEntry(
      "alexnet", paper: alexNetPaper, year: 2012, defaults: .imageNetChannelsFirst,
      note: "224 pixels padded by one and two to the 227 that the sizes need",
      build: alexNet),
    ModelEntry(
      "alexnet-torchvision",
      paper: "One weird trick for parallelizing convolutional neural networks",
      year: 2014, defaults: .imageNetChannelsFirst,
      note: "one column, fewer channels, no response normalization", publisher: .torchvision,
      build: torchvisionAlexNet),
  ]

  static let vggRows =
    VGGConfiguration.allCases.map { configuration in
      ModelEntry(
        "vgg-\(configuration.rawValue)", aliases: vggAliases[configuration, default: []],
        paper: vggPaper, year: 2014, defaults: .imageNetChannelsFirst,
        publisher: vggAliases[configuration] == nil ? nil : .torchvision,
        weightNamings: [.kerasVGG, .timmVGG], build: { vgg(configuration, $0) })
    }
    + [VGGConfiguration.a, .b, .d, .e].map { configuration in
      ModelEntry(
        "vgg\(configuration.weightLayers)-bn",
        aliases: ["vgg\(configuration.weightLayers)_bn"], paper: vggPaper, year: 2014,
        defaults: .imageNetChannelsFirst,
        note: "torchvision's: \(torchvisionNormalization) after every convolution",
        publisher: .torchvision,
        build: { vgg(configuration, batchNorm: true, $0) })
    }

  static let inceptionRows = [
    ModelEntry(
      "googlenet", paper: googLeNetPaper, year: 2014, defaults: .imageNet, build: googLeNet),
    ModelEntry(
      "googlenet-torchvision", paper: googLeNetPaper, year: 2014, defaults: .imageNetChannelsFirst,
      note: "batch normalization, no response normalization, 3x3 kernels in place of 5x5; side "
        + "classifiers pool adaptively",
      publisher: .torchvision, build: torchvisionGoogLeNet),
    ModelEntry(
      "bn-inception", paper: batchNormPaper, year: 2015, defaults: .imageNet,
      note: "no dropout, as in the accelerated variants; auxiliary classifiers as in GoogLeNet",
      build: { bnInception($0) }),
    ModelEntry(
      "bn-inception-sigmoid", paper: batchNormPaper, year: 2015, defaults: .imageNet,
      note: "the logistic function in place of ReLU", build: { bnInception(sigmoid: true, $0) }),
    ModelEntry(
      "bn-inception-plain", paper: batchNormPaper, year: 2015, defaults: .imageNet,
      note: "bn-inception without normalization, the paper's baseline; 40 % dropout",
      build: { bnInception(isNormalized: false, $0) }),
    ModelEntry(
      "inception-v2", paper: inceptionPaper, year: 2015, defaults: .inception,
      note: "channels inside the modules, which the paper's table leaves out, as released",
      build: { inceptionV2($0) }),
    ModelEntry(
      "inception-v3", paper: inceptionPaper, year: 2015, defaults: .inception,
      note: "inception-v2 with batch normalization in the auxiliary classifier's dense layer",
      build: inceptionV3),
    ModelEntry(
      "inception-v3-torchvision", paper: inceptionPaper, year: 2015, defaults: .inception,
      note: "as released: another stem, 5x5 kernels on the first grid, four modules on the second",
      publisher: .torchvision, build: torchvisionInceptionV3),
    ModelEntry(
      "inception-v3-keras", paper: inceptionPaper, year: 2015, defaults: .inception,
      note: "Keras's: as released, without auxiliary classifier, dropout, normalization's scales",
      publisher: .keras, weightNamings: [.kerasInception], build: kerasInceptionV3),
  ]

  static let resNetRows =
    ResNetDepth.allCases.map { depth in
      ModelEntry(
        "resnet\(depth.rawValue)", paper: resNetPaper, year: 2015, defaults: .imageNet,
        note: "shortcuts B: projections where the shape changes", build: { resNet(depth, $0) })
    }
    + [ResNetDepth.layers18, .layers34].map { depth in
      ModelEntry(
        "plain\(depth.rawValue)", paper: resNetPaper, year: 2015, defaults: .imageNet,
        note: shallowPlain, build: { plainNet(depth, $0) })
    }
    + ResNetDepth.allCases.map { depth in
      let name = "resnet\(depth.rawValue)"
      return depth.hasBottlenecks
        ? ModelEntry(
          "\(name)-v1.5", aliases: ["\(name)-torchvision"], paper: resNetPaper, year: 2015,
          defaults: .imageNet,
          note: "torchvision's: stride on the 3x3 convolutions, \(torchvisionNormalization)",
          publisher: .torchvision, build: { torchvisionResNet(depth, $0) })
        : ModelEntry(
          "\(name)-torchvision", aliases: ["\(name)-v1.5"], paper: resNetPaper, year: 2015,
          defaults: .imageNet, note: "torchvision's: \(torchvisionNormalization)",
          publisher: .torchvision, build: { torchvisionResNet(depth, $0) })
    }
    + ResNetDepth.allCases.filter(\.hasBottlenecks).map { depth in
      ModelEntry(
        "resnet\(depth.rawValue)-keras", paper: resNetPaper, year: 2015, defaults: .imageNet,
        note: "Keras's: biases in the convolutions, batch normalization of epsilon 1.001e-5",
        publisher: .keras, weightNamings: [.kerasResNet], build: { kerasResNet(depth, $0) })
    }

  static let mobileRows = [
    ModelEntry(
      "mobilenet-v2", aliases: ["mobilenet_v2"], paper: mobileNetV2Paper, year: 2018,
      defaults: .imageNet, note: "torchvision's: \(torchvisionNormalization)",
      publisher: .torchvision, build: mobileNetV2),
    ModelEntry(
      "mobilenet-v3-small", aliases: ["mobilenet_v3_small"], paper: mobileNetV3Paper, year: 2019,
      defaults: .imageNet, note: mobileNetV3Note, publisher: .torchvision,
      build: { mobileNetV3(.small, $0) }),
    ModelEntry(
      "mobilenet-v3-large", aliases: ["mobilenet_v3_large"], paper: mobileNetV3Paper, year: 2019,
      defaults: .imageNet, note: mobileNetV3Note, publisher: .torchvision,
      build: { mobileNetV3(.large, $0) }),
    ModelEntry(
      "efficientnet-b0", aliases: ["efficientnet_b0"],
      paper: "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
      year: 2019, defaults: .imageNet,
      note: "torchvision's: \(torchvisionNormalization); stochastic depth where it is asked for",
      publisher: .torchvision, build: efficientNetB0),
    ModelEntry(
      "convnext-tiny", aliases: ["convnext_tiny"], paper: "A ConvNet for the 2020s", year: 2022,
      defaults: .imageNet, note: "torchvision's; stochastic depth where it is asked for",
      publisher: .torchvision,
      build: convNeXtTiny),
  ]

  static let cifarRows =
    [3, 5, 7, 9, 18].map { blocks in
      ModelEntry(
        "resnet\(6 * blocks + 2)", paper: resNetPaper, year: 2015, defaults: .cifar,
        note: "for CIFAR; shortcuts A: zeros for new channels",
        build: { cifarResNet(blocks: blocks, $0) })
    }
    + [3, 5, 7, 9].map { blocks in
      ModelEntry(
        "plain\(6 * blocks + 2)", paper: resNetPaper, year: 2015, defaults: .cifar,
        note: "for CIFAR; \(shallowPlain)",
        build: { cifarResNet(blocks: blocks, shortcut: nil, $0) })
    }
    + [
      ModelEntry(
        "resnet-fast", paper: resNetPaper, year: 2015,
        defaults: ModelOptions(height: 28, width: 28, channels: 1, classes: 10),
        note: "ours: eight layers, for much accuracy in little time", build: fastResNet)
    ]

  private static let vggAliases: [VGGConfiguration: [String]] = [
    .a: ["vgg11"], .b: ["vgg13"], .d: ["vgg16"], .e: ["vgg19"],
  ]

  private static let alexNetPaper =
    "ImageNet Classification with Deep Convolutional Neural Networks"
  private static let vggPaper =
    "Very Deep Convolutional Networks for Large-Scale Image Recognition"
  private static let googLeNetPaper = "Going Deeper with Convolutions"
  private static let batchNormPaper =
    "Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift"
  private static let inceptionPaper = "Rethinking the Inception Architecture for Computer Vision"
  private static let mobileNetV2Paper = "MobileNetV2: Inverted Residuals and Linear Bottlenecks"
  private static let mobileNetV3Paper = "Searching for MobileNetV3"
  private static let mobileNetV3Note =
    "torchvision's: batch normalization of epsilon 0.001 and momentum 0.99, dropout of 20 %"
  private static let resNetPaper = "Deep Residual Learning for Image Recognition"
}

extension ModelOptions {
  /// The input of most networks for ImageNet.
  static let imageNet = ModelOptions(height: 224, width: 224, channels: 3, classes: 1000)

  /// For networks that flatten a picture and whose published weights are ordered channels first.
  static let imageNetChannelsFirst = ModelOptions(
    height: 224, width: 224, channels: 3, classes: 1000, dataFormat: .channelsFirst)

  static let inception = ModelOptions(height: 299, width: 299, channels: 3, classes: 1000)

  static let cifar = ModelOptions(height: 32, width: 32, channels: 3, classes: 10)
}
