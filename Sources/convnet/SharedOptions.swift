public import ArgumentParser
import ConvNet
import Foundation

/// What every command takes.
struct SharedOptions: ParsableArguments {
  @Flag(help: "Print one JSON value for machines.")
  var json = false

  @Option(
    help: """
      Threads to compute on. Default: OMP_NUM_THREADS, or the processors that this process may use.
      """)
  var threads: Int?

  @Option(
    name: .customLong("seed"),
    help: ArgumentHelp("Seed of every random number. Default: 0.", valueName: "seed"))
  var givenSeed: UInt64?

  var seed: UInt64 { givenSeed ?? 0 }

  @Flag(help: "No progress on standard error.")
  var quiet = false

  func validate() throws {
    guard let threads else { return }
    guard 1...Threads.mostThreads ~= threads else {
      throw ValidationError("--threads is \(threads), must be from 1 to \(Threads.mostThreads)")
    }
  }

  var threadCount: Int { threads ?? Threads.preferred }

  /// Something to tell a person, beside the results.
  func note(_ text: String) {
    guard !quiet else { return }
    let lines = text.wrapped(to: TerminalDevice.standardError.width, indent: 2)
    Console.tell(lines.map { $0 + "\n" }.joined())
  }

  /// What a value says of itself.
  func note(_ value: some CustomStringConvertible) { note(value.description) }
}

/// Says which numbers of a file's weights are not finite, also to who wants no progress.
func tellNonFinite(_ parameters: [NonFiniteParameter], in path: String) {
  guard !parameters.isEmpty else { return }
  let shown = parameters.prefix(3).map(\.description).joined(separator: ", ")
  let more = parameters.count > 3 ? " and of \(parameters.count - 3) more" : ""
  Console.tell(
    "\(path): numbers that are not finite: \(shown)\(more); what this network says is no answer\n")
}

/// Says what of some data is passed over, and what it lacks.
func noteGaps(in dataset: any Dataset, _ shared: SharedOptions) {
  if !dataset.passedOver.isEmpty {
    let kinds = dataset.passedOver.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
    shared.note("passed over in \(dataset.name): \(kinds.joined(separator: ", "))")
  }
  let empty = dataset.emptyClassNames
  if !empty.isEmpty {
    shared.note(
      "\(empty.count) of \(plural(dataset.classNames.count, dataset.targetKind.noun.one, dataset.targetKind.noun.many)) of \(dataset.name) have no picture here: "
        + classList(empty, limit: 5))
  }
  let everywhere = dataset.sharedLabelNames
  if !everywhere.isEmpty {
    shared.note(
      "every picture of \(dataset.name) here has \(plural(everywhere.count, "label")) in common, which is right whenever it is said: "
        + classList(everywhere, limit: 5))
  }
}

/// How the network is computed.
struct ComputeArguments: ParsableArguments {
  @Option(
    name: .customLong("tune"),
    help: ArgumentHelp(
      "How the algorithm of each convolution is chosen: off, by rule; cached, as measured earlier; full, by measuring now. Default: cached.",
      valueName: "off|cached|full"))
  var givenTuning: ComputeOptions.Tuning?

  var tuning: ComputeOptions.Tuning { givenTuning ?? .cached }

  @Flag(help: "Compute convolutions as they are written: slower, and more precise.")
  var exact = false

  func options(
    _ shared: SharedOptions, recomputing: Recomputation = .normalizations
  ) -> ComputeOptions {
    ComputeOptions(
      threads: shared.threadCount, tuning: tuning, isExact: exact, recomputation: recomputing)
  }
}

extension ComputeOptions.Tuning: ExpressibleByArgument {}

/// How the network is computed by commands that do not train.
struct InferenceArguments: ParsableArguments {
  @OptionGroup var compute: ComputeArguments

  @Option(
    help: ArgumentHelp(
      "How the weights of dense layers are kept: fewer bits are faster at small batches, take less memory, and are less precise.",
      valueName: "float32|bfloat16|int8"))
  var denseWeights = ComputeOptions.DenseWeights.float32

  func options(
    _ shared: SharedOptions, recomputing: Recomputation = .normalizations
  ) -> ComputeOptions {
    var options = compute.options(shared, recomputing: recomputing)
    options.denseWeights = denseWeights
    return options
  }

  /// For commands of both modes.
  func validate(for mode: Mode) throws {
    guard mode == .training, denseWeights != .float32 else { return }
    throw ValidationError(
      "--dense-weights is \(denseWeights.rawValue), must be float32 for --mode training: weights of fewer bits are for inference"
    )
  }
}

extension ComputeOptions.DenseWeights: ExpressibleByArgument {}

/// How a training step trades time for memory.
struct MemoryArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What a training step computes a second time instead of keeping it in memory: off; normalizations, the large ones; blocks, most of the forward pass.",
      valueName: "off|normalizations|blocks"))
  var recompute = Recomputation.normalizations
}

extension Recomputation: ExpressibleByArgument {}

/// What of the pictures of a CSV file is to be told.
struct TargetOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What pictures are told by in a CSV file: one class, several labels, or numbers. Default: what its columns look like.",
      valueName: "classes|labels|numbers"))
  var targets: TargetKind?

  @Option(
    help: ArgumentHelp(
      "The columns of a CSV file that are to be told. Default: all of the kind.",
      valueName: "name,name"))
  var targetColumns: String?

  var selection: TargetSelection {
    TargetSelection(
      targets,
      columns: targetColumns.map {
        $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      })
  }

  /// As given, or what a model tells: of numbers those that it was trained on, where the file names columns.
  func source(_ data: String, root: String?, for model: Model?) throws -> DatasetSource {
    guard targets == nil, targetColumns == nil, let model, model.targetKind != .classes else {
      return try DatasetCatalog.source(data, root: root, targets: selection)
    }
    let kind = TargetSelection(model.targetKind)
    guard model.targetKind == .numbers, !model.classNames.isEmpty else {
      return try DatasetCatalog.source(data, root: root, targets: kind)
    }
    do {
      return try DatasetCatalog.source(
        data, root: root, targets: TargetSelection(.numbers, columns: model.classNames))
    } catch let error as CSVError {
      guard case .unknownColumn(_, known: [], _) = error.problem else { throw error }
      return try DatasetCatalog.source(data, root: root, targets: kind)
    }
  }
}

extension TargetKind: ExpressibleByArgument {}

/// Where the data lies.
struct DataOptions: ParsableArguments {
  @Option(help: Self.dataHelp) var data: String
  @Option(help: Self.rootHelp) var dataRoot: String?
  @Option(help: Self.splitHelp) var split: Double?
  @OptionGroup var targets: TargetOptions

  static let dataHelp = ArgumentHelp(
    "A data set by name or path.",
    discussion: """
      Names: \(DatasetCatalog.names.joined(separator: ", ")). Paths: a folder with one \
      subfolder of pictures a class, perhaps under train and val; a CSV file of paths and \
      classes, labels or numbers; tar shards as 'train-{000..146}.tar'; IDX and CIFAR files.
      """, valueName: "name|path")
  static let rootHelp = ArgumentHelp(
    "The folder in which a data set's files lie.", valueName: "folder")
  static let splitHelp = ArgumentHelp(
    "The share of each class to hold out, of data without a part to test on.",
    discussion: "Drawn by --seed and the pictures' names.", valueName: "share")

  func validate() throws { try Self.validate(split: split) }

  static func validate(split: Double?) throws {
    guard let split else { return }
    guard split > 0, split <= 1 else {
      throw ValidationError("--split is \(split), must be above 0, at most 1")
    }
  }

  /// - Parameter model: that is to be measured by the data.
  func source(for model: Model? = nil) throws -> DatasetSource {
    try targets.source(data, root: dataRoot, for: model)
  }

  func holdout(seed: UInt64) -> Holdout? { split.map { Holdout(share: $0, seed: seed) } }
}

/// The same for a training, which finds in its checkpoint what is left out.
struct TrainingDataOptions: ParsableArguments {
  @Option(help: DataOptions.dataHelp) var data: String?
  @Option(help: DataOptions.rootHelp) var dataRoot: String?
  @Option(help: Self.splitHelp) var split: Double?
  @OptionGroup var targets: TargetOptions

  private static let splitHelp = ArgumentHelp(
    "The share of each class, of what there is to train on, to hold out; 0 trains on all.",
    discussion: """
      Drawn by --seed and the pictures' names. Default: the recipe's; else \
      \(HumanReadable.quantity(Holdout.usualShare)) of data without a part to test on, and none \
      of other data. With none, data is validated on its part to test on; without that there is \
      no validation, and the learning rate goes by the training loss.
      """, valueName: "share")

  func validate() throws {
    guard let split, !(0...1 ~= split) else { return }
    throw ValidationError("--split is \(split), must be from 0 to 1")
  }
}

/// Prints a value as one line of JSON, keys in alphabetical order; numbers that are not finite as
/// text.
func printJSON(_ value: some Encodable) throws {
  try print(printed(value))
}

/// A value that JSON has as `null` where there is none, so that a value has the same keys always.
@propertyWrapper
struct Nullable<Value: Encodable>: Encodable {
  var wrappedValue: Value?

  init(wrappedValue: Value?) { self.wrappedValue = wrappedValue }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(wrappedValue)
  }
}

/// As it is printed: bytes of paths that are no characters are shown as such.
private func printed(_ value: some Encodable) throws -> String {
  FileSystem.readable(try jsonLine(value), backslash: "\\\\")
}

/// An array of JSON values on one line, each printed when it is there.
struct JSONRows {
  private(set) var isEmpty = true

  mutating func print(_ row: some Encodable) throws {
    let line = try printed(row)
    try Console.write((isEmpty ? "[" : ",") + line)
    isEmpty = false
  }

  /// Ends the array.
  func finish() throws { try Console.write(isEmpty ? "[]\n" : "]\n") }
}

/// Does work that writes into a folder, which is created with those above it. Where the work fails and leaves nothing, so are
/// they again.
func withOutputFolder(_ path: String, _ work: () throws -> Void) throws {
  var made: [String] = []
  do {
    made = try createOutputFolder(path)
    try work()
  } catch {
    FileSystem.removeEmptyFolders(made)
    throw error
  }
}

/// Creates a folder for results, and those above it.
///
/// - Returns: those that were not there before, the outermost first.
@discardableResult
func createOutputFolder(_ path: String) throws -> [String] {
  let made: [String]
  do throws(FileError) {
    made = try FileSystem.createFolder(path)
  } catch {
    throw UnwritableOutput(path: path, reason: "\(error.problem)")
  }
  guard FileSystem.isWritable(path) else {
    throw UnwritableOutput(path: path, reason: "the folder is not writable")
  }
  return made
}

/// Refuses a file for results in a folder that does not exist, before there are results to lose.
func requireFolder(of path: String, _ option: String) throws {
  let folder = path.lastIndex(of: "/").map { path[...$0] } ?? "."
  guard FileSystem.isFolder(String(folder)) else {
    throw UnwritableOutput(path: path, reason: "there is no folder \(folder)", option: option)
  }
}

/// A place that cannot be written to.
struct UnwritableOutput: ReadableError {
  var path: String
  var reason: String
  var option = "--output"
  var description: String {
    "cannot write to \(path): \(reason); name another folder with \(option)"
  }
}

/// A folder without a training that could go on.
struct NoTraining: ReadableError {
  var folder: String
  var description: String {
    "\(folder) holds no training to go on with: \(RunFolder(folder).checkpointPath) is not there; name the folder "
      + "of one with --output, or begin one without --resume"
  }
}

/// A folder for results that holds others.
struct UsedFolder: ReadableError {
  var folder: String
  var found: [String]
  var remedies: [String]

  init(folder: String, found: [String], remedies: [String]) {
    self.folder = folder
    self.found = found
    self.remedies = remedies
  }

  /// Of a training.
  init(_ error: UsedFolderError) {
    self.init(
      folder: error.folder, found: error.found,
      remedies: (error.hasCheckpoint ? ["go on with --resume"] : [])
        + ["replace it with --overwrite"])
  }

  var description: String {
    let names = found.count > 3 ? found.prefix(3) + ["…"] : found[...]
    return "\(folder) holds results already (\(names.joined(separator: ", "))); "
      + (remedies + ["name another folder with --output"]).joined(separator: ", or ")
  }
}
