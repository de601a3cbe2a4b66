public import ConvNetDatasets
import ConvNetEngine
import ConvNetEvaluation
import ConvNetFiles
import ConvNetGraphs
import ConvNetImages
public import ConvNetLayers
import ConvNetTensors

extension Checkpoint {
  /// Has the training go on with other settings than it had: of the optimizer, the schedule, the objective, the transforms, the
  /// average of the weights, the augmentation, the sampling, the sides of the input, factors of groups, the batch, its length;
  /// and with more data.
  ///
  /// ```swift
  /// var checkpoint = try folder.loadCheckpoint()
  /// trainer.schedule = .cosine(from: 0.01, length: 20)
  /// for change in try checkpoint.adopt(trainer, for: model, on: train, validating: test, epochs: 20) {
  ///   print(change)
  /// }
  /// try trainer.fit(&model, on: train, validating: test, epochs: 20, resuming: checkpoint, loggers: [RunLog(folder)])
  /// ```
  ///
  /// What the optimizer remembers stays where it means the same: one of another kind begins anew, and so do slots of other names,
  /// and sums of gradients where transforms are others. Where training data, sampling or sides are others, the epoch that was
  /// begun begins anew, with the parameters as they are. The next step has the rate that the schedule now has for it.
  ///
  /// - Parameters:
  ///   - model: of the network of the checkpoint, with its classes and preparation.
  ///   - epochs: in all, those of the checkpoint included.
  /// - Returns: every setting that is otherwise, with both values, and the rate of the next step where that is another. Empty
  ///   where the training goes on as it was.
  /// - Throws: ``TrainingError`` where the network, its classes, the preparation of pictures, the seed, or which parameters are
  ///   frozen, is another; where the data is another and not the same with more; and for settings that are out of their range.
  @discardableResult
  public mutating func adopt(
    _ trainer: Trainer, for model: Model, on training: any Dataset,
    validating validation: (any Dataset)? = nil, epochs: Int
  ) throws -> [TrainingChange] {
    try trainer.validate(epochs: epochs)
    try requireSame(model)
    let recipe = try Recipe(trainer)
    try requireSameFoundation(recipe)
    let training = try model.numbering(training, as: state.classNames, isComplete: true)
    let validation = try validation.map {
      try model.numbering($0, as: state.classNames, isComplete: false)
    }
    try trainer.earlyStopping?.require(validation)

    var adopted = self
    var changes = namedSettings.differences(
      from: Self.namedSettings(recipe, epochs: epochs, trainer.earlyStopping)
    ).filter { $0.name != "epochs" || $0.value != nil }
    changes += adopted.takeData(
      TrainingData(training, validating: validation), beside: state.data)
    if adopted.state.data != state.data {
      try adopted.requireGrown(from: state.data, to: training, validation, trainer)
    }
    if adopted.state.data.training != state.data.training
      || recipe.sampling != state.recipe.sampling || recipe.inputSides != state.recipe.inputSides
    {
      changes += adopted.beginEpochAnew()
    }
    changes += try adopted.takeMemory(of: trainer, recipe)
    adopted.state.recipe = recipe
    (adopted.state.epochs, adopted.state.earlyStopping) = (epochs, trainer.earlyStopping)

    var point = adopted.state.point
    point.epochShare =
      Double(adopted.samplesOfEpoch) / Double(max(1, adopted.state.data.training.count))
    let rate = try trainer.schedule.validRate(at: point)
    if !changes.isEmpty, let last = state.nextLearningRate, last != rate {
      changes.append(("nextLearningRate", "\(last)", "\(rate)"))
    }
    adopted.state.nextLearningRate = rate
    let all = changes.map {
      TrainingChange(
        setting: $0.name, old: $0.value, new: $0.other, epoch: history.count, step: step)
    }
    guard !all.isEmpty else { return [] }
    adopted.newChanges = all
    adopted.state.trainingSummary?.note(all)
    adopted.state.changes = self.changes + all
    self = adopted
    return all
  }

  private typealias Difference = (name: String, value: String?, other: String?)

  private var namedSettings: NamedSettings {
    Self.namedSettings(state.recipe, epochs: state.epochs, state.earlyStopping)
  }

  static func namedSettings(
    _ recipe: Recipe, epochs: Int?, _ earlyStopping: EarlyStopping?
  ) -> NamedSettings {
    var settings = NamedSettings()
    settings.add("epochs", epochs.map { "\($0)" })
    settings.add("batchSize", "\(recipe.batchSize)")
    settings.add("optimizer", recipe.optimizer)
    settings.add("schedule", recipe.schedule)
    settings.add("objective", recipe.objective)
    for transform in recipe.gradientTransforms { settings.add(transform.name, transform) }
    if let averaging = recipe.averaging { settings.add("averaging", averaging) }
    settings.add("augmentation", "\(recipe.augmentation)")
    let groups = recipe.groups.map { "\($0)" }.joined(separator: "; ")
    settings.add("groups", groups.isEmpty ? nil : groups)
    settings.add("sampling", (recipe.sampling ?? .every).rawValue)
    settings.add("inputSides", recipe.inputSides.map { "\($0)" })
    settings.add("exact", "\(recipe.isExact)")
    settings.add("deterministic", recipe.isDeterministic.map { "\($0)" })
    settings.add("earlyStopping.patience", earlyStopping.map { "\($0.patience)" })
    return settings
  }

  /// What cannot be otherwise without making the parameters, or what was measured, meaningless.
  private func requireSameFoundation(_ recipe: Recipe) throws(TrainingError) {
    guard recipe.seed == state.recipe.seed else {
      throw .checkpoint(
        "the checkpoint has seed \(state.recipe.seed); this training has seed \(recipe.seed), which would draw the "
          + "pictures of its epochs in another order; resume with the same seed, or begin anew in another folder"
      )
    }
    let graph = state.network
    let (kept, wanted) = (state.recipe.groups, recipe.groups)
    guard kept.frozen(in: graph) == wanted.frozen(in: graph),
      kept.frozenStatistics(in: graph) == wanted.frozenStatistics(in: graph)
    else {
      func words(_ groups: [ParameterGroup]) -> String {
        let frozen = groups.frozen(in: graph).sorted()
        return frozen.isEmpty ? "nothing" : classList(frozen, limit: 3)
      }
      throw .checkpoint(
        "the checkpoint has frozen \(words(kept)); this training freezes \(words(wanted)); resume with the same, or begin "
          + "another training in another folder with the parameters of this one")
    }
  }

  private mutating func takeData(_ data: TrainingData, beside kept: TrainingData) -> [Difference] {
    defer { state.data = data }
    return
      ([
        ("trainingData", kept.training, data.training),
        ("validationData", kept.validation, data.validation),
      ] as [(String, DatasetFingerprint?, DatasetFingerprint?)]).compactMap { name, kept, wanted in
        kept == wanted ? nil : (name, text(kept, beside: wanted), text(wanted, beside: kept))
      }
  }

  /// Refuses data that is another, and not the training's with more, and pictures that would be validated on after they were
  /// trained on.
  private mutating func requireGrown(
    from kept: TrainingData, to training: any Dataset, _ validation: (any Dataset)?,
    _ trainer: Trainer
  ) throws(TrainingError) {
    guard (kept.validation == nil) == (validation == nil) else {
      throw .checkpoint(
        "the checkpoint has \(kept.validation == nil ? "no " : "")data to validate on; this training has "
          + "\(validation == nil ? "none" : "some"); resume with the same share held out, or begin anew in another folder"
      )
    }
    let advice = "resume with the same data, perhaps with more, or begin anew in another folder"
    func differ() -> TrainingError {
      let words = [(kept.training, state.data.training)].map { kept, wanted in
        "the checkpoint's training data are \(text(kept, beside: wanted)); these are \(text(wanted, beside: kept))"
      }
      return .checkpoint("\(words.joined()); \(advice)")
    }
    guard let pictures = state.trainingSummary?.pictures else {
      // No more is known than how many there were.
      let counts = zip(kept.training.counts, state.data.training.counts)
      guard kept.training == state.data.training || counts.allSatisfy({ $0 <= $1 }),
        kept.training == state.data.training || kept.training.count < training.count
      else { throw differ() }
      return
    }
    let heldOut = pictures.holdout == nil ? nil : validation
    let places = pictures.whereabouts(
      in: training, heldOut: heldOut, threads: trainer.compute.threads)
    // Some may have been taken out as bad; where many are gone it is something else.
    guard 4 * places.gone <= places.known else { throw differ() }
    guard places.toTraining == 0, places.toValidation == 0 else {
      let (count, verb) =
        places.toValidation > 0
        ? (places.toValidation, "were trained on are held out now")
        : (places.toTraining, "were held out would be trained on")
      throw .checkpoint(
        "\(plural(count, "picture")) that \(verb): the validation would flatter; resume with the same share held out, "
          + "under the same names, or begin anew in another folder")
    }
    state.trainingSummary?.pictures = TrainingPictures(
      training: training, heldOut: heldOut, holdout: pictures.holdout,
      threads: trainer.compute.threads)
  }

  private mutating func beginEpochAnew() -> [Difference] {
    let samples = samplesOfEpoch
    (state.place, state.skipped) = (nil, nil)
    guard samples > 0 else { return [] }
    return [("epoch", "\(samples) samples of epoch \(history.count + 1)", "begins anew")]
  }

  /// What the parts of a trainer remember: what the checkpoint has of it, zero where that is of another meaning.
  private mutating func takeMemory(
    of trainer: Trainer, _ recipe: Recipe
  ) throws -> [Difference] {
    let (old, learned) = (state.recipe, state.network.learnedParameters(trainer.groups))
    var changes: [Difference] = []
    let isAnew = recipe.optimizer.name != old.optimizer.name
    let hasOtherTransforms = recipe.gradientTransforms != old.gradientTransforms
    let age = state.updateCount - (state.averagedFrom ?? 0)
    var kept = slots
    if isAnew {
      for slot in trainer.optimizer.slots { kept[slot] = nil }
      if state.updateCount > 0 {
        changes.append(
          ("optimizer.memory", "of \(plural(state.updateCount, "update"))", "begins anew"))
      }
      state.updateCount = 0
    } else {
      for slot in trainer.optimizer.slots where kept[slot] == nil && state.updateCount > 0 {
        changes.append(("optimizer.memory", nil, "\(slot) begins anew"))
      }
    }
    if recipe.averaging?.name != old.averaging?.name { kept[Trainer.averageSlot] = nil }
    let isAveragedAnew = kept[Trainer.averageSlot] == nil
    let from = isAveragedAnew ? state.updateCount : state.updateCount - age
    state.averagedFrom = from == 0 || recipe.averaging == nil ? nil : from
    try Memory.require(
      trainer.slotNames.count { kept[$0] == nil }
        * learned.reduce(0) { $0 + $1.shape.count * ElementType.float32.byteCount },
      for: "the memory of the optimizer")
    let transformSlots = Set(trainer.transformSlotNames)
    let rememberedSums = old.gradientTransforms.enumerated().contains { place, transform in
      let prefix = Trainer.keptPrefix(place, transform.name)
      return state.slots.contains { $0.hasPrefix(prefix) }
    }
    if hasOtherTransforms { state.waitingSamples = nil }
    if hasOtherTransforms, rememberedSums {
      changes.append(("gradients.memory", "sums of gradients", "begin anew"))
    }
    slots = [:]
    for slot in trainer.slotNames {
      let values = hasOtherTransforms && transformSlots.contains(slot) ? nil : kept[slot]
      for (name, shape) in learned {
        slots[slot, default: [:]][name] =
          values?[name]
          ?? (slot == Trainer.averageSlot ? averages[name] : nil) ?? Tensor(zeros: shape)
      }
    }
    state.slots = trainer.slotNames
    return changes
  }
}

extension TrainingSummary {
  /// What of a training became otherwise on the way, for people. A training that is only longer is the same as one that was long
  /// from the beginning.
  fileprivate mutating func note(_ changes: [TrainingChange]) {
    let words = changes.filter { !["epochs", "nextLearningRate"].contains($0.setting) }.map {
      "\($0)"
    }
    guard let epoch = changes.first?.epoch, !words.isEmpty else { return }
    let earlier = notes["changes"].map { "\($0); " } ?? ""
    notes["changes"] = earlier + "after epoch \(epoch): \(words.joined(separator: ", "))"
  }
}
