import ConvNetFiles
public import ConvNetTensors
import Foundation

/// Pictures that a CSV file lists, with their labels: a row a picture, `path,label`.
///
/// A header may name the columns, in any order and with others between them: `path` (or `file`,
/// `filename`, `image`, `filepath`, `image_path`), `label` (or `class`, `category`, `target`) and
/// perhaps `split` (or `part`, `set`, `subset`): train, val or test. Where there are rows of both,
/// those of val are the part to test on. Without a header the first column is the path, the second
/// the label. Paths are relative to the file's folder. Fields are separated by
/// commas, in a `.tsv` file by tabs, and quoted as RFC 4180 says. Classes are the labels in natural
/// order.
public struct ImageManifest: EncodedDataset {
  /// The file.
  public let name: String
  public let classNames: [String]
  private let files: PictureFiles
  /// Of the file, where each picture is listed.
  private let lines: [Int]
  public let passedOver: [String: Int]
  /// Rows that cannot be used, where the file was read to be verified.
  let faults: [CSVError]

  /// Reads the list; opens no picture.
  ///
  /// - Parameter split: the rows to take where the file has a column for it; `nil` for all.
  /// - Throws: ``FileError`` where the file cannot be read; ``CSVError`` with the line that is not
  ///   as it must be; ``DatasetError`` where there is no row.
  public init(_ path: String, split: DatasetSplit? = nil) throws {
    let table = try ManifestTable(path)
    try table.requireSound()
    try table.requireFirstPicture()
    try self.init(table, split: table.hasParts ? split : nil)
  }

  init(_ table: ManifestTable, split: DatasetSplit?) throws(DatasetError) {
    name = table.path
    classNames = table.classNames
    passedOver = table.passedOver
    let rows = table.rows.filter { split == nil || $0.split == split }
    guard !rows.isEmpty || !table.faults.isEmpty else {
      throw DatasetError(dataset: table.path, problem: .empty)
    }
    files = PictureFiles(folder: table.folder, entries: rows.map { ($0.path, $0.label) })
    lines = rows.map(\.line)
    // Told once, by the part to train on.
    faults = split == .test ? [] : table.faults
  }

  public var count: Int { files.entries.count }
  public var imageShape: Shape? { nil }
  public func label(at index: Int) -> Int { files.entries[index].label }
  public func sampleName(at index: Int) -> String { files.entries[index].path }

  /// The file of a sample.
  public func path(at index: Int) -> String { files.path(at: index) }
  public func picturePath(at index: Int) -> String? { path(at: index) }

  public func sample(at index: Int) throws -> Sample { try decodedSample(at: index) }

  package func readEncoded(at index: Int, into bytes: inout [UInt8]) throws -> String {
    try readingPicture(at: index) { () throws(FileError) in
      try files.read(at: index, into: &bytes)
    }
  }

  package func readBeginning(at index: Int, byteCount: Int, into bytes: inout [UInt8]) throws {
    try readingPicture(at: index) { () throws(FileError) in
      try files.readBeginning(at: index, byteCount: byteCount, into: &bytes)
    }
  }

  /// - Throws: ``CSVError`` with the line that lists the picture.
  private func readingPicture<Result>(
    at index: Int, _ read: () throws(FileError) -> Result
  ) throws(CSVError) -> Result {
    do {
      return try read()
    } catch {
      let problem: CSVError.Problem =
        FileSystem.exists(error.path)
        ? .unreadablePicture(error) : .missingPicture(path: error.path)
      throw CSVError(file: name, line: lines[index], problem: problem)
    }
  }
}

/// The rows of a CSV file of pictures.
struct ManifestTable: Sendable {
  struct Row: Sendable {
    var path: String
    var label: Int
    /// `nil` where there is no column for it, and for rows of test beside those of val.
    var split: DatasetSplit?
    /// From 1.
    var line: Int
  }

  let path: String
  /// Where relative paths begin.
  let folder: String
  private(set) var classNames: [String] = []
  private(set) var rows: [Row] = []
  /// Whether a column says which part a row belongs to.
  let hasParts: Bool
  /// Rows that are not taken, by kind.
  private(set) var passedOver: [String: Int] = [:]
  /// Rows that are not as they must be, and what ends the reading.
  private(set) var faults: [CSVError] = []

  func contains(_ split: DatasetSplit) -> Bool { rows.contains { $0.split == split } }

  init(_ path: String) throws {
    self.path = path
    folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
    let separator = UInt8(ascii: path.lowercased().hasSuffix(".tsv") ? "\t" : ",")
    var faults: [CSVError] = []
    let (columns, listed) = try MappedFile(path: path).withBytes { bytes in
      func records(_ bytes: UnsafeRawBufferPointer) throws(CSVError) -> (ManifestColumns, [Record])
      {
        try Self.records(
          CSVReader(bytes, separator: separator, file: path), file: path, faults: &faults)
      }
      if let kind = FileKind(of: bytes) {
        throw CSVError(file: path, line: 1, problem: .otherFile(kind))
      }
      if let text = TextLines.decodingUTF16(bytes) {
        return try text.withUnsafeBytes { try records($0) }
      }
      return try bytes.withUnsafeBytes { bytes in
        guard !bytes.prefix(512).contains(0) else {
          throw CSVError(file: path, line: 1, problem: .notUTF8)
        }
        return try records(bytes)
      }
    }
    self.faults = faults
    hasParts = columns.part != nil
    // A list that was made of all files of a folder has those of the system, too.
    var records: [Record] = []
    for record in listed {
      if let kind = Litter.kind(inListedPath: record.path) {
        passedOver["rows of \(kind)", default: 0] += 1
      } else {
        records.append(record)
      }
    }
    classNames = Set(records.map(\.label)).sorted(by: precedesNaturally)
    let numbers = Dictionary(uniqueKeysWithValues: zip(classNames, classNames.indices))
    let hasValidation = records.contains { $0.part == .validation }
    rows = records.compactMap { record in
      let split: DatasetSplit? =
        switch record.part {
        case .train: .train
        case .validation: .test
        case .test: hasValidation ? nil : .test
        case nil: nil
        }
      return numbers[record.label].map {
        Row(path: record.path, label: $0, split: split, line: record.line)
      }
    }
    let unused = rows.count { $0.split == nil }
    if hasParts, unused > 0 { passedOver["rows of test, beside those of val"] = unused }
  }

  /// - Throws: the first fault.
  func requireSound() throws(CSVError) {
    if let fault = faults.first { throw fault }
  }

  /// A wrong folder is worth an error before the first epoch; that every picture is there,
  /// `convnet dataset verify` tells.
  func requireFirstPicture() throws(CSVError) {
    guard let first = rows.first else { return }
    let picture = PictureFiles(folder: folder, entries: [(first.path, 0)]).path(at: 0)
    guard FileSystem.exists(picture) else {
      throw CSVError(file: path, line: first.line, problem: .missingPicture(path: picture))
    }
  }

  private struct Record {
    enum Part {
      case train, validation, test
    }

    var path: String
    var label: String
    var part: Part?
    var line: Int
  }

  private static func records(
    _ reader: consuming CSVReader, file: String, faults: inout [CSVError]
  ) throws(CSVError) -> (ManifestColumns, [Record]) {
    var reader = reader
    guard let first = try reader.next() else {
      return (ManifestColumns(path: 0, label: 1), [])
    }
    let header = ManifestColumns(header: first.fields)
    guard let columns = header ?? ManifestColumns(count: first.fields.count) else {
      throw CSVError(file: file, line: first.line, problem: problem(ofColumns: first.fields))
    }
    var records: [Record] = []
    do throws(CSVError) {
      var row = header == nil ? first : try reader.next()
      while let current = row {
        do throws(CSVError) {
          guard current.fields.count == first.fields.count else {
            throw CSVError(
              file: file, line: current.line,
              problem: .fieldCount(expected: first.fields.count, actual: current.fields.count))
          }
          records.append(try record(current, columns, file: file))
        } catch {
          faults.append(error)
        }
        row = try reader.next()
      }
    } catch {
      // Where rows begin is not known from here on.
      faults.append(error)
    }
    return (columns, records)
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

  private static func record(
    _ row: CSVReader.Row, _ columns: ManifestColumns, file: String
  ) throws(CSVError) -> Record {
    func fail(_ problem: CSVError.Problem) -> CSVError {
      CSVError(file: file, line: row.line, problem: problem)
    }
    let path = row.fields[columns.path]
    let label = row.fields[columns.label].trimmingCharacters(in: .whitespaces)
    guard !path.isEmpty else { throw fail(.emptyField(column: "path")) }
    guard !label.isEmpty else { throw fail(.emptyField(column: "label")) }
    var part: Record.Part?
    if let column = columns.part {
      switch row.fields[column].trimmingCharacters(in: .whitespaces).lowercased() {
      case "train", "training": part = .train
      case "val", "valid", "validation": part = .validation
      case "test": part = .test
      default: throw fail(.unknownPart(row.fields[column]))
      }
    }
    return Record(path: path, label: label, part: part, line: row.line)
  }
}

/// Which columns of a CSV file hold what.
private struct ManifestColumns {
  var path: Int
  var label: Int
  var part: Int?

  init(path: Int, label: Int) {
    self.path = path
    self.label = label
  }

  /// Without a header: two columns.
  init?(count: Int) {
    guard count == 2 else { return nil }
    self.init(path: 0, label: 1)
  }

  /// By their names; `nil` where the fields are not names of columns.
  init?(header fields: [String]) {
    let names = fields.map { $0.trimmingCharacters(in: .whitespaces).lowercased() }
    func column(_ known: [String]) -> Int? {
      known.lazy.compactMap { names.firstIndex(of: $0) }.first
    }
    guard
      let path = column(["path", "file", "filename", "image", "filepath", "image_path", "img"]),
      let label = column(["label", "class", "category", "target", "class_name", "label_name"])
    else { return nil }
    self.init(path: path, label: label)
    part = column(["split", "part", "set", "subset"])
  }
}
