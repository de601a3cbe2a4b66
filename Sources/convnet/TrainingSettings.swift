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
    batchSize = command.batchSize ?? Self.defaultBatchSize
    learningRate = command.learningRate ?? Self.defaultLearningRate
    momentum = command.momentum ?? Self.defaultMomentum
    weightDecay = command.weightDecay ?? Self.defaultWeightDecay
    augmentation = try command.augmentation.steps() ?? .none
    normalization = command.augmentation.normalize
    initial = command.`init`
    skipsBadPictures = command.loading.onBad == .skip
    seed = command.shared.seed
    threads = command.shared.threadCount
    tuning = command.compute.tuning
    isExact = command.compute.exact
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

  // MARK: Going on

  /// Takes what a command that goes on may change, and refuses what it may not.
  ///
  /// - Throws: ``OtherTraining`` with every option that was given and differs, and both values.
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
    require("--batch-size", command.batchSize, batchSize)
    require("--learning-rate", command.learningRate, learningRate)
    require("--momentum", command.momentum, momentum)
    require("--weight-decay", command.weightDecay, weightDecay)
    require("--seed", command.shared.givenSeed, seed)
    require("--split", command.data.split, split)
    require("--augment", try command.augmentation.steps(), augmentation)
    require("--normalize", command.augmentation.normalize, normalization ?? Normalization.none)
    require(
      "--input", command.network.input.map { "\($0.height)x\($0.width)" },
      model.preprocessing.map { "\($0.height)x\($0.width)" })
    require("--classes", command.network.classes, model.classNames.count)
    require(
      "--init",
      command.`init`.map { Self.path($0, from: FileManager.default.currentDirectoryPath) },
      initial.map { Self.path($0, from: folder) })
    require("--exact", command.compute.exact ? true : nil, isExact)
    guard differences.isEmpty else {
      throw OtherTraining(output: command.output, differences: differences)
    }
    epochs = command.epochs ?? epochs
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
      tell(
        "\(plural(command.shared.threadCount, "thread")) instead of \(threads): sums in another order "
          + "may change last digits")
      threads = command.shared.threadCount
    }
    // Where it lies now.
    if let data = command.data.data {
      self.data = data
      dataRoot = command.data.dataRoot
      folder = FileManager.default.currentDirectoryPath
    }
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

  private static func path(_ path: String, from folder: String) -> String {
    URL(fileURLWithPath: path, relativeTo: URL(fileURLWithPath: folder, isDirectory: true))
      .standardizedFileURL.path
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
