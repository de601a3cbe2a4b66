import ConvNetGraphs
public import ConvNetLayers

/// A row of the table of Inception blocks: the channels of each convolution.
struct InceptionRow {
  var name: String
  var one: Int
  var threeReduce: Int
  var three: Int
  var fiveReduce: Int
  var five: Int
  var pool: Int

  init(
    _ name: String, _ one: Int, _ threeReduce: Int, _ three: Int, _ fiveReduce: Int, _ five: Int,
    _ pool: Int
  ) {
    self.name = name
    self.one = one
    self.threeReduce = threeReduce
    self.three = three
    self.fiveReduce = fiveReduce
    self.five = five
    self.pool = pool
  }
}

/// An Inception block with dimensionality reduction (figure 2b): branches of 1x1, 3x3 and 5x5
/// convolutions and of pooling, where 1x1 convolutions reduce the channels before the larger
/// kernels and after the pooling.
struct InceptionBlock: Block {
  var row: InceptionRow
  var style: ConvolutionUnit.Style
  var fiveKernel = 5

  var body: LayerSequence {
    Concatenate(
      LayerSequence { unit(row.one, 1).named("branch1") },
      LayerSequence {
        Numbered("branch2") {
          unit(row.threeReduce, 1)
          unit(row.three, 3)
        }
      },
      LayerSequence {
        Numbered("branch3") {
          unit(row.fiveReduce, 1)
          unit(row.five, fiveKernel)
        }
      },
      LayerSequence {
        Numbered("branch4") {
          MaxPool2D(3, stride: 1, padding: .symmetric(1))
          unit(row.pool, 1)
        }
      })
  }

  private func unit(_ channels: Int, _ kernel: Int) -> ConvolutionUnit {
    ConvolutionUnit(channels, kernel: kernel, style: style)
  }
}

/// An Inception block without dimensionality reduction (figure 2a), the authors' first idea: the
/// branches of the larger kernels see all channels, and pooling keeps them.
public struct NaiveInceptionBlock: Block {
  /// Channels of the branch of 1x1.
  public var one: Int
  /// Channels of the branch of 3x3.
  public var three: Int
  /// Channels of the branch of 5x5.
  public var five: Int

  /// A block whose branches have these channels; the fourth, pooling, has those of the input.
  public init(one: Int, three: Int, five: Int) {
    self.one = one
    self.three = three
    self.five = five
  }

  /// The four branches, joined along the channels.
  public var body: LayerSequence {
    Concatenate(
      LayerSequence { unit(one, 1).named("branch1") },
      LayerSequence { unit(three, 3).named("branch2") },
      LayerSequence { unit(five, 5).named("branch3") },
      LayerSequence { MaxPool2D(3, stride: 1, padding: .symmetric(1)).named("branch4") })
  }

  private func unit(_ channels: Int, _ kernel: Int) -> ConvolutionUnit {
    ConvolutionUnit(channels, kernel: kernel, style: .init())
  }
}

/// GoogLeNet: C. Szegedy et al., "Going Deeper with Convolutions", 2014, table 1 and figure 3.
///
/// Two auxiliary classifiers, after blocks 4a and 4d, in training; response normalization around
/// the second and third convolution; 40% dropout before the classifier.
public func googLeNet(_ options: ModelOptions) -> Network {
  googLeNet("googlenet", variant: .paper, options)
}

/// torchvision's GoogLeNet: batch normalization after each convolution, no response normalization,
/// 3x3 kernels where the paper has 5x5, 2x2 windows in the last pooling between blocks, 20%
/// dropout; the auxiliary classifiers pool adaptively to 4x4.
public func torchvisionGoogLeNet(_ options: ModelOptions) -> Network {
  googLeNet("googlenet-torchvision", variant: .torchvision, options)
}

private enum Variant {
  case paper
  case torchvision
}

private func googLeNet(
  _ name: String, variant: Variant, _ options: ModelOptions
) -> Network {
  let isPaper = variant == .paper
  let style = ConvolutionUnit.Style(normalization: isPaper ? nil : .torchvisionInception)

  func inception(
    _ name: String, _ one: Int, _ threeReduce: Int, _ three: Int, _ fiveReduce: Int, _ five: Int,
    _ pool: Int
  ) -> Named {
    InceptionBlock(
      row: .init(name, one, threeReduce, three, fiveReduce, five, pool), style: style,
      fiveKernel: isPaper ? 5 : 3
    ).named("inception" + name)
  }
  func maxPool(_ name: String, window: Int = 3) -> Named {
    MaxPool2D(window, stride: 2, ceilMode: true).named(name)
  }
  func auxiliary(_ name: String) -> Auxiliary {
    googLeNetAuxiliary(name, options, style: style, isAdaptive: !isPaper)
  }
  let responseNorm = LocalResponseNorm()

  return options.network(name) {
    ConvolutionUnit(64, kernel: 7, stride: 2, padding: .symmetric(3), style: style).named("conv1")
    maxPool("maxpool1")
    if isPaper { responseNorm }
    ConvolutionUnit(64, kernel: 1, style: style).named("conv2")
    ConvolutionUnit(192, kernel: 3, style: style).named("conv3")
    if isPaper { responseNorm }
    maxPool("maxpool2")
    //              #1x1  #3x3 reduce, #3x3  #5x5 reduce, #5x5  pool proj
    inception("3a", 64, /*        */ 96, 128, /*      */ 16, 32, 32)
    inception("3b", 128, /*      */ 128, 192, /*      */ 32, 96, 64)
    maxPool("maxpool3")
    inception("4a", 192, /*       */ 96, 208, /*      */ 16, 48, 64)
    auxiliary("aux1")
    inception("4b", 160, /*      */ 112, 224, /*      */ 24, 64, 64)
    inception("4c", 128, /*      */ 128, 256, /*      */ 24, 64, 64)
    inception("4d", 112, /*      */ 144, 288, /*      */ 32, 64, 64)
    auxiliary("aux2")
    inception("4e", 256, /*      */ 160, 320, /*      */ 32, 128, 128)
    maxPool("maxpool4", window: isPaper ? 3 : 2)
    inception("5a", 256, /*      */ 160, 320, /*      */ 32, 128, 128)
    inception("5b", 384, /*      */ 192, 384, /*      */ 48, 128, 128)
    GlobalPool.average
    Dropout(options.dropout ?? (isPaper ? 0.4 : 0.2))
    Dense(options.classes).named("fc")
  }
}
