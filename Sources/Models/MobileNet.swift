import ConvNetGraphs
public import ConvNetLayers

/// torchvision's MobileNet v2: M. Sandler, A. Howard, M. Zhu, A. Zhmoginov, L. Chen, "MobileNetV2: Inverted Residuals and Linear
/// Bottlenecks", 2018, table 2.
///
/// Depthwise convolutions between ones of 1x1, ReLU6, 20% dropout before the classifier.
public func mobileNetV2(_ options: ModelOptions) -> Network {
  let style = NormalizedConvolution.Style(normalization: .torchvision, activation: .relu6)
  // The columns t, c, n and s of the table.
  let rows = [
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
    (6, 320, 1, 1),
  ]
  var blocks: [InvertedResidual] = []
  for (expansion, channels, count, stride) in rows {
    for place in 0..<count {
      let input = blocks.last?.output ?? 32
      blocks.append(
        InvertedResidual(
          input: input, expanded: expansion * input, output: channels, kernel: 3,
          stride: place == 0 ? stride : 1, style: style, name: "conv", isLastFlat: true))
    }
  }
  return options.network("mobilenet-v2") {
    Numbered("features") {
      NormalizedConvolution(32, kernel: 3, stride: 2, style: style)
      for block in blocks.with(stochasticDepth: options.stochasticDepth) { block }
      NormalizedConvolution(1280, kernel: 1, style: style)
    }
    GlobalPool.average
    Numbered("classifier") {
      Dropout(options.dropout ?? 0.2)
      Dense(options.classes, initializer: .normal(standardDeviation: 0.01))
    }
  }
}

/// The two networks of the paper.
public enum MobileNetV3Size: String, Hashable, Sendable, CaseIterable {
  /// Table 2.
  case small
  /// Table 1.
  case large

  /// A row of its table.
  struct Row {
    var kernel: Int
    var expanded: Int
    var output: Int
    var hasExcitation: Bool
    var activation: ActivationFunction
    var stride: Int

    init(
      _ kernel: Int, _ expanded: Int, _ output: Int, excitation: Bool,
      _ activation: ActivationFunction, _ stride: Int
    ) {
      self.kernel = kernel
      self.expanded = expanded
      self.output = output
      hasExcitation = excitation
      self.activation = activation
      self.stride = stride
    }
  }

  var rows: [Row] {
    switch self {
    case .small:
      [
        Row(3, 16, 16, excitation: true, .relu, 2),
        Row(3, 72, 24, excitation: false, .relu, 2),
        Row(3, 88, 24, excitation: false, .relu, 1),
        Row(5, 96, 40, excitation: true, .hardSwish, 2),
        Row(5, 240, 40, excitation: true, .hardSwish, 1),
        Row(5, 240, 40, excitation: true, .hardSwish, 1),
        Row(5, 120, 48, excitation: true, .hardSwish, 1),
        Row(5, 144, 48, excitation: true, .hardSwish, 1),
        Row(5, 288, 96, excitation: true, .hardSwish, 2),
        Row(5, 576, 96, excitation: true, .hardSwish, 1),
        Row(5, 576, 96, excitation: true, .hardSwish, 1),
      ]
    case .large:
      [
        Row(3, 16, 16, excitation: false, .relu, 1),
        Row(3, 64, 24, excitation: false, .relu, 2),
        Row(3, 72, 24, excitation: false, .relu, 1),
        Row(5, 72, 40, excitation: true, .relu, 2),
        Row(5, 120, 40, excitation: true, .relu, 1),
        Row(5, 120, 40, excitation: true, .relu, 1),
        Row(3, 240, 80, excitation: false, .hardSwish, 2),
        Row(3, 200, 80, excitation: false, .hardSwish, 1),
        Row(3, 184, 80, excitation: false, .hardSwish, 1),
        Row(3, 184, 80, excitation: false, .hardSwish, 1),
        Row(3, 480, 112, excitation: true, .hardSwish, 1),
        Row(3, 672, 112, excitation: true, .hardSwish, 1),
        Row(5, 672, 160, excitation: true, .hardSwish, 2),
        Row(5, 960, 160, excitation: true, .hardSwish, 1),
        Row(5, 960, 160, excitation: true, .hardSwish, 1),
      ]
    }
  }

  /// Neurons of the hidden dense layer.
  var hidden: Int { self == .small ? 1024 : 1280 }
}

/// torchvision's MobileNet v3: A. Howard et al., "Searching for MobileNetV3", 2019, tables 1 and 2.
///
/// The blocks of MobileNet v2 with squeeze and excitation by a hard sigmoid, hard swish in the deeper ones, one more dense layer,
/// batch normalization of epsilon 0.001 and momentum 0.99. Dropout before the classifier is torchvision's 20%.
public func mobileNetV3(_ size: MobileNetV3Size, _ options: ModelOptions) -> Network {
  let style = NormalizedConvolution.Style(
    normalization: BatchNorm(momentum: 0.99, epsilon: 0.001, runningVariance: .sample),
    activation: .hardSwish)
  var blocks: [InvertedResidual] = []
  for row in size.rows {
    blocks.append(
      InvertedResidual(
        input: blocks.last?.output ?? 16, expanded: row.expanded, output: row.output,
        kernel: row.kernel, stride: row.stride,
        excitation: row.hasExcitation
          ? SqueezeExcitation(inEights(row.expanded / 4), gate: .hardSigmoid) : nil,
        style: style.with(row.activation)))
  }
  let last = 6 * (blocks.last?.output ?? 0)
  return options.network("mobilenet-v3-\(size.rawValue)") {
    Numbered("features") {
      NormalizedConvolution(16, kernel: 3, stride: 2, style: style)
      for block in blocks.with(stochasticDepth: options.stochasticDepth) { block }
      NormalizedConvolution(last, kernel: 1, style: style)
    }
    GlobalPool.average
    Numbered("classifier") {
      Dense(size.hidden, initializer: .normal(standardDeviation: 0.01))
      HardSwish()
      Dropout(options.dropout ?? 0.2)
      Dense(options.classes, initializer: .normal(standardDeviation: 0.01))
    }
  }
}

/// The multiple of eight that is nearest, but no less than nine tenths.
private func inEights(_ channels: Int) -> Int {
  let nearest = max(8, (channels + 4) / 8 * 8)
  return 10 * nearest < 9 * channels ? nearest + 8 : nearest
}
