import ArgumentParser
import ConvNet
import Foundation

/// What every command takes.
struct SharedOptions: ParsableArguments {
  @Flag(help: "Print one JSON value for machines.")
  var json = false

  @Option(help: "Threads to compute on. Default: the processors that this process may use.")
  var threads: Int?

  @Option(help: "Seed of every random number.")
  var seed: UInt64 = 0

  @Flag(help: "No progress on standard error.")
  var quiet = false

  func validate() throws {
    if let threads, threads < 1 {
      throw ValidationError("--threads is \(threads), must be at least 1")
    }
  }

  var threadCount: Int { threads ?? Threads.available }

  /// Something to tell a person, beside the results.
  func note(_ text: String) {
    guard !quiet else { return }
    FileHandle.standardError.write(Data((text + "\n").utf8))
  }
}

/// Where the data lies.
struct DataOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A data set by name, or a folder with one subfolder of pictures a class.",
      discussion: "Names: \(DatasetCatalog.names.joined(separator: ", ")).", valueName: "name|folder"))
  var data: String

  @Option(help: ArgumentHelp("The folder in which a data set's files lie.", valueName: "folder"))
  var dataRoot: String?

  func load(_ split: DatasetSplit) throws -> any Dataset {
    try DatasetCatalog.load(data, root: dataRoot, split: split)
  }
}

/// Prints a value as one line of JSON, keys in alphabetical order.
func printJSON(_ value: some Encodable) throws {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  print(String(decoding: try encoder.encode(value), as: UTF8.self))
}
