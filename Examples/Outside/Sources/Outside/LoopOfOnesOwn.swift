import ConvNet

/// A whole loop by hand: one update for four batches, clipped, with frozen layers.
enum LoopOfOnesOwn: Example {
  static func run() throws -> String {
    let start = try Model(validating: DatasetFromMemory.network, seed: 1)
    let trainer = Trainer(
      optimizer: .sgd(momentum: 0.9), schedule: .constant(0.1),
      gradientTransforms: [.accumulation(batches: 4), .clipping(norm: 1)],
      groups: [.frozen("conv.*")])
    guard let preprocessing = start.preprocessing else { throw Unexpected(what: "no pictures") }
    let batches = try BatchLoader(
      Stripes(count: 256), batchSize: 8, preprocessing: preprocessing, shuffleSeed: 1)

    let step = try TrainingStep(start, trainer)
    for epoch in 0..<12 {
      batches.start(epoch: epoch)
      while let batch = try batches.next() {
        try step.run(batch)
        try step.update()
      }
    }

    let model = step.model
    guard model.parameters["conv.weight"] == start.parameters["conv.weight"] else {
      throw Unexpected(what: "a frozen layer moved")
    }
    let accuracy = try Evaluation(of: model, on: Stripes(count: 100, seed: 1)).metrics.top1
    guard accuracy > 0.9 else { throw Unexpected(what: "accuracy \(accuracy)") }
    return "\(step.point.step) batches, loss \(step.loss), accuracy \(accuracy)"
  }
}
