import ConvNet

/// What a channel says, weighed by what all say together (J. Hu et al., "Squeeze-and-Excitation Networks", 2018, figure 2).
struct SqueezeExcitation: Layer {
  var reduction: Int
  var defaultName: String { "squeeze" }

  func append(to builder: inout LayerBuilder, input: ValueID) throws(GraphError) -> ValueID {
    let shape = builder.shape(input)
    let weights = LayerSequence {
      GlobalPool.average
      Dense(shape[1] / reduction)
      ReLU()
      Dense(shape[1])
      Sigmoid()
    }
    let weight = try builder.append(weights, to: input)
    let map = try builder.append(
      Operation.Reshape(shape: [shape[1], 1, 1]), to: weight, part: "map")
    let spread = try builder.append(
      Operation.Upsample(factors: [shape[2], shape[3]], mode: .nearest), to: map, part: "spread")
    return try builder.append(Operation.Multiply(), to: input, spread, part: "scale")
  }
}

/// A block is as short as its figure, and holds a layer of one's own like any other.
struct WeighedBlock: Block {
  var channels: Int

  var body: LayerSequence {
    Residual {
      Conv2D(channels, kernel: 3, padding: .same, bias: false)
      BatchNorm()
      ReLU()
      Conv2D(channels, kernel: 3, padding: .same, bias: false)
      BatchNorm()
      SqueezeExcitation(reduction: 2)
    }
    ReLU()
  }
}

/// A residual network with a layer of one's own.
enum LayerOfOnesOwn: Example {
  static func run() throws -> String {
    let network = Network("weighed", input: .image(height: 12, width: 12, channels: 1)) {
      Conv2D(8, kernel: 3, padding: .same)
      for _ in 0..<2 { WeighedBlock(channels: 8) }
      GlobalPool.average
      Dense(2)
    }
    var model = try Model(validating: network, seed: 2)
    let trainer = Trainer(
      optimizer: .sgd(momentum: 0.9), schedule: .constant(0.05), batchSize: 16)
    var losses: [Double] = []
    try trainer.fit(&model, on: Stripes(count: 192), epochs: 3) { losses.append($0.training.loss) }
    guard losses[2] < losses[0] / 2 else { throw Unexpected(what: "losses \(losses)") }
    return "the loss went from \(losses[0]) to \(losses[2])"
  }
}
