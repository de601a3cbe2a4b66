public import ConvNetDatasets
import ConvNetEvaluation
import ConvNetFiles
import Foundation

/// What the trainings of an experiment brought so far: a value that is written to a file after each, so that none is lost.
public struct ExperimentResults: Hashable, Sendable, Codable {
  /// One training.
  public struct Run: Hashable, Sendable, Codable {
    /// The row's name.
    public var row: String
    /// Of everything random.
    public var seed: UInt64
    /// The network's name.
    public var network: String
    /// Learned numbers of the network.
    public var parameterCount: Int
    /// How it was trained, its pictures' size accounted for.
    public var recipe: Recipe
    /// On so many threads.
    public var threads: Int
    /// The epochs, each tested.
    public var history: [EpochReport]
    /// What the recipe has and the network has no place for, in words.
    public var notes: [String]
    /// Why it ended before its last epoch, where numbers were no longer finite: a result too.
    public var failure: String?

    /// A training; its epochs may follow.
    public init(
      row: String, seed: UInt64, network: String, parameterCount: Int, recipe: Recipe, threads: Int,
      history: [EpochReport] = [], notes: [String] = [], failure: String? = nil
    ) {
      self.row = row
      self.seed = seed
      self.network = network
      self.parameterCount = parameterCount
      self.recipe = recipe
      self.threads = threads
      self.history = history
      self.notes = notes
      self.failure = failure
    }
  }

  /// What several trainings of a row, of other seeds, say together: the mean of their probabilities.
  public struct Ensemble: Hashable, Sendable, Codable {
    /// The row's name.
    public var row: String
    /// Whose models they are.
    public var seeds: [UInt64]
    /// The share of test pictures that are told wrongly, in percent.
    public var testError: Double

    /// A measurement of these models.
    public init(row: String, seeds: [UInt64], testError: Double) {
      self.row = row
      self.seeds = seeds
      self.testError = testError
    }
  }

  /// The experiment's name.
  public var experiment: String
  /// The data that was trained on, as its caller names it.
  public var data: String
  /// How much was trained.
  public var scale: Experiment.Scale
  /// The pictures that were trained on, as they are known again; `nil` before the first training, and in files of versions that
  /// did not keep it.
  public var trainingData: DatasetFingerprint?
  /// Those that were tested on, likewise.
  public var testData: DatasetFingerprint?
  /// In the order in which they ended.
  public var runs: [Run] = []
  /// Where there is more than one seed.
  public var ensembles: [Ensemble] = []

  /// No results yet.
  ///
  /// - Parameter data: as its caller names it; `nil` for the experiment's.
  public init(of experiment: Experiment, data: String? = nil, scale: Experiment.Scale) {
    self.experiment = experiment.name
    self.data = data ?? experiment.data
    self.scale = scale
  }

  /// Reads what was saved.
  ///
  /// - Throws: ``FileError``, or a `DecodingError` where it is no such file.
  public init(loading path: String) throws {
    let bytes = try MappedFile(path: path).withBytes { bytes in
      bytes.withUnsafeBytes { Data($0) }
    }
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    self = try decoder.decode(Self.self, from: bytes)
  }

  /// Writes them to a file, which appears whole or not at all.
  ///
  /// - Throws: ``FileError``.
  public func save(to path: String) throws { try AtomicFile.write(jsonLine(self) + "\n", to: path) }

  /// The seeds that there are, ascending.
  public var seeds: [UInt64] { Set(runs.map(\.seed)).sorted() }

  /// The training of a row and a seed; `nil` where it was not trained.
  public subscript(row: String, seed: UInt64) -> Run? {
    runs.first { $0.row == row && $0.seed == seed }
  }

  /// - Throws: ``TrainingError/invalidSetting(name:value:requirement:)`` where these are results of another experiment, of other
  ///   data, or of another scale. Pictures are compared where both know theirs.
  public func requireFit(for other: ExperimentResults) throws(TrainingError) {
    for (name, own, wanted) in [
      ("experiment", experiment, other.experiment), ("data", data, other.data),
      ("epochs", "\(scale.epochs)", "\(other.scale.epochs)"),
      ("pictures", Self.words(scale.pictures), Self.words(other.scale.pictures)),
      ("test pictures", Self.words(scale.testPictures), Self.words(other.scale.testPictures)),
      ("input size", Self.words(scale.inputSize), Self.words(other.scale.inputSize)),
      ("seconds", "\(scale.seconds ?? 0)", "\(other.scale.seconds ?? 0)"),
      (
        "batches for statistics", Self.words(scale.statisticsBatches, none: "none"),
        Self.words(other.scale.statisticsBatches, none: "none")
      ),
    ] where own != wanted {
      throw .invalidSetting(
        name: "\(name) of an experiment that goes on", value: wanted,
        requirement: "as it began: \(own)")
    }
    for (name, own, wanted) in [
      ("training data", trainingData, other.trainingData), ("test data", testData, other.testData),
    ] {
      guard let own, let wanted, own != wanted else { continue }
      throw .invalidSetting(
        name: "\(name) of an experiment that goes on", value: Self.words(wanted),
        requirement:
          "as it began: \(Self.words(own)); go on with the same data, or begin anew in another folder"
      )
    }
  }

  /// Keeps by what the pictures are known again: all that are trained and tested on.
  ///
  /// - Throws: as ``requireFit(for:)``, where the trainings so far had others.
  mutating func take(training: any Dataset, test: any Dataset) throws(TrainingError) {
    var known = self
    known.trainingData = DatasetFingerprint(of: training)
    known.testData = DatasetFingerprint(of: test)
    try requireFit(for: known)
    self = known
  }

  /// - Throws: as ``requireFit(for:)``, where the trainings so far were tested on other pictures.
  func requireFit(test: any Dataset) throws(TrainingError) {
    var known = self
    known.testData = DatasetFingerprint(of: test)
    try requireFit(for: known)
  }

  private static func words(_ data: DatasetFingerprint) -> String {
    "\(plural(data.count, "picture")) of fingerprint \(data.digest)"
  }

  private static func words(_ number: Int?, none: String = "all") -> String {
    number.map(String.init) ?? none
  }

  /// One line an epoch: what plots of one's own are made of.
  public var csv: String {
    let header = [
      "row", "seed", "epoch", "step", "learning_rate", "training_loss", "training_error",
      "test_loss", "test_error", "seconds",
    ]
    var lines = [header]
    for run in runs {
      let row = run.row.csvField
      for epoch in run.history {
        let test = epoch.validation
        lines.append([
          row, "\(run.seed)", "\(epoch.epoch)", epoch.step.map { "\($0)" } ?? "",
          "\(epoch.learningRate)", "\(epoch.training.loss)", "\(1 - epoch.training.top1)",
          test.map { "\($0.loss)" } ?? "", test.map { "\(1 - $0.top1)" } ?? "",
          "\(epoch.seconds)",
        ])
      }
    }
    return lines.map { $0.joined(separator: ",") + "\n" }.joined()
  }
}
