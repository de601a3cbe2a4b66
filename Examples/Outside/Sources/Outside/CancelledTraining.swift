import ConvNet

/// A training whose task is cancelled ends between two steps; the model has its last finished epoch.
enum CancelledTraining: Example {
  static func run() async throws -> String {
    let training = Task {
      var model = try Model(validating: DatasetFromMemory.network, seed: 8)
      var finished = 0
      let trainer = Trainer(
        optimizer: .sgd(momentum: 0.9), schedule: .constant(0.05), batchSize: 16)
      do {
        try trainer.fit(&model, on: Stripes(count: 256), epochs: 100_000) { _ in
          finished += 1
          if finished == 6 { withUnsafeCurrentTask { $0?.cancel() } }
        }
      } catch is CancellationError {
        return (finished, try Evaluation(of: model, on: Stripes(count: 100, seed: 1)).metrics.top1)
      }
      throw Unexpected(what: "it was not cancelled")
    }
    let (epochs, accuracy) = try await training.value
    guard epochs == 6, accuracy > 0.8 else {
      throw Unexpected(what: "\(epochs) epochs, accuracy \(accuracy)")
    }
    return "cancelled after \(epochs) epochs, accuracy \(accuracy)"
  }
}
