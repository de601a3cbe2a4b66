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
  /// Where paths begin.
  var folder: String
  /// The share held out, 0 for none; `nil` where the data has a part to test on.
  var split: Double?
  var epochs: Int
  var batchSize: Int
  var learningRate: Float
  var momentum: Float
  var weightDecay: Float
  var augmentation: Augmentation
  var normalization: Normalization?
  /// The file of `--init`.
  var initial: String?
  var skipsBadPictures: Bool
  var seed: UInt64
  var threads: Int
  var tuning: ComputeOptions.Tuning
  var isExact: Bool
  /// `nil` where all parameters are learned alike.
  var groups: [ParameterGroup]?
  /// In the order of the class names.
  var classWeights: [Float]?
  var sampling: Sampling?
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
    folder = FileManager.default.currentDirectoryPath
    split = command.data.split
    epochs = command.epochs ?? Self.defaultEpochs
    batchSize = command.recipe.batchSize ?? Self.defaultBatchSize
    learningRate = command.recipe.learningRate ?? Self.defaultLearningRate
    momentum = command.recipe.momentum ?? Self.defaultMomentum
    weightDecay = command.recipe.weightDecay ?? Self.defaultWeightDecay
    augmentation = try command.augmentation.steps() ?? .none
    normalization = command.augmentation.normalize
    initial = command.start.`init`
    skipsBadPictures = command.loading.onBad == .skip
    seed = command.shared.seed
    threads = command.shared.threadCount
    tuning = command.compute.tuning
    isExact = command.compute.exact
    sampling = command.balance.sampling
  }

  // MARK: In a checkpoint

  private static let key = "train"

  func remember(in checkpoint: inout Checkpoint) throws {
    checkpoint.settings[Self.key] = try jsonLine(self)
  }

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
