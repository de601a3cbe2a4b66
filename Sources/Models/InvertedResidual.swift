import ConvNetGraphs
import ConvNetLayers

/// Convolution, batch normalization, nonlinearity where there is any, under torchvision's names: the convolution is `0`, the
/// normalization `1`.
struct NormalizedConvolution: Block {
  var channels: Int
  var kernel: Int
  var stride = 1
  var groups = 1
  var style: Style

  /// What the units of a network share, or a part of them.
  struct Style {
    var normalization: BatchNorm
    /// None behind the last convolution of a block.
    var activation: ActivationFunction?

    func with(_ activation: ActivationFunction?) -> Style {
      Style(normalization: normalization, activation: activation)
    }
  }

  init(_ channels: Int, kernel: Int, stride: Int = 1, groups: Int = 1, style: Style) {
    self.channels = channels
    self.kernel = kernel
    self.stride = stride
    self.groups = groups
    self.style = style
  }

  var body: LayerSequence {
    Conv2D(
      channels, kernel: kernel, stride: stride, padding: .symmetric(kernel / 2), groups: groups,
      bias: false, initializer: .heNormalFanOut
    ).named("0")
    style.normalization.named("1")
    if let activation = style.activation { Nonlinearity(function: activation) }
  }
}

/// Layers under their numbers, from 0, as one layer: a sequence within a sequence.
struct LayerGroup: Block {
  var layers: [any Layer]

  var body: LayerSequence {
    for (place, layer) in layers.enumerated() { layer.named("\(place)") }
  }
}

extension [InvertedResidual] {
  /// Those of a network that drops so many examples in its last block.
  func with(stochasticDepth last: Float) -> [InvertedResidual] {
    enumerated().map { place, block in
      var block = block
      block.stochasticDepth = StochasticDepth.rate(ofBlock: place, of: count, last: last)
      return block
    }
  }
}

/// A nonlinearity that is a setting.
struct Nonlinearity: ActivationLayer {
  var function: ActivationFunction
}

/// A convolution of 1x1 to more channels, a depthwise one, squeeze and excitation where there is any, and a convolution of 1x1 to
/// few channels, behind which there is no nonlinearity: M. Sandler, A. Howard, M. Zhu, A. Zhmoginov, L. Chen, "MobileNetV2:
/// Inverted Residuals and Linear Bottlenecks", 2018, figure 3. The input is added where the shape stays.
struct InvertedResidual: Block {
  var input: Int
  /// Channels of the depthwise convolution; where they are those of the input, there is no convolution before it.
  var expanded: Int
  var output: Int
  var kernel: Int
  var stride: Int
  /// With as many channels between its layers.
  var excitation: SqueezeExcitation?
  var style: NormalizedConvolution.Style
  /// As torchvision calls the layers, and whether the last convolution and its normalization are two of them.
  var name = "block"
  var isLastFlat = false
  /// The share of examples that pass by the shortcut alone in training.
  var stochasticDepth: Float = 0

  var body: LayerSequence {
    if stride == 1, input == output {
      Residual(shortcut: .identity, stochasticDepth: stochasticDepth) { layers }
    } else {
      layers
    }
  }

  private var layers: LayerSequence {
    LayerSequence {
      Numbered(name) {
        if expanded != input { NormalizedConvolution(expanded, kernel: 1, style: style) }
        NormalizedConvolution(
          expanded, kernel: kernel, stride: stride, groups: expanded, style: style)
        if let excitation { excitation }
        if isLastFlat {
          Conv2D(output, kernel: 1, bias: false, initializer: .heNormalFanOut)
          style.normalization
        } else {
          NormalizedConvolution(output, kernel: 1, style: style.with(nil))
        }
      }
    }
  }
}
