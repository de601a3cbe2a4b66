import ConvNet

/// What of the network is learned, and what errors weigh.
extension TrainCommand {
  /// Gives the trainer what depends on the network and the data, and says what that makes of them.
  func tune(
    _ trainer: inout Trainer, _ settings: inout TrainingSettings, _ model: Model,
    _ training: any Dataset, resuming checkpoint: Checkpoint?
  ) throws {
    if checkpoint == nil { settings.groups = try fineTuning.groups(in: model.graph) }
    if let weights = balance.classWeights {
      settings.classWeights = try weights.weights(of: training)
    }
    trainer.groups = settings.groups ?? []
    trainer.featureKeeping = fineTuning.keepFeatures ?? .automatic
    try trainer.requireFeatures(of: model)
    trainer.sampling = settings.sampling ?? .every
    if let weights = settings.classWeights {
      trainer.objective = .crossEntropy(
        labelSmoothing: settings.wholeRecipe.labelSmoothing ?? 0, classWeights: weights)
      if balance.classWeights != nil {
        let list = zip(training.classNames, weights).map {
          "\($0) \(HumanReadable.quantity(Double($1)))"
        }
        shared.note("errors weigh by class: \(classList(list))")
      }
    }
    if trainer.groups.contains(where: \.isFrozen) {
      let learned = try trainer.learnedParameters(of: model)
      let all = model.graph.parameters.filter {
        model.graph[$0].parameterKind?.isTrainable == true
      }
      shared.note(
        "\(learned.count) of \(plural(all.count, "parameter")) learned: \(classList(learned))"
          + "; the rest is frozen")
      if checkpoint == nil, start.`init` == nil, ModelRegistry[settings.model] != nil {
        shared.note("what is frozen was never trained: --init gives it the parameters of a file")
      }
    }
  }
}
