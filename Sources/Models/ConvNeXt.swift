import ConvNetGraphs
public import ConvNetLayers
import ConvNetTensors

/// torchvision's ConvNeXt-T: Z. Liu, H. Mao, C. Wu, C. Feichtenhofer, T. Darrell, S. Xie, "A ConvNet for the 2020s", 2022,
/// table 9.
///
/// Four stages of 3, 3, 9 and 3 blocks with 96, 192, 384 and 768 channels; layer normalization in place of batch normalization,
/// GELU, layer scale. Dropout only where the options ask for it.
public func convNeXtTiny(_ options: ModelOptions) -> Network {
  let stages = [(3, 96), (3, 192), (9, 384), (3, 768)]
  let normalization = LayerNorm(epsilon: 1e-6)
  let initializer = Initializer.normal(standardDeviation: 0.02)
  return options.network("convnext-tiny") {
    Numbered("features") {
      LayerGroup(layers: [
        Conv2D(stages[0].1, kernel: 4, stride: 4, initializer: initializer), normalization,
      ])
      for (stage, (count, channels)) in stages.enumerated() {
        if stage > 0 {
          LayerGroup(layers: [
            normalization, Conv2D(channels, kernel: 2, stride: 2, initializer: initializer),
          ])
        }
        LayerGroup(
          layers: (0..<count).map { block in
            ConvNeXtBlock(
              channels: channels,
              stochasticDepth: StochasticDepth.rate(
                ofBlock: stages[..<stage].reduce(block) { $0 + $1.0 },
                of: stages.reduce(0) { $0 + $1.0 }, last: options.stochasticDepth))
          })
      }
    }
    GlobalPool(.average, keepsPositions: true)
    Numbered("classifier") {
      normalization
      FlattenedFeatures(dropout: options.dropout ?? 0)
      Dense(options.classes, initializer: initializer)
    }
  }
}

/// One layer by torchvision's numbers, with dropout or without.
private struct FlattenedFeatures: Block {
  var dropout: Float

  var body: LayerSequence {
    Flatten()
    if dropout > 0 { Dropout(dropout) }
  }
}

/// A block of figure 4: a depthwise convolution of 7x7, normalization, and two dense layers that every position goes through, by
/// way of four times the channels. torchvision counts a change of axes before and behind them.
private struct ConvNeXtBlock: Block {
  var channels: Int
  var stochasticDepth: Float

  var body: LayerSequence {
    Residual(shortcut: .identity, stochasticDepth: stochasticDepth) {
      Named("block") {
        Conv2D(
          channels, kernel: 7, padding: .symmetric(3), groups: channels,
          initializer: .normal(standardDeviation: 0.02)
        ).named("0")
        LayerNorm(epsilon: 1e-6).named("2")
        PositionwiseDense(features: 4 * channels).named("3")
        GELU()
        PositionwiseDense(features: channels).named("5")
      }
      LayerScale(1e-6)
    }
  }
}

/// A dense layer that every position goes through by itself: a convolution of 1x1 with the parameters of a dense layer, `weight`
/// [O, C] and `bias` [O].
private struct PositionwiseDense: Layer {
  var features: Int

  var defaultName: String { "dense" }

  func append(to builder: inout LayerBuilder, input: ValueID) throws(GraphError) -> ValueID {
    let channels = builder.shape(input)[1]
    let weight = try builder.addParameter(
      "weight", [features, channels], .kernel, initializer: .normal(standardDeviation: 0.02))
    let bias = try builder.addParameter("bias", [features], .bias, initializer: .zeros)
    let kernel = try builder.append(
      Operation.Reshape(shape: [channels, 1, 1]), to: weight, part: "kernel")
    return try builder.append(Operation.Convolution(strides: [1, 1]), to: input, kernel, bias)
  }
}
