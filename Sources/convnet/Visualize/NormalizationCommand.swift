import ArgumentParser
import ConvNet

struct NormalizationCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "normalization",
    abstract: "Draw which numbers of a batch share a mean: batch, layer, instance, group.",
    discussion: """
      EXAMPLES
        convnet visualize normalization --output n.svg
        convnet visualize normalization --examples 4 --channels 8 --groups 4 \\
          --output n.svg
      """)

  @Option(help: "Examples of the batch.") var examples = 6
  @Option(help: "Channels.") var channels = 6
  @Option(help: "Rows and columns of a channel.") var positions = 6
  @Option(help: "Groups of channels of group normalization.") var groups = 2
  @OptionGroup var result: PictureOutput
  @OptionGroup var shared: SharedOptions

  private struct Row: Encodable {
    var name: String
    var axes: String
    var statistics: Int
  }

  func run() throws {
    try result.require()
    let figure = try NormalizationFigure(
      examples: examples, channels: channels, side: positions, groups: groups)
    try result.write(figure)
    let rows = figure.kinds.map { kind in
      Row(
        name: kind.name, axes: kind.axes,
        statistics: kind.statistics(examples: examples, channels: channels))
    }
    if shared.json { return try printJSON(rows) }
    for row in rows {
      try print("\(row.name): over \(row.axes), \(plural(row.statistics, "mean"))")
    }
    try print("saved \(result.output)")
  }
}
