import ConvNetGraphs
import ConvNetLayers

/// Convolution, batch normalization where there is any, nonlinearity: what the figures of the
/// Inception papers draw as one box. Parameters `conv.weight`; `conv.bias` without, `bn.weight` and
/// so on with normalization.
struct ConvolutionUnit: Block {
  var channels: Int
  var kernel: [Int]
  var stride: Int
  var padding: Padding
  var style: Style

  /// What all units of a network share.
  struct Style {
    var normalization: BatchNorm?
    var isSigmoid = false
  }

  init(
    _ channels: Int, kernel: [Int], stride: Int = 1, padding: Padding = .same, style: Style
  ) {
    self.channels = channels
    self.kernel = kernel
    self.stride = stride
    self.padding = padding
    self.style = style
  }

  init(_ channels: Int, kernel: Int, stride: Int = 1, padding: Padding = .same, style: Style) {
    self.init(channels, kernel: [kernel, kernel], stride: stride, padding: padding, style: style)
  }

  var body: LayerSequence {
    Conv2D(
      channels, kernel: kernel, strides: [stride, stride], padding: padding,
      bias: style.normalization == nil, initializer: style.isSigmoid ? .glorotNormal : .heNormal
    ).named("conv")
    if let normalization = style.normalization { normalization.named("bn") }
    if style.isSigmoid { Sigmoid() } else { ReLU() }
  }
}
