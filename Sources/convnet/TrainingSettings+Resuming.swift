import ConvNet
import Foundation

/// What a command that goes on may say otherwise.
extension TrainingSettings {
  /// Takes what a command that goes on may change, which ``Checkpoint/adopt(_:for:on:validating:epochs:)`` tells, and refuses
  /// what it may not.
  ///
  /// - Throws: ``OtherTraining`` with every option that was given and may not differ, and both values.
  mutating func go(
    on command: TrainCommand, from checkpoint: Checkpoint, tell: (String) -> Void
  ) throws {
    var differences: [OtherTraining.Difference] = []
    func require<Value: Equatable>(_ option: String, _ given: Value?, _ kept: Value?) {
      guard let given, given != kept else { return }
      differences.append(
        .init(option: option, kept: kept.map { "\($0)" }, given: "\(given)"))
    }
    let model = try checkpoint.model()
    if let given = command.model, given != self.model, ModelRegistry[given] != nil,
      ModelRegistry[self.model] != nil
    {
      require("--model", given, self.model)
    }
    var recipe = try command.recipe.recipe(
      changing: recipe(of: command), epochs: command.epochs,
      augmentation: command.augmentation.steps())
    // They are in the network.
    if command.recipe.dropout != nil { require("--dropout", recipe.dropout, wholeRecipe.dropout) }
    if command.recipe.auxiliaryWeight != nil {
      require("--auxiliary-weight", recipe.auxiliaryWeight, wholeRecipe.auxiliaryWeight)
    }
    if command.recipe.stochasticDepth != nil {
      require("--stochastic-depth", recipe.stochasticDepth, wholeRecipe.stochasticDepth)
    }
    require("--seed", command.shared.givenSeed, seed)
    require("--split", command.data.split, split)
    require(
      "--targets", command.data.targets.targets?.rawValue,
      (targets?.kind ?? model.targetKind).rawValue)
    require(
      "--target-columns", command.data.targets.selection.columns?.joined(separator: ","),
      (targets?.columns ?? model.classNames).joined(separator: ","))
    require("--normalize", command.augmentation.normalize, normalization ?? Normalization.none)
    // Of what is typed otherwise and means the same, the model tells.
    if let words = command.preparation.words, words != preparation, let own = model.preprocessing,
      try command.preparation.applied(to: own) != own
    {
      require("the preparation of pictures", words, preparation)
    }
    require(
      "--input", command.network.input.map { "\($0.height)x\($0.width)" },
      model.preprocessing.map { "\($0.height)x\($0.width)" })
    require("--classes", command.network.classes, model.classNames.count)
    require(
      "--init",
      command.start.`init`.map { Self.path($0, from: FileManager.default.currentDirectoryPath) },
      initial.map { Self.path($0, from: folder) })
    let given = try command.fineTuning.groups(in: model.graph)
    func frozen(_ groups: [ParameterGroup]?) -> String {
      let patterns = (groups ?? []).filter(\.isFrozen).map(\.pattern)
      return patterns.isEmpty ? "absent" : patterns.joined(separator: ", ")
    }
    if given != nil { require("--freeze", frozen(given), frozen(groups)) }
    guard differences.isEmpty else {
      throw OtherTraining(output: command.output, differences: differences)
    }
    // What is held out stays.
    if recipe.heldOutShare != nil { recipe.heldOutShare = split.flatMap { $0 > 0 ? $0 : nil } }
    take(recipe)
    groups = given ?? groups
    sampling = command.balance.sampling ?? sampling
    if command.syncBatchnorm, normalizesJointly != true {
      normalizesJointly = true
      tell("batch normalization goes by the samples of all processes from here on")
    }
    if command.compute.exact { isExact = true }
    if command.deterministic { isDeterministic = true }
    earlyStopping = command.keeping.earlyStopping ?? earlyStopping
    if command.keeping.keep == 1, let keptCount, keptCount > 1 {
      tell("the best epoch's model and the states that were kept stay as they are from here on")
    }
    keptCount = command.keeping.keep ?? keptCount
    checkpointInterval = command.keeping.checkpointEvery?.interval ?? checkpointInterval
    if let given = command.loading.onBad, (given == .skip) != skipsBadPictures {
      skipsBadPictures.toggle()
      tell(
        "pictures that cannot be read \(skipsBadPictures ? "are skipped" : "end the training") from here on"
      )
    }
    if let given = command.compute.givenTuning, given != tuning {
      tell(
        "--tune is \(given), was \(tuning): another algorithm may change last digits")
      tuning = given
    }
    if command.shared.threadCount != threads {
      if isDeterministic != true {
        tell(
          "\(plural(command.shared.threadCount, "thread")) instead of \(threads): sums in another order "
            + "may change last digits")
      }
      threads = command.shared.threadCount
    }
    // Where it lies now.
    if let data = command.data.data {
      self.data = data
      dataRoot = command.data.dataRoot
      folder = FileManager.default.currentDirectoryPath
    }
  }
}

extension TrainingSettings {
  /// What the options of a command change: the training's recipe, or the one that is named, which then lasts as long as the
  /// training.
  private func recipe(of command: TrainCommand) throws -> Recipe {
    guard let name = command.recipe.name, name != wholeRecipe.name else {
      var recipe = wholeRecipe
      recipe.epochs = epochs
      return recipe
    }
    var recipe = try RecipeOptions.recipe(named: name)
    try recipe.last(epochs)
    return recipe
  }
}

/// A training that goes on was told otherwise than it began.
struct OtherTraining: ReadableError {
  struct Difference {
    var option: String
    /// `nil` where it began without.
    var kept: String?
    var given: String
  }

  var output: String
  var differences: [Difference]

  var description: String {
    let kept = differences.map { "\($0.option) \($0.kept ?? "absent")" }
    let given = differences.map { "\($0.option) \($0.given)" }
    let options = differences.map(\.option).joined(separator: " and ")
    return "the training in \(output) began with \(kept.joined(separator: ", ")), now there is "
      + "\(given.joined(separator: ", ")); leave out \(options) to go on as it began, or begin anew "
      + "with another --output"
  }
}

/// A checkpoint that a program wrote, which has its own way to go on.
struct UnknownTraining: ReadableError {
  var output: String
  var description: String {
    "the checkpoint in \(output) does not say how `convnet train` began it; go on with the program "
      + "that wrote it, or begin anew with another --output"
  }
}
