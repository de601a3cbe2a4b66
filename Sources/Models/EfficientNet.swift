import ConvNetGraphs
public import ConvNetLayers

/// torchvision's EfficientNet-B0: M. Tan, Q. Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
/// 2019, table 1.
///
/// The blocks of MobileNet v2 with squeeze and excitation, to a quarter of the block's input channels, and SiLU; 20% dropout
/// before the classifier. Batch normalization has torchvision's epsilon of 1e-5 and momentum of 0.9.
public func efficientNetB0(_ options: ModelOptions) -> Network {
  let style = NormalizedConvolution.Style(normalization: .torchvision, activation: .silu)
  // Expansion, kernel, stride, channels and layers of the table.
  let rows = [
    (1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3), (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4), (6, 3, 1, 320, 1),
  ]
  var input = 32
  var blocks: [InvertedResidual] = []
  for (expansion, kernel, stride, channels, count) in rows {
    for place in 0..<count {
      blocks.append(
        InvertedResidual(
          input: input, expanded: expansion * input, output: channels, kernel: kernel,
          stride: place == 0 ? stride : 1,
          excitation: SqueezeExcitation(max(1, input / 4), activation: .silu), style: style))
      input = channels
    }
  }
  blocks = blocks.with(stochasticDepth: options.stochasticDepth)
  // A uniform distribution up to one by the root of the classes has this deviation.
  let deviation = 1 / Float(3 * max(1, options.classes)).squareRoot()
  return options.network("efficientnet-b0") {
    Numbered("features") {
      NormalizedConvolution(32, kernel: 3, stride: 2, style: style)
      for (stage, row) in rows.enumerated() {
        LayerGroup(
          layers: Array(blocks[rows[..<stage].reduce(0) { $0 + $1.4 }...].prefix(row.4)))
      }
      NormalizedConvolution(1280, kernel: 1, style: style)
    }
    GlobalPool.average
    Numbered("classifier") {
      Dropout(options.dropout ?? 0.2)
      Dense(options.classes, initializer: .normal(standardDeviation: deviation))
    }
  }
}
