import ConvNet

/// The model that a training begins with.
extension TrainCommand {
  func makeModel(
    for training: any Dataset, _ settings: TrainingSettings, from checkpoint: Checkpoint?
  ) throws -> Model {
    if let checkpoint { return try resumedModel(checkpoint, settings) }
    let source = try ModelSource(settings.model)
    var model = try network.model(
      from: source, imageShape: training.imageShape, classNames: training.classNames,
      for: start.`init`, recipe: settings.recipe, seed: settings.seed)
    if source.isForeign, model.classCount != training.classNames.count {
      shared.note(
        "\(settings.model) has \(plural(model.classCount, "class", "classes")), the data \(training.classNames.count): its last layer begins anew"
      )
      model = try model.replacingLastLayer(classes: training.classNames.count, seed: settings.seed)
    }
    if source.isForeign { model.classNames = training.classNames }
    model.targetKind = training.targetKind
    var brought: BroughtDescription?
    if case .file(_, let path) = source { brought = try BroughtDescription(WeightFile(path)) }
    var brings: [BroughtDescription.Note] = []
    if let `init` = start.`init` {
      let namings =
        if case .zoo(let entry) = source { entry.weightNamings } else { [WeightNaming]() }
      let taken = try model.takeParameters(
        from: `init`, namings: namings, minimumShare: start.partly ? 0 : 0.5,
        asNamed: start.asNamed.isOn)
      let isWhole = taken.left.isEmpty && taken.framework == nil
      if !isWhole {
        shared.note(
          "\(`init`): \(taken)\(taken.left.isEmpty ? "" : "; what is not taken is freshly initialized")"
        )
      }
      brought = try BroughtDescription(WeightFile(`init`))
      tellNonFinite(model.nonFiniteParameters, in: `init`)
      if let brought {
        // The last layer gives what it gave, where it is the file's.
        if isWhole, brought.targetKind == model.targetKind, brought.classNames == model.classNames {
          model.targetScaling = brought.targetScaling
        }
        noteClasses(of: brought, training)
        brings = brought.lendPreparation(to: &model)
      }
    }
    let isPrepared = preparation.isGiven
    if isPrepared, let own = model.preprocessing {
      model.preprocessing = try preparation.applied(to: own)
      if !own.isUsual, model.preprocessing != own {
        shared.note(
          "\(preparation.words ?? "") changes the preparation that \(start.`init` ?? settings.model) says (\(own))"
        )
      }
    }
    if let given = augmentation.normalize {
      try normalize(&model, given, training, settings)
    } else if !isPrepared {
      for note in brings { shared.note("\(note)\(remedy(of: note))") }
      if let `init` = start.`init`, brought == nil, let preprocessing = model.preprocessing {
        shared.note(
          "\(`init`) does not say how pictures were prepared; here they are \(preprocessing): "
            + "--preset and --normalize choose")
      }
    }
    if let brought, let other = brought.augmentation, other != settings.augmentation {
      shared.note(
        "\(brought.path) was trained with augmentation \(other); this training has "
          + "\(settings.augmentation.steps.isEmpty ? "none" : "\(settings.augmentation)")")
    }
    return model
  }

  /// What option has it otherwise.
  private func remedy(of note: BroughtDescription.Note) -> String {
    if case .unfitMeanPicture = note { "; --normalize measures another" } else { "" }
  }

  /// The checkpoint's, or the one that was named, which must be it.
  private func resumedModel(
    _ checkpoint: Checkpoint, _ settings: TrainingSettings
  ) throws -> Model {
    let kept = try checkpoint.model()
    guard let name = model else { return kept }
    var model = try network.model(
      from: name, imageShape: kept.preprocessing.map { [$0.height, $0.width, $0.channels] },
      classNames: kept.classNames, recipe: settings.recipe, seed: settings.seed)
    model.preprocessing = kept.preprocessing
    model.targetKind = kept.targetKind
    model.targetScaling = kept.targetScaling
    return model
  }

  private func normalize(
    _ model: inout Model, _ normalization: Normalization, _ training: any Dataset,
    _ settings: TrainingSettings
  ) throws {
    guard let own = model.preprocessing else { return }
    let preprocessing = try normalization.applied(
      to: own, on: training, options: loading.options, threads: shared.threadCount)
    model.preprocessing = preprocessing
    if !own.isPlain, preprocessing != own {
      let other = preparation.words ?? start.`init` ?? settings.model
      shared.note(
        "--normalize \(normalization.rawValue) replaces the preparation that "
          + "\(other) says (\(own)): pictures are \(preprocessing)")
    }
  }

  /// A last layer for other classes is no mistake, but one that was not meant.
  private func noteClasses(of brought: BroughtDescription, _ training: any Dataset) {
    let names = brought.classNames
    guard !names.isEmpty, names != training.classNames, names.count == training.classNames.count
    else { return }
    shared.note(
      "the last layer of \(brought.path) was trained for \(classList(names)); it begins here as it is, for "
        + classList(training.classNames))
  }
}
