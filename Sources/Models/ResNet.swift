import ConvNetGraphs
public import ConvNetLayers

/// The columns of the table of residual networks.
public enum ResNetDepth: Int, Hashable, Sendable, CaseIterable {
  /// 18 layers with weights, in blocks of two convolutions.
  case layers18 = 18
  /// 34, in blocks of two.
  case layers34 = 34
  /// 50, in blocks of three, the bottlenecks.
  case layers50 = 50
  /// 101, in blocks of three.
  case layers101 = 101
  /// 152, in blocks of three.
  case layers152 = 152

  /// Blocks of conv2_x, conv3_x, conv4_x and conv5_x.
  var blocks: [Int] {
    switch self {
    case .layers18: [2, 2, 2, 2]
    case .layers34: [3, 4, 6, 3]
    case .layers50: [3, 4, 6, 3]
    case .layers101: [3, 4, 23, 3]
    case .layers152: [3, 8, 36, 3]
    }
  }

  /// Blocks of 1x1, 3x3 and 1x1 convolutions in place of two of 3x3 (figure 5).
  var hasBottlenecks: Bool { rawValue >= 50 }
}

/// How blocks of a residual network carry their input past a change of shape (section 4.1).
public enum ResNetShortcut: String, Hashable, Sendable, CaseIterable {
  /// A: the input, with zeros for the channels that it lacks; no parameters.
  case a
  /// B: a 1x1 convolution where the shape changes, the input itself elsewhere.
  case b
  /// C: a 1x1 convolution in every block.
  case c

  var layer: Shortcut {
    switch self {
    case .a: .zeroPadded
    case .b: .projection(when: .channelsChange)
    case .c: .projection(when: .always)
    }
  }
}

/// What the blocks of one residual network share.
struct ResidualStyle {
  /// None in a plain network.
  var shortcut: ResNetShortcut?
  var normalization = BatchNorm()
  /// The stride on a bottleneck's 3x3 convolution in place of its first 1x1.
  var stridesInMiddle = false
  /// Biases in the convolutions, which the normalization after them cancels.
  var hasBiases = false
  /// Of one block.
  var stochasticDepth: Float = 0

  /// The style of a block of a network that drops so many examples in its last one.
  func ofBlock(_ block: Int, of count: Int, stochasticDepth last: Float) -> Self {
    var style = self
    style.stochasticDepth = StochasticDepth.rate(ofBlock: block, of: count, last: last)
    return style
  }

  func convolution(_ channels: Int, kernel: Int, stride: Int = 1) -> Conv2D {
    Conv2D(
      channels, kernel: kernel, stride: stride, padding: .symmetric(kernel / 2), bias: hasBiases,
      initializer: .heNormal)
  }
}

/// The layers of a block with the shortcut around them, and ReLU after the addition.
private struct ShortcutBlock: Block {
  var style: ResidualStyle
  var layers: LayerSequence

  var body: LayerSequence {
    if let shortcut = style.shortcut {
      Residual(
        shortcut: shortcut.layer, normalization: style.normalization,
        projectionBias: style.hasBiases, stochasticDepth: style.stochasticDepth
      ) { layers }
    } else {
      layers
    }
    ReLU()
  }
}

/// Two 3x3 convolutions (figure 5, left).
struct BasicBlock: Block {
  var channels: Int
  var stride: Int
  var style: ResidualStyle

  var body: LayerSequence {
    ShortcutBlock(
      style: style,
      layers: LayerSequence {
        style.convolution(channels, kernel: 3, stride: stride).named("conv1")
        style.normalization.named("bn1")
        ReLU()
        style.convolution(channels, kernel: 3).named("conv2")
        style.normalization.named("bn2")
      })
  }
}

/// 1x1, 3x3 and 1x1 convolutions, the last with four times the channels (figure 5, right).
struct BottleneckBlock: Block {
  var channels: Int
  var stride: Int
  var style: ResidualStyle

  var body: LayerSequence {
    let (first, middle) = style.stridesInMiddle ? (1, stride) : (stride, 1)
    ShortcutBlock(
      style: style,
      layers: LayerSequence {
        style.convolution(channels, kernel: 1, stride: first).named("conv1")
        style.normalization.named("bn1")
        ReLU()
        style.convolution(channels, kernel: 3, stride: middle).named("conv2")
        style.normalization.named("bn2")
        ReLU()
        style.convolution(4 * channels, kernel: 1).named("conv3")
        style.normalization.named("bn3")
      })
  }
}

/// ResNet: K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image Recognition", 2015,
/// table 1.
///
/// Bottlenecks have their stride on the first 1x1 convolution.
///
/// - Parameter shortcut: the paper's option A, B (its choice from 50 layers on) or C.
public func resNet(
  _ depth: ResNetDepth, shortcut: ResNetShortcut = .b, _ options: ModelOptions
) -> Network {
  let suffix = shortcut == .b ? "" : "-\(shortcut.rawValue)"
  return residualNetwork(
    "resnet\(depth.rawValue)\(suffix)", depth, style: ResidualStyle(shortcut: shortcut), options)
}

/// The same layers without shortcuts: the paper's plain networks, which train worse the deeper they
/// are.
public func plainNet(_ depth: ResNetDepth, _ options: ModelOptions) -> Network {
  residualNetwork("plain\(depth.rawValue)", depth, style: ResidualStyle(shortcut: nil), options)
}

/// torchvision's ResNet: bottlenecks have their stride on the 3x3 convolution ("version 1.5"),
/// batch normalization has epsilon 1e-5 and momentum 0.9.
public func torchvisionResNet(_ depth: ResNetDepth, _ options: ModelOptions) -> Network {
  residualNetwork(
    "resnet\(depth.rawValue)-\(depth.hasBottlenecks ? "v1.5" : "torchvision")", depth,
    style: ResidualStyle(shortcut: .b, normalization: .torchvision, stridesInMiddle: true), options)
}

/// Keras's ResNet of 50, 101 or 152 layers: the paper's, with biases in its convolutions and
/// batch normalization of epsilon 1.001e-5.
public func kerasResNet(_ depth: ResNetDepth, _ options: ModelOptions) -> Network {
  residualNetwork(
    "resnet\(depth.rawValue)-keras", depth,
    style: ResidualStyle(shortcut: .b, normalization: .kerasResNet, hasBiases: true), options)
}

private func residualNetwork(
  _ name: String, _ depth: ResNetDepth, style: ResidualStyle, _ options: ModelOptions
) -> Network {
  options.network(name) {
    style.convolution(64, kernel: 7, stride: 2).named("conv1")
    style.normalization.named("bn1")
    ReLU()
    MaxPool2D(3, stride: 2, padding: .symmetric(1)).named("maxpool")
    for (stage, blocks) in depth.blocks.enumerated() {
      Numbered("layer\(stage + 1)") {
        for block in 0..<blocks {
          let stride = stage > 0 && block == 0 ? 2 : 1
          let style = style.ofBlock(
            depth.blocks[..<stage].reduce(block, +), of: depth.blocks.reduce(0, +),
            stochasticDepth: options.stochasticDepth)
          if depth.hasBottlenecks {
            BottleneckBlock(channels: 64 << stage, stride: stride, style: style)
          } else {
            BasicBlock(channels: 64 << stage, stride: stride, style: style)
          }
        }
      }
    }
    GlobalPool.average
    Dense(options.classes).named("fc")
  }
}
