import ArgumentParser
import ConvNet

struct ModelsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "models", abstract: "List the networks that ConvNet knows by name.")

  @OptionGroup var shared: SharedOptions

  private struct Row: Encodable {
    var name: String
    /// Other names, where it has any.
    var aliases: [String]?
    var paper: String
    var year: Int
    var input: [Int]
    var parameters: Int
    var multiplyAdds: Int
    /// Networks with the same parameters by name and shape, and what this one computes otherwise.
    var twins: [TwinRow]?
  }

  func run() throws {
    let rows = try ModelRegistry.entries.map { entry in
      let table = try entry.network.graph().withoutAuxiliaries.layerTable
      return Row(
        name: entry.name, aliases: entry.aliases.isEmpty ? nil : entry.aliases, paper: entry.paper,
        year: entry.year,
        input: [entry.defaults.height, entry.defaults.width, entry.defaults.channels],
        parameters: table.reduce(0) { $0 + $1.parameters },
        multiplyAdds: table.reduce(0) { $0 + $1.multiplyAdds }, twins: TwinRow.rows(of: entry))
    }
    if shared.json { return try printJSON(rows) }
    var table = Table([
      .init("name", leastWidth: 24), .init("year", .right, dispensability: 1),
      .init("input", .right, dispensability: 2), .init("parameters", .right),
      .init("multiply-adds", .right, dispensability: 3),
      .init("paper", dispensability: 4, leastWidth: 40),
    ])
    for row in rows {
      table.append([
        row.name, "\(row.year)",
        Shape(row.input).description,
        HumanReadable.count(row.parameters), HumanReadable.count(row.multiplyAdds), row.paper,
      ])
    }
    try Console.write(table)
    let aliases = rows.compactMap { row in
      row.aliases.map { "\($0.joined(separator: ", ")) for \(row.name)" }
    }
    try print("")
    try Console.write(wrapping: "Other names: \(aliases.joined(separator: "; "))")
    try print("")
    try Console.write(
      wrapping: "Twins have the same parameters by name and shape, and compute something else:")
    var told: Set<String> = []
    for row in rows {
      // A pair once, from the side of the one that comes later and is the exception.
      for twin in row.twins ?? [] where told.contains(twin.name) {
        try Console.write(wrapping: "  \(twin.sentence(of: row.name))", indent: 4)
      }
      told.insert(row.name)
    }
  }
}

/// A network that weights alone do not tell from another.
struct TwinRow: Encodable {
  var name: String
  var differences: [String]
  private var summary: String

  private enum CodingKeys: CodingKey {
    case name, differences
  }

  /// `nil` where a network has none.
  static func rows(of entry: ModelEntry?) -> [TwinRow]? {
    let twins = entry?.twins ?? []
    return twins.isEmpty
      ? nil
      : twins.map {
        TwinRow(
          name: $0.name, differences: $0.differences.map(\.description),
          summary: $0.differences.summary)
      }
  }

  func sentence(of network: String) -> String {
    "\(network) has the parameters of \(name), and \(summary)"
  }
}
