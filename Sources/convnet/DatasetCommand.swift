public import ArgumentParser
import ConvNet

struct DatasetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dataset", abstract: "Check a data set, look at its pictures, or divide them.",
    subcommands: [
      DatasetVerifyCommand.self, DatasetInspectCommand.self, DatasetExportCommand.self,
      DatasetSplitCommand.self, LoadingCommand.self,
    ])
}

/// The data that a command looks at.
struct DatasetArgument: ParsableArguments {
  @Argument(
    help: ArgumentHelp(
      "A data set's name; a folder of pictures, of tar shards or of IDX or CIFAR files; a CSV file.",
      valueName: "data"))
  var data: String

  @Option(help: ArgumentHelp("The folder in which a data set's files lie.", valueName: "folder"))
  var dataRoot: String?

  @OptionGroup var targets: TargetOptions

  func source() throws -> DatasetSource {
    try targets.source(data, root: dataRoot, for: nil)
  }
}

/// Which part of the data, for commands that look at one.
struct PartOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "train or test, where the data has parts.", discussion: "The whole, where it has none."))
  var part = DatasetSplit.test

  func load(_ source: DatasetSource) throws -> any Dataset {
    try source.load(source.isTrainingOnly ? .train : part)
  }
}

extension DatasetSplit: ExpressibleByArgument {}
