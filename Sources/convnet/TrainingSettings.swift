import ConvNet
import Foundation

/// What a training was told on its command line, as far as it decides numbers: kept in the checkpoint, so that `--resume` needs
/// no option and knows those that differ.
struct TrainingSettings: Codable {
  /// A name, or a file.
  var model: String
  /// A name, or a path from `folder`.
  var data: String
  var dataRoot: String?
  /// What of the pictures of a CSV file is told; `nil` for what its columns look like.
  var targets: TargetSelection?
  /// Where paths begin.
  var folder: String
  /// The share held out, 0 for none; `nil` where the data's own part to test on is validated on.
  var split: Double?
  /// As it was held out at first, with data that may grow.
  var holdout: Holdout?
  var epochs = Self.defaultEpochs
  var batchSize = Self.defaultBatchSize
  var learningRate = Self.defaultLearningRate
  var momentum = Self.defaultMomentum
  var weightDecay = Self.defaultWeightDecay
  /// Epochs without a lower error after which it ends; `nil` where it does not.
  var earlyStopping: Int?
  /// How many states are kept; `nil` for the last alone.
  var keptCount: Int?
  /// How often within an epoch; `nil` as usual.
  var checkpointInterval: CheckpointInterval?
  var augmentation = Augmentation.none
  var normalization: Normalization?
  /// The options of the preparation as they were typed; `nil` where there were none.
  var preparation: String?
  /// The file of `--init`.
  var initial: String?
  var skipsBadPictures: Bool
  var seed: UInt64
  var threads: Int
  var tuning: ComputeOptions.Tuning
  var isExact: Bool
  /// `nil` where sums may depend on the number of threads.
  var isDeterministic: Bool?
  /// `nil` where all parameters are learned alike.
  var groups: [ParameterGroup]?
  /// In the order of the class names.
  var classWeights: [Float]?
  var sampling: Sampling?
  /// Whether several processes normalize by the samples of all; `nil` for no.
  var normalizesJointly: Bool?
  /// Everything of the trainer that is not above; `nil` in checkpoints of earlier versions, which had no more than what is.
  var recipe: Recipe?
  /// What the model said of itself when the training began, in checkpoints that do not hold it themselves.
  var summary: TrainingSummary?

  static let defaultEpochs = 5
  static let defaultBatchSize = 64
  static let defaultLearningRate: Float = 0.01
  static let defaultMomentum: Float = 0.9
  static let defaultWeightDecay: Float = 0.0005

  /// Of a training that begins.
  init(_ command: TrainCommand, model: String, data: String) throws {
    self.model = model
    self.data = data
    dataRoot = command.data.dataRoot
    targets = command.data.targets.selection
    folder = FileManager.default.currentDirectoryPath
    split = command.data.split
    var recipe = try command.recipe.recipe(
      epochs: command.epochs, augmentation: command.augmentation.steps())
    if let split, recipe.heldOutShare != nil {
      recipe.heldOutShare = split > 0 ? split : nil
      recipe.noteAsked("heldOutShare")
    }
    split = split ?? recipe.heldOutShare
    earlyStopping = command.keeping.earlyStopping
    keptCount = command.keeping.keep
    checkpointInterval = command.keeping.checkpointEvery?.interval
    normalization = command.augmentation.normalize
    preparation = command.preparation.words
    initial = command.start.`init`
    skipsBadPictures = command.loading.onBad == .skip
    normalizesJointly = command.syncBatchnorm ? true : nil
    seed = command.shared.seed
    threads = command.shared.threadCount
    tuning = command.compute.tuning
    isExact = command.compute.exact
    isDeterministic = command.deterministic ? true : nil
    sampling = command.balance.sampling
    take(recipe)
  }

  /// Takes the numbers of a recipe, which older versions read.
  mutating func take(_ recipe: Recipe) {
    self.recipe = recipe
    epochs = recipe.epochs
    batchSize = recipe.batchSize
    learningRate = recipe.learningRate ?? Self.defaultLearningRate
    momentum = recipe.momentum ?? 0
    weightDecay = recipe.weightDecay ?? 0
    augmentation = recipe.augmentation
  }

  /// A training that no recipe is named for.
  static var usualRecipe: Recipe {
    let usual = RecipeSource(.ours, "the usual, where nothing is said")
    return Recipe(
      "none", summary: "the usual", network: "", batchSize: defaultBatchSize,
      epochs: defaultEpochs,
      optimizer: .sgd(momentum: defaultMomentum, weightDecay: defaultWeightDecay),
      schedule: .plateau(from: defaultLearningRate), inputSize: 0,
      sources: Dictionary(
        uniqueKeysWithValues: [
          "batchSize", "epochs", "optimizer", "schedule", "objective", "dropout",
          "auxiliaryWeight", "initialization", "augmentation",
        ].map { ($0, usual) }))
  }

  /// The recipe of the training, whichever version began it.
  var wholeRecipe: Recipe {
    if let recipe { return recipe }
    var recipe = Self.usualRecipe
    recipe.optimizer = .sgd(momentum: momentum, weightDecay: weightDecay)
    recipe.schedule = .plateau(from: learningRate)
    recipe.batchSize = batchSize
    recipe.augmentation = augmentation
    return recipe
  }

  /// The recipe as a model file says it: its name, and what was changed of it; `nil` where none was named.
  var recipeInWords: String? {
    guard let recipe, let base = Recipe.builtIn.first(where: { $0.name == recipe.name }) else {
      return nil
    }
    let changes = recipe.differences(from: base).map { "\($0.name) \($0.value ?? "none")" }
    return changes.isEmpty ? recipe.name : "\(recipe.name) with \(changes.joined(separator: ", "))"
  }

  // MARK: In a checkpoint

  private static let key = "train"

  /// As ``Checkpoint/settings`` keep them.
  func kept() throws -> [String: String] { [Self.key: try jsonLine(self)] }

  /// - Throws: ``UnknownTraining`` where the checkpoint is not of this command.
  init(of checkpoint: Checkpoint, in output: String) throws {
    guard let text = checkpoint.settings[Self.key],
      let settings = try? JSONDecoder().decode(Self.self, from: Data(text.utf8))
    else { throw UnknownTraining(output: output) }
    self = settings
  }

  /// The data as a path from the current folder.
  var dataPath: String {
    DatasetCatalog.names.contains(data) || folder == FileManager.default.currentDirectoryPath
      ? data : Self.path(data, from: folder)
  }

  var dataRootPath: String? {
    dataRoot.map {
      folder == FileManager.default.currentDirectoryPath ? $0 : Self.path($0, from: folder)
    }
  }

  static func path(_ path: String, from folder: String) -> String {
    URL(fileURLWithPath: path, relativeTo: URL(fileURLWithPath: folder, isDirectory: true))
      .standardizedFileURL.path
  }
}
