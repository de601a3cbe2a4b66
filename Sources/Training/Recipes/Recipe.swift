public import ConvNetImages
import ConvNetFiles

/// How a network is trained: everything that decides its numbers but the data and the seed, and where each number is from.
///
/// ```swift
/// var recipe = try Recipe.named("resnet-cifar")
/// recipe.batchSize = 64
/// var options = ModelRegistry["resnet20"]!.defaults
/// recipe.apply(to: &options)
/// try recipe.trainer(seed: 1).fit(&model, on: train, validating: test, epochs: recipe.epochs)
/// ```
///
/// The built-in ones are in ``builtIn``. Parts from outside the package may stand in a recipe; to be read from a file their
/// types are given to ``TrainingPartCatalog``.
public struct Recipe: Sendable {
  /// By which the command knows it.
  public var name: String
  /// In one line.
  public var summary: String
  /// The row of ``ModelRegistry`` that it is for; others may be trained by it too.
  public var network: String
  /// Samples of a step.
  public var batchSize: Int
  /// Times through the data.
  public var epochs: Int
  /// How parameters move.
  public var optimizer: any Optimizer
  /// How far, in the course of the training.
  public var schedule: any LearningRateSchedule
  /// Clipping and accumulation, in this order.
  public var gradientTransforms: [any GradientTransform]
  /// An average of the weights that is kept in place of the last; `nil`: the last.
  public var averaging: (any WeightAveraging)?
  /// What is made small, with its label smoothing.
  public var objective: any Objective
  /// What is done to training pictures.
  public var augmentation: Augmentation
  /// Height and width of a picture that the network reads.
  public var inputSize: Int
  /// The rate of dropout before the classifier, 0 for none; `nil`: the network's own.
  public var dropout: Float?
  /// What the loss of an auxiliary classifier counts; `nil`: the network's own.
  public var auxiliaryWeight: Float?
  /// Of residual networks, the share of examples that pass the last block by its shortcut alone; `nil`: none.
  public var stochasticDepth: Float?
  /// Shorter sides of the input, of which each batch has one; none: the input's own, which is the network's.
  public var inputSides: [Int] = []
  /// Of data that has a part to test on too, the share of what there is to train on that is held out to validate on; `nil`: none.
  public var heldOutShare: Double?
  /// How weights begin: words, since it is the network that says so.
  public var initialization: String
  /// Where each number is from, by the names of ``numbers``.
  public var sources: [String: RecipeSource]

  /// A recipe of these values.
  public init(
    _ name: String, summary: String, network: String, batchSize: Int, epochs: Int,
    optimizer: any Optimizer, schedule: any LearningRateSchedule,
    gradientTransforms: [any GradientTransform] = [], averaging: (any WeightAveraging)? = nil,
    objective: any Objective = .crossEntropy(), augmentation: Augmentation = .none,
    inputSize: Int, dropout: Float? = nil, auxiliaryWeight: Float? = nil,
    stochasticDepth: Float? = nil, initialization: String = "the network's own",
    sources: [String: RecipeSource] = [:]
  ) {
    self.name = name
    self.summary = summary
    self.network = network
    self.batchSize = batchSize
    self.epochs = epochs
    self.optimizer = optimizer
    self.schedule = schedule
    self.gradientTransforms = gradientTransforms
    self.averaging = averaging
    self.objective = objective
    self.augmentation = augmentation
    self.inputSize = inputSize
    self.dropout = dropout
    self.auxiliaryWeight = auxiliaryWeight
    self.stochasticDepth = stochasticDepth
    self.initialization = initialization
    self.sources = sources
  }

  /// The recipe of a name.
  ///
  /// - Throws: ``TrainingError/invalidSetting(name:value:requirement:)`` with the nearest names, where there is none.
  public static func named(_ name: String) throws(TrainingError) -> Recipe {
    if let recipe = builtIn.first(where: { $0.name == name }) { return recipe }
    let nearest = nearestNames(to: name, among: builtIn.map(\.name))
    throw .invalidSetting(
      name: "the recipe", value: name,
      requirement: nearest.isEmpty
        ? "one of \(builtIn.map(\.name).joined(separator: ", "))"
        : "the name of one; did you mean \(nearest.joined(separator: " or "))?")
  }
}
