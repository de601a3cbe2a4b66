import ConvNet

/// A training beside other work, followed by a logger of one's own; its task is cancelled, and the model has its last finished
/// epoch.
enum CancelledTraining: Example {
  /// Tells another task of epochs.
  private struct EpochNumbers: TrainingLogger, Sendable {
    var numbers: AsyncStream<Int>.Continuation

    func epochEnded(_ epoch: EpochReport, of training: TrainingInProgress) {
      numbers.yield(epoch.epoch)
    }
  }

  static func run() async throws -> String {
    let (epochs, numbers) = AsyncStream<Int>.makeStream()
    let training = Task { () async throws -> Model in
      var model = try Model(validating: DatasetFromMemory.network, seed: 8)
      let trainer = Trainer(
        optimizer: .sgd(momentum: 0.9), schedule: .constant(0.05), batchSize: 16)
      do {
        try await trainer.fit(
          &model, on: Stripes(count: 256), epochs: 100_000,
          loggers: [EpochNumbers(numbers: numbers)])
      } catch is CancellationError {
        return model
      }
      throw Unexpected(what: "it was not cancelled")
    }
    for await epoch in epochs where epoch == 6 {
      training.cancel()
      break
    }
    let model = try await training.value
    let accuracy = try Evaluation(of: model, on: Stripes(count: 100, seed: 1)).metrics.top1
    let finished = model.trainingSummary?.epochs ?? 0
    guard finished >= 6, accuracy > 0.8 else {
      throw Unexpected(what: "\(finished) epochs, accuracy \(accuracy)")
    }
    return "cancelled after \(finished) epochs, accuracy \(accuracy)"
  }
}
