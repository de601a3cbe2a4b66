import ConvNet

/// What of the network is learned, and what errors weigh.
extension TrainCommand {
  /// Gives the trainer what depends on the network and the data, and says what that makes of them.
  func tune(
    _ trainer: inout Trainer, _ settings: inout TrainingSettings, _ model: Model,
    _ training: any Dataset, resuming checkpoint: Checkpoint?
  ) throws {
    if checkpoint == nil { settings.groups = try fineTuning.groups(in: model.graph) }
    if let sampling = balance.sampling, sampling != .every, training.targetKind != .classes {
      throw NotForTargets(option: "--sampling \(sampling.rawValue)", kind: training.targetKind)
    }
    if let weights = balance.classWeights {
      settings.classWeights = try weights.weights(of: training)
    }
    trainer.groups = settings.groups ?? []
    trainer.featureKeeping = fineTuning.keepFeatures ?? .automatic
    try trainer.requireFeatures(of: model)
    trainer.sampling = settings.sampling ?? .every
    try suitObjective(of: &trainer, to: training, settings)
    try tellSides(trainer, model)
    if let weights = settings.classWeights {
      trainer.objective =
        training.targetKind == .labels
        ? .binaryCrossEntropy(positiveWeights: weights)
        : .crossEntropy(
          labelSmoothing: settings.wholeRecipe.labelSmoothing ?? 0, classWeights: weights)
      if balance.classWeights != nil {
        let list = zip(training.classNames, weights).map {
          "\($0) \(HumanReadable.quantity(Double($1)))"
        }
        shared.note(
          training.targetKind == .labels
            ? "labels that are there weigh: \(classList(list))"
            : "errors weigh by class: \(classList(list))")
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

  /// Says what several sizes of the input take of memory: a step is kept compiled for each.
  private func tellSides(_ trainer: Trainer, _ model: Model) throws {
    guard !trainer.inputSides.isEmpty else { return }
    let steps = try trainer.stepMemory(of: model)
    let list = steps.map {
      "\($0.height)x\($0.width) \(HumanReadable.bytes($0.byteCount))"
    }
    shared.note(
      "every batch has one of \(plural(steps.count, "size")); memory of a step of each: \(list.joined(separator: ", "))"
    )
  }

  /// Labels and numbers have objectives of their own, in which a recipe's smoothing has no place.
  private func suitObjective(
    of trainer: inout Trainer, to training: any Dataset, _ settings: TrainingSettings
  ) throws {
    let kind = training.targetKind
    guard kind != .classes, !trainer.objective.takes(kind) else { return }
    if let smoothing = settings.wholeRecipe.labelSmoothing, smoothing > 0 {
      guard recipe.labelSmoothing == nil else {
        throw NotForTargets(option: "--label-smoothing \(smoothing)", kind: kind)
      }
      shared.note(
        "recipe \(settings.wholeRecipe.name): label smoothing \(smoothing) is for classes, and is left out for \(kind.rawValue)"
      )
    }
    trainer.objective = kind.usualObjective
  }
}

/// An option for classes, of data that is told by something else.
struct NotForTargets: ReadableError {
  var option: String
  var kind: TargetKind
  var description: String {
    "\(option) is for classes, and the data is told by \(kind.rawValue); leave it out"
  }
}
