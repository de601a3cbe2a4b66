public import ArgumentParser
public import ConvNet
import Foundation

/// Which views of a picture are scored.
struct ProtocolOptions: ParsableArguments {
  @Option(
    name: .customLong("protocol"),
    help: ArgumentHelp(
      "What of a picture is shown. Default: what the model's file says.",
      discussion: Views.names.map { "\($0): \(Views.summary(of: $0))." }.joined(separator: " "),
      valueName: "name"))
  var name: String?

  @Option(
    help: ArgumentHelp(
      "Several protocols, each measured on the same pictures.", valueName: "name,name"))
  var compare: NameList?

  @Option(
    help: ArgumentHelp(
      "Parts of a protocol of one's own: pixels of the shorter side, each scale by itself.",
      valueName: "side,side"))
  var scales: SideList?

  @Option(
    help: ArgumentHelp(
      "Of how many squares of the picture crops are taken: 0, all of it; 1, the middle; 3.",
      valueName: "0|1|3"))
  var squares: Int?

  @Option(
    help: ArgumentHelp(
      "Which crops: corners, center, whole (squashed), dense (all, the network applied to any size), gridN (N x N).",
      valueName: "crop,crop"))
  var crops: NameList?

  @Flag(help: "All of it once more of the reflected picture.") var flips = false

  @Option(
    help: ArgumentHelp(
      "Of what of the views the mean is. Default: probabilities.", valueName: "probabilities|logits"
    ))
  var average: Views.Average?

  @Option(
    help: ArgumentHelp(
      "A published table, beside whose rows the scores are put.",
      discussion: PublishedTable.all.map { "\($0.name): \($0.title)." }.joined(separator: " ")
        + " The protocols are those of the rows, where none are named.",
      valueName: "name"))
  var table: TableName?

  @Option(
    help: ArgumentHelp(
      "Among which classes the answer is sought: all of the model's, or the data's own. Default: all.",
      valueName: "all|data"))
  var among = ProtocolEvaluation.ScoredClasses.all

  /// Whether nothing is said.
  var isUsual: Bool {
    name == nil && compare == nil && average == nil && table == nil && among == .all && !hasParts
  }

  private var hasParts: Bool { scales != nil || squares != nil || crops != nil || flips }

  func validate() throws {
    guard [name != nil, compare != nil, hasParts].count(where: { $0 }) <= 1 else {
      throw ValidationError(
        "--protocol, --compare and the parts (--scales, --squares, --crops, --flips) each say what is shown; give one of them"
      )
    }
    if let squares, Views.Squares(rawValue: squares) == nil {
      throw ValidationError("--squares is \(squares), must be 0, 1 or 3")
    }
    for crop in crops?.names ?? [] where Self.window(crop) == nil {
      throw ValidationError(
        "--crops has \(crop), must be of corners, center, whole, dense and gridN, such as grid5")
    }
    for known in (compare?.names ?? []) + [name].compactMap(\.self)
    where !Views.names.contains(known) {
      throw ValidationError(
        "\(ViewsError.unknown(known, nearest: nearestNames(to: known, among: Views.names)))")
    }
  }

  private static func window(_ name: String) -> Views.Window? {
    switch name {
    case "corners": .corners
    case "center": .center
    case "whole": .whole
    case "dense": .dense
    case _ where name.hasPrefix("grid"):
      Int(name.dropFirst(4)).flatMap { 1...32 ~= $0 ? .grid($0) : nil }
    default: nil
    }
  }

  /// The protocols for a model, one of several.
  func views(of model: Model, among models: [Model]) throws -> [Views] {
    guard let preprocessing = model.preprocessing else {
      throw InferenceError.noPreprocessing(model: model.graph.name)
    }
    var result: [Views]
    if hasParts {
      let single = try Views.named(
        "single", for: preprocessing, trainedWith: model.augmentation)
      result = [
        Views(
          "own", scales: scales?.sides.map { .shorterSide($0) } ?? single.parts[0].scales,
          squares: squares.flatMap(Views.Squares.init) ?? .none,
          windows: crops?.names.compactMap(Self.window) ?? [.center], reflects: flips)
      ]
    } else {
      let named = compare?.names ?? name.map { [$0] }
      let tables = table?.table.protocols(for: models.map(\.graph.name))
      result = try (named ?? tables ?? ["prepared"]).map {
        try Views.named($0, for: preprocessing, trainedWith: model.augmentation)
      }
    }
    if let average {
      for index in result.indices { result[index].average = average }
    }
    return result
  }
}

extension Views.Average: ExpressibleByArgument {}
extension ProtocolEvaluation.ScoredClasses: ExpressibleByArgument {}

/// A published table by its name.
struct TableName: ExpressibleByArgument {
  var table: PublishedTable

  init?(argument: String) {
    guard let table = PublishedTable.named(argument) else { return nil }
    self.table = table
  }

  static var allValueStrings: [String] { PublishedTable.all.map(\.name) }
}

/// `single,10-crop` on the command line.
struct NameList: ExpressibleByArgument {
  var names: [String]

  init?(argument: String) {
    names = argument.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
    guard !names.isEmpty, Set(names).count == names.count else { return nil }
  }
}

/// `256,288` on the command line.
struct SideList: ExpressibleByArgument, CustomStringConvertible {
  var sides: [Int]
  var description: String { sides.map(String.init).joined(separator: ",") }

  init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
    sides = parts.compactMap { Int($0.trimmingCharacters(in: .whitespaces)) }
    guard !sides.isEmpty, sides.count == parts.count, sides.allSatisfy({ 1...1 << 14 ~= $0 })
    else { return nil }
  }
}
