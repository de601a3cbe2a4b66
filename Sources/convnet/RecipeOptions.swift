import ArgumentParser

/// What a training makes of gradients: the numbers of its recipe.
struct RecipeOptions: ParsableArguments {
  @Option(help: "Samples of a step. Default: \(TrainingSettings.defaultBatchSize).")
  var batchSize: Int?
  @Option(
    help: """
      Divided by ten whenever the validation error (without validation, the training loss) \
      stops improving. Default: \
      \(TrainingSettings.defaultLearningRate).
      """)
  var learningRate: Float?
  @Option(help: "Share of the old velocity. Default: \(TrainingSettings.defaultMomentum).")
  var momentum: Float?
  @Option(
    help: "Pull of the parameters towards zero. Default: \(TrainingSettings.defaultWeightDecay).")
  var weightDecay: Float?
}
