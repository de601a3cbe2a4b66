public import ConvNetLayers

/// The residual networks for CIFAR: K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for
/// Image Recognition", 2015, section 4.2.
///
/// A 3x3 convolution of 16 channels, then three stages of blocks of two 3x3 convolutions, with 16,
/// 32 and 64 channels on grids of 32, 16 and 8; global mean, classifier: 6n + 2 layers for n blocks
/// a stage.
///
/// - Parameters:
///   - blocks: n, at least 1: 3, 5, 7, 9 and 18 for 20, 32, 44, 56 and 110 layers.
///   - shortcut: A in the paper; `nil` for its plain networks.
public func cifarResNet(
  blocks: Int, shortcut: ResNetShortcut? = .a, _ options: ModelOptions
) -> Network {
  guard blocks >= 1 else { fatalError("a stage has at least one block") }
  let style = ResidualStyle(shortcut: shortcut)
  let suffix = shortcut.map { $0 == .a ? "" : "-\($0.rawValue)" } ?? ""
  return options.network("\(shortcut == nil ? "plain" : "resnet")\(6 * blocks + 2)\(suffix)") {
    style.convolution(16, kernel: 3).named("conv1")
    style.normalization.named("bn1")
    ReLU()
    for stage in 0..<3 {
      Numbered("layer\(stage + 1)") {
        for block in 0..<blocks {
          BasicBlock(
            channels: 16 << stage, stride: stage > 0 && block == 0 ? 2 : 1,
            style: style.ofBlock(
              stage * blocks + block, of: 3 * blocks, stochasticDepth: options.stochasticDepth))
        }
      }
    }
    GlobalPool.average
    Dense(options.classes).named("fc")
  }
}
