import ConvNetGraphs
public import ConvNetLayers

/// A row of the table of blocks: the channels of each convolution, and what the pooling branch
/// does.
private struct BNInceptionRow {
  enum Pool {
    case average(projection: Int)
    case max(projection: Int)
    /// Maximum pooling of stride 2 whose channels pass; both 3x3 branches end with stride 2.
    case passThrough
  }

  var name: String
  /// None in the blocks that halve the grid.
  var one: Int?
  var threeReduce: Int
  var three: Int
  var doubleReduce: Int
  var double: Int
  var pool: Pool

  init(
    _ name: String, _ one: Int?, _ threeReduce: Int, _ three: Int, _ doubleReduce: Int,
    _ double: Int, _ pool: Pool
  ) {
    self.name = name
    self.one = one
    self.threeReduce = threeReduce
    self.three = three
    self.doubleReduce = doubleReduce
    self.double = double
    self.pool = pool
  }
}

/// An Inception block with 5x5 convolutions as two of 3x3.
private struct BNInceptionBlock: Block {
  var row: BNInceptionRow
  var style: ConvolutionUnit.Style

  private var stride: Int {
    if case .passThrough = row.pool { 2 } else { 1 }
  }

  var body: LayerSequence {
    Concatenate(branches: [first, three, double, pool].compactMap { $0 })
  }

  private var first: LayerSequence? {
    row.one.map { one in LayerSequence { unit(one, 1).named("branch1") } }
  }

  private var three: LayerSequence {
    LayerSequence {
      Numbered("branch2") {
        unit(row.threeReduce, 1)
        unit(row.three, 3, stride: stride)
      }
    }
  }

  private var double: LayerSequence {
    LayerSequence {
      Numbered("branch3") {
        unit(row.doubleReduce, 1)
        unit(row.double, 3)
        unit(row.double, 3, stride: stride)
      }
    }
  }

  private var pool: LayerSequence {
    LayerSequence {
      Numbered("branch4") {
        switch row.pool {
        case .average(let projection):
          AveragePool2D(3, stride: 1, padding: .same)
          unit(projection, 1)
        case .max(let projection):
          MaxPool2D(3, stride: 1, padding: .same)
          unit(projection, 1)
        case .passThrough:
          MaxPool2D(3, stride: 2, padding: .same)
        }
      }
    }
  }

  private func unit(_ channels: Int, _ kernel: Int, stride: Int = 1) -> ConvolutionUnit {
    ConvolutionUnit(channels, kernel: kernel, stride: stride, style: style)
  }
}

/// Inception with batch normalization: S. Ioffe, C. Szegedy, "Batch Normalization: Accelerating
/// Deep Network Training by Reducing Internal Covariate Shift", 2015, figure 5.
///
/// GoogLeNet with batch normalization before every nonlinearity, 5x5 convolutions as two of 3x3, a
/// third block on the 28x28 grid, mean pooling in most blocks, no pooling between blocks (3c and 4e
/// have stride 2), and a separable first convolution of depth multiplier 8. No response
/// normalization, and no dropout unless the options ask for it, as in the accelerated variants. The
/// auxiliary classifiers stand as in GoogLeNet: the paper does not say otherwise.
///
/// - Parameters:
///   - isNormalized: without, it is the network that the paper compares with and calls Inception: biases in place of
///     normalization, and 40 % dropout.
///   - sigmoid: the logistic function for every ReLU of the convolutions, as in the paper's
///     `BN-x5-Sigmoid`.
public func bnInception(
  isNormalized: Bool = true, sigmoid: Bool = false, _ options: ModelOptions
) -> Network {
  let style = ConvolutionUnit.Style(
    normalization: isNormalized ? BatchNorm() : nil, isSigmoid: sigmoid)
  let dropout = options.dropout ?? (isNormalized ? 0 : 0.4)

  func inception(
    _ name: String, _ one: Int?, _ threeReduce: Int, _ three: Int, _ doubleReduce: Int,
    _ double: Int, _ pool: BNInceptionRow.Pool
  ) -> Named {
    BNInceptionBlock(
      row: .init(name, one, threeReduce, three, doubleReduce, double, pool), style: style
    ).named("inception" + name)
  }

  let name =
    isNormalized ? sigmoid ? "bn-inception-sigmoid" : "bn-inception" : "bn-inception-plain"
  return options.network(name) {
    Named("conv1") {
      Conv2D(
        8 * options.channels, kernel: 7, stride: 2, padding: .same, groups: options.channels,
        bias: false, initializer: .glorotNormal
      ).named("depthwise")
      ConvolutionUnit(64, kernel: 1, style: style)
    }
    MaxPool2D(3, stride: 2, padding: .same).named("maxpool1")
    ConvolutionUnit(64, kernel: 1, style: style).named("conv2")
    ConvolutionUnit(192, kernel: 3, style: style).named("conv3")
    MaxPool2D(3, stride: 2, padding: .same).named("maxpool2")
    //              #1x1  #3x3 reduce, #3x3  double #3x3 reduce, double #3x3  pool + proj
    inception("3a", 64, /*         */ 64, 64, /*              */ 64, 96, .average(projection: 32))
    inception("3b", 64, /*         */ 64, 96, /*              */ 64, 96, .average(projection: 64))
    inception("3c", nil, /*      */ 128, 160, /*              */ 64, 96, .passThrough)
    inception(
      "4a", 224, /*        */ 64, 96, /*             */ 96, 128, .average(projection: 128))
    googLeNetAuxiliary("aux1", options, style: style)
    inception(
      "4b", 192, /*       */ 96, 128, /*             */ 96, 128, .average(projection: 128))
    inception("4c", 160, /*      */ 128, 160, /*            */ 128, 160, .average(projection: 96))
    inception("4d", 96, /*       */ 128, 192, /*            */ 160, 192, .average(projection: 96))
    googLeNetAuxiliary("aux2", options, style: style)
    inception("4e", nil, /*      */ 128, 192, /*            */ 192, 256, .passThrough)
    inception(
      "5a", 352, /*      */ 192, 320, /*            */ 160, 224, .average(projection: 128))
    inception("5b", 352, /*      */ 192, 320, /*            */ 192, 224, .max(projection: 128))
    GlobalPool.average
    if dropout > 0 { Dropout(dropout) }
    Dense(options.classes).named("fc")
  }
}
