import ConvNet

/// How it is trained.
extension TrainCommand {
  func trainer(_ settings: TrainingSettings, _ loading: LoadingOptions) -> Trainer {
    var options = compute.options(shared, recomputing: memory.recompute)
    options.tuning = settings.tuning
    options.isExact = settings.isExact
    options.isDeterministic = settings.isDeterministic ?? false
    var trainer = settings.wholeRecipe.trainer(
      seed: settings.seed, compute: options, loading: loading)
    trainer.earlyStopping = settings.earlyStopping.map { EarlyStopping(patience: $0) }
    return trainer
  }

  /// Fits the recipe to the network and its pictures, and tells what it has no place for.
  func fitRecipe(_ settings: inout TrainingSettings, to model: Model) {
    guard recipe.name != nil, var fitted = settings.recipe else { return }
    var notes: [String] = []
    if let pictures = model.preprocessing {
      let (height, width, side) = (pictures.height, pictures.width, fitted.inputSize)
      if (height, width) != (side, side) {
        notes.append("the input is \(height)x\(width), where the recipe has \(side)x\(side)")
      }
      if augmentation.augment == nil {
        notes += fitted.fit(height: height, width: width, channels: pictures.channels)
      }
    }
    notes += fitted.unapplied(to: model.graph)
    for note in notes { shared.note("recipe \(fitted.name): \(note)") }
    settings.recipe = fitted
    settings.augmentation = fitted.augmentation
  }
}
