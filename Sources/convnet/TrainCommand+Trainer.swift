import ConvNet

/// How it is trained.
extension TrainCommand {
  func trainer(_ settings: TrainingSettings, _ loading: LoadingOptions) -> Trainer {
    var options = compute.options(shared, recomputing: memory.recompute)
    options.tuning = settings.tuning
    options.isExact = settings.isExact
    return Trainer(
      optimizer: .sgd(momentum: settings.momentum, weightDecay: settings.weightDecay),
      schedule: .plateau(from: settings.learningRate), augmentation: settings.augmentation,
      batchSize: settings.batchSize, seed: settings.seed, compute: options, loading: loading)
  }
}
