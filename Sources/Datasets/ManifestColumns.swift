import ConvNetFiles
import ConvNetImages
import Foundation

/// Which columns of a CSV file of pictures hold what.
struct ManifestColumns: Sendable {
  /// What the pictures are told by.
  enum Targets: Hashable, Sendable {
    /// The name of a class.
    case className(Int)
    /// The names of labels, between marks; between spaces where there are no other.
    case labelList(Int, separator: Character)
    /// A column a label, 1 where it is there and 0 where it is not.
    case flags([Int])
    /// A column a number.
    case numbers([Int])

    var kind: TargetKind {
      switch self {
      case .className: .classes
      case .labelList, .flags: .labels
      case .numbers: .numbers
      }
    }
  }

  var path: Int
  var part: Int?
  var targets: Targets
  /// Whether the first row names the columns.
  var hasHeader: Bool
  /// Of all columns.
  var names: [String]

  static let pathNames = ["path", "file", "filename", "image", "filepath", "image_path", "img"]
  static let classNames = ["label", "class", "category", "target", "class_name", "label_name"]
  static let labelNames = ["labels", "tags", "classes", "categories", "targets"]
  static let partNames = ["split", "part", "set", "subset"]

  /// - Parameter rows: all, the first of which may name the columns.
  /// - Throws: what is wrong with the first row.
  init(of rows: [CSVReader.Row], _ selection: TargetSelection) throws(CSVError.Problem) {
    guard let first = rows.first?.fields else {
      self.init(targets: .className(1), names: [])
      return
    }
    let names = first.map { $0.trimmingCharacters(in: .whitespaces) }
    let known = names.map { $0.lowercased() }
    func column(_ list: [String]) -> Int? {
      list.lazy.compactMap { known.firstIndex(of: $0) }.first
    }
    guard let path = column(Self.pathNames) else {
      try self.init(withoutHeader: rows, selection)
      return
    }
    let part = column(Self.partNames)
    let others = names.indices.filter { $0 != path && $0 != part && !names[$0].isEmpty }
    let chosen = try selection.columns.map { wanted throws(CSVError.Problem) in
      try Self.places(of: wanted, among: others, names)
    }
    let rows = rows.dropFirst()
    let targets: Targets? =
      switch selection.kind {
      case .classes:
        if let chosen {
          chosen.count == 1 ? .className(chosen[0]) : nil
        } else {
          column(Self.classNames).map { .className($0) }
        }
      case .labels:
        Self.labels(
          chosen ?? column(Self.labelNames).map { [$0] } ?? column(Self.classNames).map { [$0] }
            ?? others, rows)
      case .numbers: others.isEmpty ? nil : .numbers(chosen ?? others)
      case nil:
        if let chosen {
          Self.recognized(chosen, rows) ?? Self.list(chosen, rows)
        } else {
          column(Self.classNames).map { .className($0) }
            ?? column(Self.labelNames).flatMap { Self.labels([$0], rows) }
            ?? Self.recognized(others, rows)
        }
      }
    guard let targets else {
      if selection.kind == nil, selection.columns == nil { throw Self.problem(ofColumns: first) }
      throw .noTargets(columns: names, kind: selection.kind)
    }
    try Self.requireOwnNames([path, part].compactMap(\.self), among: known)
    switch targets {
    case .className(let place), .labelList(let place, _):
      try Self.requireOwnNames([place], among: known)
    case .flags(let places), .numbers(let places):
      try Self.requireOwnNames(places, among: names)
    }
    self.init(path: path, part: part, targets: targets, hasHeader: true, names: names)
  }

  private init(
    path: Int = 0, part: Int? = nil, targets: Targets, hasHeader: Bool = false, names: [String]
  ) {
    self.path = path
    self.part = part
    self.targets = targets
    self.hasHeader = hasHeader
    self.names = names
  }

  /// Without a header the path stands first.
  private init(
    withoutHeader rows: [CSVReader.Row], _ selection: TargetSelection
  ) throws(CSVError.Problem) {
    let first = rows[0].fields
    if let wanted = selection.columns {
      throw .unknownColumn(wanted.first ?? "", known: [], suggestions: [])
    }
    let others = Array(first.indices.dropFirst())
    let targets: Targets? =
      switch selection.kind {
      case .classes, nil: others.count == 1 ? .className(1) : nil
      case .labels: Self.labels(others, rows[...])
      case .numbers: others.isEmpty ? nil : .numbers(others)
      }
    guard let targets else { throw Self.problem(ofColumns: first) }
    let noun = targets.kind.noun.one
    self.init(targets: targets, names: first.indices.map { "\(noun) \($0)" })
  }

  /// - Throws: which has the name of another.
  private static func requireOwnNames(
    _ places: [Int], among names: [String]
  ) throws(CSVError.Problem) {
    let counts = Dictionary(names.map { ($0, 1) }, uniquingKeysWith: +)
    for place in places where counts[names[place], default: 0] > 1 {
      throw .sharedName(names[place])
    }
  }

  /// - Throws: which is not there, or twice.
  private static func places(
    of wanted: [String], among others: [Int], _ names: [String]
  ) throws(CSVError.Problem) -> [Int] {
    var places: [Int] = []
    for name in wanted {
      let name = name.trimmingCharacters(in: .whitespaces)
      let place =
        others.first { names[$0] == name }
        ?? others.first { names[$0].lowercased() == name.lowercased() }
      guard let place else {
        let known = others.map { names[$0] }
        throw .unknownColumn(name, known: known, suggestions: nearestNames(to: name, among: known))
      }
      guard !places.contains(place) else { throw .repeatedColumn(name) }
      places.append(place)
    }
    return places
  }

  /// Columns of 0 and 1, or one column of names.
  private static func labels(_ columns: [Int], _ rows: ArraySlice<CSVReader.Row>) -> Targets? {
    if columns.count == 1, !areNumbers(columns, rows, { $0 == 0 || $0 == 1 }) {
      return list(columns, rows)
    }
    return columns.isEmpty ? nil : .flags(columns)
  }

  private static func list(_ columns: [Int], _ rows: ArraySlice<CSVReader.Row>) -> Targets? {
    guard columns.count == 1 else { return nil }
    let separator = ["|", ";", ","].first { mark in
      rows.contains { $0.fields.count > columns[0] && $0.fields[columns[0]].contains(mark) }
    }
    return .labelList(columns[0], separator: separator.map { Character($0) } ?? " ")
  }

  private static func recognized(
    _ columns: [Int], _ rows: ArraySlice<CSVReader.Row>
  ) -> Targets? {
    guard !columns.isEmpty, areNumbers(columns, rows, { _ in true }) else { return nil }
    return areNumbers(columns, rows) { $0 == 0 || $0 == 1 } ? .flags(columns) : .numbers(columns)
  }

  /// Whether columns hold such numbers. Where most fields are numbers, the others are faults and no other kind of column.
  private static func areNumbers(
    _ columns: [Int], _ rows: ArraySlice<CSVReader.Row>, _ isSuch: (Double) -> Bool
  ) -> Bool {
    columns.allSatisfy { column in
      var (numbers, others) = (0, 0)
      for row in rows where row.fields.count > column && !row.fields[column].isEmpty {
        guard let number = number(row.fields[column]) else {
          others += 1
          continue
        }
        guard isSuch(number) else { return false }
        numbers += 1
      }
      return numbers > others
    }
  }

  /// A number in the notation of Swift and of most programs that is finite in 32 bits; `nil` of another text.
  static func number(_ text: String) -> Double? {
    // No hexadecimal digits, and no names of infinity.
    func isPlain(_ text: String) -> Bool {
      text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"),
          UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"):
          true
        default: false
        }
      }
    }
    let text = isPlain(text) ? text : text.trimmingCharacters(in: .whitespaces)
    guard isPlain(text), let number = Double(text), Float(number).isFinite else { return nil }
    return number
  }

  /// Why the first line does not say the columns.
  private static func problem(ofColumns fields: [String]) -> CSVError.Problem {
    guard fields.count == 1 else { return .columns(fields) }
    let names = [";": "semicolons", "\t": "tabs", "|": "bars", ",": "commas"]
    let found = names.first { fields[0].contains($0.key) }
    return found.map {
      .separator(found: $0.value, expected: $0.key == "," ? "tabs in a .tsv file" : "commas")
    } ?? .columns(fields)
  }

  /// What a row says, as far as it is as it must be.
  func record(_ row: CSVReader.Row, file: String) throws(CSVError) -> ManifestTable.Record {
    func fail(_ problem: CSVError.Problem) -> CSVError {
      CSVError(file: file, line: row.line, problem: problem)
    }
    let path = row.fields[path]
    guard !path.isEmpty else { throw fail(.emptyField(column: "path")) }
    func number(
      in column: Int, _ requirement: (Double) -> CSVError.Problem?
    ) throws(CSVError) -> Double {
      let text = row.fields[column].trimmingCharacters(in: .whitespaces)
      guard !text.isEmpty else { throw fail(.emptyField(column: names[column])) }
      guard let number = Self.number(text) else {
        throw fail(.notANumber(column: names[column], text))
      }
      if let problem = requirement(number) { throw fail(problem) }
      return number
    }
    var record = ManifestTable.Record(path: path, line: row.line)
    switch targets {
    case .className(let column):
      let name = row.fields[column].trimmingCharacters(in: .whitespaces)
      guard !name.isEmpty else { throw fail(.emptyField(column: "label")) }
      record.names = [name]
    case .labelList(let column, let separator):
      record.names = row.fields[column].split(separator: separator)
        .map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    case .flags(let columns):
      for column in columns {
        let text = row.fields[column]
        record.numbers.append(
          try number(in: column) {
            $0 == 0 || $0 == 1 ? nil : .notZeroOrOne(column: names[column], text)
          })
      }
    case .numbers(let columns):
      for column in columns { record.numbers.append(try number(in: column) { _ in nil }) }
    }
    guard let part else { return record }
    switch row.fields[part].trimmingCharacters(in: .whitespaces).lowercased() {
    case "train", "training": record.part = .train
    case "val", "valid", "validation": record.part = .validation
    case "test": record.part = .test
    default: throw fail(.unknownPart(row.fields[part]))
    }
    return record
  }
}
