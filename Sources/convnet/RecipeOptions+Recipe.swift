import ConvNet

extension RecipeOptions {
  /// An option that was given, and what it does to a recipe.
  struct Change {
    var option: String
    var given: String
    var apply: (inout Recipe) throws -> Void
  }

  /// In the order in which they are done: each may change what those before it have made.
  var changes: [Change] {
    var changes: [Change] = []
    func add<Value>(
      _ option: String, _ given: Value?, whole setting: String? = nil,
      _ apply: @escaping (inout Recipe, Value) throws -> Void
    ) {
      guard let given else { return }
      changes.append(
        Change(option: option, given: "\(given)") {
          try apply(&$0, given)
          if let setting { $0.noteAsked(setting) }
        })
    }
    add("--batch-size", batchSize, whole: "batchSize") { $0.batchSize = $1 }
    add("--optimizer", optimizer, whole: "optimizer") { $0.optimizer = try $1.optimizer(for: $0) }
    add("--schedule", schedule, whole: "schedule") { $0.schedule = try $1.schedule(for: $0) }
    add("--learning-rate", learningRate) { try $0.set("learningRate", to: $1) }
    add("--momentum", momentum) { try $0.set("optimizer.momentum", to: $1) }
    add("--weight-decay", weightDecay) { try $0.set("optimizer.weightDecay", to: $1) }
    add("--decay-on", decayOn) { try $0.set("optimizer.decaying", to: $1.rawValue) }
    add("--warm-up", warmUp) { $0.warmUp($1) }
    add("--label-smoothing", labelSmoothing) { try $0.set("objective.labelSmoothing", to: $1) }
    add("--clip-norm", clipNorm) { $0.replace(NormClipping(limit: $1)) }
    add("--clip-value", clipValue) { $0.replace(ValueClipping(limit: $1)) }
    add("--accumulate", accumulate) { $0.accumulate($1) }
    add("--average-weights", averageWeights, whole: "averaging") {
      $0.averaging = ExponentialAverage(decay: $1)
    }
    add("--dropout", dropout, whole: "dropout") { $0.dropout = $1 }
    add("--input-sides", inputSides, whole: "inputSides") { $0.inputSides = $1.sides }
    add("--stochastic-depth", stochasticDepth, whole: "stochasticDepth") {
      $0.stochasticDepth = $1
    }
    add("--auxiliary-weight", auxiliaryWeight, whole: "auxiliaryWeight") { $0.auxiliaryWeight = $1 }
    return changes
  }

  /// The recipe of the options.
  ///
  /// - Parameter base: what they change; `nil`: the recipe that they name, or the usual one.
  /// - Throws: ``UnknownName``, ``TrainingError``.
  func recipe(
    changing base: Recipe? = nil, epochs: Int?, augmentation: Augmentation?
  ) throws -> Recipe {
    var recipe = try base ?? name.map(Self.recipe(named:)) ?? TrainingSettings.usualRecipe
    if let epochs { try recipe.last(epochs) }
    if let augmentation {
      recipe.augmentation = augmentation
      recipe.noteAsked("augmentation")
    }
    for change in changes { try change.apply(&recipe) }
    try recipe.validate()
    return recipe
  }

  static func recipe(named name: String) throws -> Recipe {
    guard let recipe = Recipe.builtIn.first(where: { $0.name == name }) else {
      throw UnknownName(
        kind: "recipe", name: name, known: Recipe.builtIn.map(\.name),
        advice: "`convnet recipes` lists the names")
    }
    return recipe
  }
}
