public import ArgumentParser
public import ConvNet

/// What a training makes of gradients: a recipe, and what is otherwise than in it.
struct RecipeOptions: ParsableArguments {
  @Option(
    name: .customLong("recipe"),
    help: ArgumentHelp(
      "Train as this recipe says: convnet recipes lists them. Other options change it.",
      valueName: "name"))
  var name: String?
  @Option(help: "Samples of a step. Default: \(TrainingSettings.defaultBatchSize).")
  var batchSize: Int?
  @Option(
    help: """
      The rate at the beginning, or the highest. Without --schedule and --recipe it is \
      divided by ten whenever the validation error (without validation, the training loss) \
      stops improving. Default: \(TrainingSettings.defaultLearningRate).
      """)
  var learningRate: Float?
  @Option(help: "Share of the old velocity. Default: \(TrainingSettings.defaultMomentum).")
  var momentum: Float?
  @Option(
    help: "Pull of the parameters towards zero. Default: \(TrainingSettings.defaultWeightDecay).")
  var weightDecay: Float?
  @Option(help: ArgumentHelp("What weight decay acts on: all or kernels.", valueName: "what"))
  var decayOn: WeightDecayScope?
  @Option(
    help: ArgumentHelp(
      "The optimizer: \(OptimizerChoice.words), or JSON: '{\"rmsprop\": {\"epsilon\": 1}}'.",
      valueName: "name|json"))
  var optimizer: OptimizerChoice?
  @Option(
    help: ArgumentHelp(
      "The schedule: \(ScheduleChoice.words), or JSON: '{\"steps\": {\"factor\": 0.94, \"interval\": 2}}'.",
      valueName: "name|json"))
  var schedule: ScheduleChoice?
  @Option(help: ArgumentHelp("Let the rate rise from zero in so many epochs.", valueName: "epochs"))
  var warmUp: Double?
  @Option(
    help: ArgumentHelp("Spread this share of each label over the classes.", valueName: "share"))
  var labelSmoothing: Float?
  @Option(help: ArgumentHelp("Shorten gradients that are longer.", valueName: "length"))
  var clipNorm: Float?
  @Option(
    help: ArgumentHelp("Hold each gradient between this and its negative.", valueName: "value"))
  var clipValue: Float?
  @Option(
    help: ArgumentHelp("One update for the gradients of so many batches.", valueName: "batches"))
  var accumulate: Int?
  @Option(
    help: ArgumentHelp(
      "Keep a moving average of the weights, of this decay, as the model.", valueName: "decay"))
  var averageWeights: Float?
  @Option(help: ArgumentHelp("Dropout before the classifier, 0 for none.", valueName: "rate"))
  var dropout: Float?
  @Option(
    help: ArgumentHelp(
      "Pixels of the input's shorter side, of which every batch has one at random: for networks that take any size.",
      valueName: "side,side"))
  var inputSides: SideList?
  @Option(
    help: ArgumentHelp(
      "Of residual networks, the share of pictures that pass the last block by its shortcut alone; those before it have less.",
      valueName: "rate"))
  var stochasticDepth: Float?
  @Option(help: ArgumentHelp("What the loss of auxiliary classifiers counts.", valueName: "weight"))
  var auxiliaryWeight: Float?
}

extension WeightDecayScope: ExpressibleByArgument {}
