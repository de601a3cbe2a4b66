import ConvNetDatasets
import ConvNetEngine
import ConvNetEvaluation
import ConvNetGraphs
import ConvNetImages
package import ConvNetLayers
import ConvNetTensors

/// The data of a training as its checkpoint knows it again.
struct TrainingData: Hashable, Sendable, Codable {
  var training: DatasetFingerprint
  var validation: DatasetFingerprint?

  init(_ training: any Dataset, validating validation: (any Dataset)?) {
    self.training = DatasetFingerprint(of: training)
    self.validation = validation.map(DatasetFingerprint.init)
  }

  /// Of data whose classes are numbered as they are in the model.
  init(
    _ training: any Dataset, validating validation: (any Dataset)?, of model: Model
  ) throws(EvaluationError) {
    let names = model.classNames
    let training = try model.numbering(training, as: names, isComplete: true)
    var numbered: (any Dataset)?
    if let validation {
      numbered = try model.numbering(validation, as: names, isComplete: false)
    }
    self.init(training, validating: numbered)
  }
}

extension Checkpoint {
  /// Refuses to go on where the result would be neither the old training nor a new one.
  ///
  /// - Throws: ``TrainingError`` where the checkpoint was made by another recipe, for other classes, for another network or
  ///   for pictures that are prepared otherwise, with both.
  package func requireFit(for trainer: Trainer, _ model: Model) throws(TrainingError) {
    let differences = try state.recipe.differences(from: Recipe(trainer))
    guard differences.isEmpty else {
      throw .checkpoint(
        "the checkpoint has \(differences.map(\.kept).joined(separator: ", ")); this training has "
          + "\(differences.map(\.wanted).joined(separator: ", ")); resume with the same settings, have the "
          + "checkpoint adopt the others, or begin anew in another folder")
    }
    try requireSame(model)
    try requireParameters(
      of: model, slots: trainer.slotNames, frozen: trainer.groups.frozen(in: model.graph))
  }

  /// - Throws: ``TrainingError`` where the checkpoint is of another network, for other classes, or for pictures that are prepared
  ///   otherwise: nothing of these can change on the way.
  func requireSame(_ model: Model) throws(TrainingError) {
    guard model.classNames.isEmpty || model.classNames == state.classNames else {
      throw .checkpoint(
        "the checkpoint's classes are \(classList(state.classNames)); this training's are "
          + "\(classList(model.classNames)); resume with the same data, or begin anew in another folder"
      )
    }
    let (kept, wanted) = (state.targetKind ?? .classes, model.targetKind)
    guard kept == wanted else {
      throw .checkpoint(
        "the checkpoint's training tells \(kept.rawValue), this one \(wanted.rawValue); resume with the same data, or begin anew "
          + "in another folder")
    }
    // What is called the same is told apart best by the first parameter that is not.
    if model.graph.name == state.network.name { try requireParameters(of: model) }
    try requireNetwork(model.graph)
    guard model.preprocessing == state.preprocessing else {
      func text(_ preprocessing: Preprocessing?) -> String {
        preprocessing.map { "\($0)" } ?? "not prepared"
      }
      throw .checkpoint(
        "the checkpoint's pictures are \(text(state.preprocessing)); this training's are "
          + "\(text(model.preprocessing)); prepare them as they were, or begin anew in another folder"
      )
    }
  }

  private func requireParameters(
    of model: Model, slots names: [String] = [], frozen: Set<String> = []
  ) throws(TrainingError) {
    for id in model.graph.parameters {
      let value = model.graph[id]
      var tensors = [("parameter", averages[value.name])]
      if state.averageBeginnings[value.name] != nil {
        tensors.append(("average", averages[RunningStatistics.seenName(of: value.name)]))
      }
      if value.parameterKind?.isTrainable == true, !frozen.contains(value.name) {
        for slot in names { tensors.append((slot, slots[slot]?[value.name])) }
      }
      for (kind, tensor) in tensors {
        guard let tensor, tensor.shape == value.shape, tensor.elementType == .float32 else {
          throw .checkpoint(
            "the checkpoint's \(kind) of \(value.name) is \(tensor.map { "\($0)" } ?? "missing"), "
              + "\(model.graph.name) needs \(value.shape), float32; resume with the same network")
        }
      }
    }
  }

  /// Networks may share the names and shapes of all parameters and be different: with a stride elsewhere, or without the
  /// shortcuts.
  private func requireNetwork(_ network: Graph) throws(TrainingError) {
    var (kept, wanted) = (state.network, network)
    // A name computes nothing, and neither does a table.
    kept.name = wanted.name
    kept.clearTablePlaces()
    wanted.clearTablePlaces()
    guard kept != wanted else { return }
    let (inputs, other) = (state.network.inputShapes, network.inputShapes)
    let difference =
      inputs != other
      ? "of input \(inputs); this training's is \(network.name), of input \(other)"
      : "of \(kept.operations.count) operations; this training's is \(network.name), of "
        + "\(wanted.operations.count), which first differs at \(wanted.firstDifference(from: kept))"
    throw .checkpoint(
      "the checkpoint's network is \(state.network.name), \(difference); resume with the same "
        + "network, or begin anew in another folder")
  }

  /// Refuses to go on with other data.
  ///
  /// - Throws: ``TrainingError`` with what tells them apart.
  func requireSame(_ data: TrainingData) throws(TrainingError) {
    for (part, kept, wanted) in [
      ("training", state.data.training as DatasetFingerprint?, data.training),
      ("validation", state.data.validation, data.validation),
    ] as [(String, DatasetFingerprint?, DatasetFingerprint?)] where kept != wanted {
      throw .checkpoint(
        "the checkpoint's \(part) data are \(text(kept, beside: wanted)); these are "
          + "\(text(wanted, beside: kept)); resume with the same data and the same share held out, or "
          + "begin anew in another folder")
    }
  }

  func text(
    _ fingerprint: DatasetFingerprint?, beside other: DatasetFingerprint?
  ) -> String {
    guard let fingerprint else { return "none" }
    let count = "\(fingerprint.count) picture\(fingerprint.count == 1 ? "" : "s")"
    guard let other else { return count }
    if fingerprint.counts == other.counts, fingerprint.count == other.count {
      return "\(count) of fingerprint \(fingerprint.digest)"
    }
    let counts = zip(state.classNames, fingerprint.counts).map { "\($0) \($1)" }
    return "\(count) (\(classList(counts)))"
  }
}

extension Graph {
  fileprivate var inputShapes: String {
    inputs.map { id in
      self[id].shape.dimensions.dropFirst().map { "\($0)" }.joined(separator: "x")
    }.joined(separator: ", ")
  }

  fileprivate mutating func clearTablePlaces() {
    for index in operations.indices { operations[index].tablePlace = TablePlace() }
  }

  /// Where the operations cease to be the other's.
  fileprivate func firstDifference(from other: Graph) -> String {
    for (own, others) in zip(operations, other.operations) where own != others {
      return own.name == others.name ? own.name : "\(own.name) instead of \(others.name)"
    }
    return operations.count == other.operations.count ? "its outputs" : "its end"
  }
}

extension Checkpoint.Recipe {
  init(_ trainer: Trainer) throws(TrainingError) {
    optimizer = try KeptPart(trainer.optimizer)
    schedule = try KeptPart(trainer.schedule)
    gradientTransforms = []
    for transform in trainer.gradientTransforms {
      gradientTransforms.append(try KeptPart(transform))
    }
    groups = trainer.groups
    averaging = try trainer.averaging.map { part throws(TrainingError) in try KeptPart(part) }
    objective = try KeptPart(trainer.objective)
    augmentation = trainer.augmentation
    batchSize = trainer.batchSize
    seed = trainer.seed
    isExact = trainer.compute.isExact
    isDeterministic = trainer.compute.isDeterministic ? true : nil
    sampling = trainer.sampling == .every ? nil : trainer.sampling
    inputSides = trainer.inputSides.isEmpty ? nil : trainer.inputSides
  }

  /// What of it is otherwise in another recipe, in words.
  func differences(from other: Self) -> [(kept: String, wanted: String)] {
    let texts: [(Self) -> String] = [
      { $0.optimizer.words }, { $0.schedule.words },
      {
        $0.gradientTransforms.isEmpty
          ? "gradients as they are"
          : $0.gradientTransforms.map(\.words).joined(separator: ", then ")
      },
      {
        $0.groups.isEmpty
          ? "all parameters alike" : $0.groups.map { "\($0)" }.joined(separator: "; ")
      },
      { $0.averaging?.words ?? "weights as they are" },
      { $0.objective.words },
      { "augmentation \($0.augmentation)" }, { "batch size \($0.batchSize)" },
      { "seed \($0.seed)" },
      { $0.isExact ? "convolutions as they are written" : "convolutions by any algorithm" },
      {
        $0.isDeterministic == true
          ? "the same sums on any number of threads" : "sums that depend on the number of threads"
      },
      { $0.sampling.map { "\($0.rawValue) sampling" } ?? "every sample once" },
      { $0.inputSides.map { "inputs of sides \($0)" } ?? "inputs of one size" },
    ]
    let isSame = [
      optimizer == other.optimizer, schedule == other.schedule,
      gradientTransforms == other.gradientTransforms, groups == other.groups,
      averaging == other.averaging, objective == other.objective,
      augmentation == other.augmentation,
      batchSize == other.batchSize, seed == other.seed, isExact == other.isExact,
      isDeterministic == other.isDeterministic, sampling == other.sampling,
      inputSides == other.inputSides,
    ]
    return zip(texts, isSame).filter { !$1 }.map { text, _ in (text(self), text(other)) }
  }
}
