import ArgumentParser
import ConvNet

struct DatasetSplitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "split", abstract: "Divide pictures into parts that test each other.",
    discussion: """
      Writes a list a part, fold-1.csv and so on: in each the pictures of that part
      are to validate on, all others to train on. `convnet train --data` takes such a
      list. Classes are spread evenly. Pictures that belong together, by a list of
      groups or by what their names have in common, are never in two parts.

      EXAMPLES
        convnet dataset split pictures --folds 5 --output folds
        convnet train --model resnet18 --data folds/fold-1.csv --output runs/fold-1
        convnet dataset split scans --folds 4 --group-by '^[^/]+/(patient[0-9]+)' \\
          --output folds
        convnet dataset split scans --folds 4 --groups patients.csv --output folds
      """)

  @OptionGroup var data: DatasetArgument
  @Option(help: "Parts.") var folds = 5
  @Option(
    help: ArgumentHelp(
      "A CSV file that says of pictures, by their names in the data, which group they are of.",
      valueName: "file.csv"))
  var groups: String?
  @Option(
    help: ArgumentHelp(
      "What in the name of a picture is its group: the first parentheses of a regular expression, or all of it.",
      valueName: "expression"))
  var groupBy: String?
  @Option(help: ArgumentHelp("Where to write the lists.", valueName: "folder")) var output: String
  @Flag(help: "Replace the lists that the folder holds.") var overwrite = false
  @OptionGroup var shared: SharedOptions

  private struct Row: Encodable {
    var file: String
    var train: Int
    var validation: Int
    /// Pictures to validate on, by class.
    var classes: [String: Int]
  }

  func validate() throws {
    guard folds >= 2 else { throw ValidationError("--folds is \(folds), must be at least 2") }
    guard groups == nil || groupBy == nil else {
      throw ValidationError("--groups and --group-by say the same thing; give one of them")
    }
  }

  func run() throws {
    let dataset = try data.source().loadWhole()
    let given = groups.map { PictureGroups.list(path: $0) } ?? groupBy.map { .pattern($0) }
    let own = try given?.groups(of: dataset)
    if let own {
      let loose = own.count { $0 == nil }
      shared.note(
        "\(plural(Set(own.compactMap(\.self)).count, "group"))"
          + (loose > 0 ? "; \(plural(loose, "picture")) in none, each by itself" : ""))
    }
    let parts = try DatasetFolds(of: dataset, count: folds, seed: shared.seed, groups: own)
    let lists = try FoldLists(parts, of: dataset)
    let names = (1...folds).map { "fold-\($0).csv" }
    let found = names.filter { FileSystem.exists("\(output)/\($0)") }
    try OutputFiles.require(
      found.map { NamedFile("the list", "\(output)/\($0)") },
      apartFrom: data.read + [NamedFile("--groups", groups)])
    guard overwrite || found.isEmpty else {
      throw UsedFolder(
        folder: output, found: found, remedies: ["replace them with --overwrite"])
    }
    try createOutputFolder(output)
    var rows: [Row] = []
    for (fold, name) in names.enumerated() {
      try lists.write(fold: fold, to: "\(output)/\(name)")
      let members = parts.parts.indices.filter { parts.parts[$0] == fold }
      let classes = members.reduce(into: [String: Int]()) {
        for (name, target) in zip(dataset.classNames, dataset.targets(at: $1))
        where dataset.targetKind != .numbers && target > 0.5 { $0[name, default: 0] += 1 }
      }
      rows.append(
        Row(
          file: "\(output)/\(name)", train: dataset.count - members.count,
          validation: members.count, classes: classes))
    }
    if shared.json { return try printJSON(rows) }
    var table = Table([
      .init("list"), .init("to train on", .right), .init("to validate on", .right),
      .init("of a class", .right),
    ])
    for row in rows {
      let (least, most) = (row.classes.values.min() ?? 0, row.classes.values.max() ?? 0)
      table.append([
        row.file, "\(row.train)", "\(row.validation)",
        least == most ? "\(least)" : "\(least) to \(most)",
      ])
    }
    try Console.write(table)
  }
}
