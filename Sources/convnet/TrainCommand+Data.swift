import ConvNet

/// What is trained and validated on.
extension TrainCommand {
  /// Training must be judged by pictures that it does not see.
  func holdout(
    of source: DatasetSource, _ settings: inout TrainingSettings
  ) -> Holdout? {
    // Other data than the checkpoint's is refused by what it holds.
    if resume, settings.split == nil { return nil }
    if settings.split == 0 { return nil }
    if let holdout = settings.holdout { return holdout }
    let holdout = source.trainingHoldout(share: settings.split, seed: settings.seed)
    settings.split = holdout?.share
    return holdout
  }

  /// What to train on and what to validate on; `nil` where all is to be trained on.
  func parts(
    of source: DatasetSource, _ holdout: Holdout?, _ settings: inout TrainingSettings
  ) throws -> (training: any Dataset, validation: (any Dataset)?) {
    func checked(_ datasets: [any Dataset]) throws {
      try requireReadable(datasets, skips: settings.skipsBadPictures, shared)
    }
    if settings.split == 0, !source.hasTestPart {
      let whole = try source.loadWhole()
      try checked([whole])
      return (whole, nil)
    }
    let parts = try source.loadTrainingParts(holdout: holdout)
    try checked([parts.train, parts.validation])
    settings.holdout = holdout.map { $0.kept(by: parts.validation) }
    return (parts.train, parts.validation)
  }

  /// Says what is trained on, and what may be wrong with it.
  func noteParts(
    of source: DatasetSource, _ training: any Dataset, _ validation: (any Dataset)?,
    _ holdout: Holdout?, _ settings: TrainingSettings
  ) {
    if let holdout, let validation {
      shared.note(
        "\(plural(training.count, "picture")) to train on; \(validation.count), "
          + "\(HumanReadable.percent(holdout.share, digits: 0))\(training.targetKind == .classes ? " of each class" : ""), held out to validate on"
          + (source.hasTestPart ? "; the data's own part to test on is left alone" : "")
          + (data.split == nil && !resume ? " (--split chooses the share)" : ""))
    }
    if validation == nil {
      shared.note(
        "\(plural(training.count, "picture")) to train on, all that there are: without validation the learning "
          + "rate goes by the training loss, and nothing tells how well other pictures are told apart"
      )
    }
    noteTargets(of: training)
    noteGaps(in: training, shared)
    if source.hasTestPart, let validation { noteGaps(in: validation, shared) }
    if training.count < 4 * settings.batchSize, settings.batchSize > 8 {
      shared.note(
        "\(plural(training.count, "picture")) make few steps of \(settings.batchSize) an epoch; with a "
          + "smaller --batch-size there are more")
    }
  }

  /// Says what pictures are told by, where that is no class.
  private func noteTargets(of training: any Dataset) {
    switch training.targetKind {
    case .classes: break
    case .labels:
      let counts = zip(training.classNames, training.sampleCounts).map { "\($0) \($1)" }
      shared.note(
        "\(plural(training.classNames.count, "label")) to tell, with the pictures to train on that have them: \(classList(counts))"
      )
    case .numbers:
      shared.note(
        "\(plural(training.classNames.count, "number")) to tell: \(classList(training.classNames))")
    }
  }
}
