import ArgumentParser
import ConvNet

struct ModelsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "models", abstract: "List the networks that ConvNet knows by name.")

  @OptionGroup var shared: SharedOptions

  private struct Row: Encodable {
    var name: String
    var paper: String
    var year: Int
    var input: [Int]
    var parameters: Int
    var multiplyAdds: Int
  }

  func run() throws {
    let rows = try ModelRegistry.entries.map { entry in
      let table = try entry.network.graph().withoutAuxiliaries.layerTable
      return Row(
        name: entry.name, paper: entry.paper, year: entry.year,
        input: [entry.defaults.height, entry.defaults.width, entry.defaults.channels],
        parameters: table.reduce(0) { $0 + $1.parameters },
        multiplyAdds: table.reduce(0) { $0 + $1.multiplyAdds })
    }
    if shared.json { return try printJSON(rows) }
    var table = Table([
      .init("name"), .init("year", .right), .init("input", .right), .init("parameters", .right),
      .init("multiply-adds", .right), .init("paper"),
    ])
    for row in rows {
      table.append([
        row.name, "\(row.year)", Shape(row.input).description,
        HumanReadable.count(row.parameters), HumanReadable.count(row.multiplyAdds), row.paper,
      ])
    }
    try print(table.plainText(width: TerminalDevice.standardOutput.width), terminator: "")
  }
}
