import ConvNetFiles
public import ConvNetImages
public import ConvNetTensors

/// Pictures that a CSV file lists, with what they are to be told by: a row a picture.
///
/// A header may name the columns, in any order: `path` (or `file`, `filename`, `image`, `filepath`, `image_path`), and perhaps
/// `split` (or `part`, `set`, `subset`): train, val or test. Where there are rows of both, those of val are the part to test on.
/// The others tell the picture, by what their names and values are unless a ``TargetSelection`` says it:
///
/// - `label` (or `class`, `category`, `target`): the class, whatever other columns there are;
/// - `labels` (or `tags`, `classes`, `categories`): any number of labels between `|`, `;`, `,` or else spaces, perhaps none;
/// - columns of 0 and 1: a label each; columns of other numbers: numbers to predict.
///
/// Without a header the first column is the path, the second the class. Paths are relative to the file's folder. Fields are
/// separated by commas, in a `.tsv` file by tabs, and quoted as RFC 4180 says. Classes, and labels in a list, are in natural
/// order, columns in theirs.
public struct ImageManifest: EncodedDataset {
  /// The file.
  public let name: String
  public let classNames: [String]
  public let targetKind: TargetKind
  private let files: PictureFiles
  /// Of all samples, one after the other; none of classes.
  private let targetValues: [Float]
  /// Of the file, where each picture is listed.
  private let lines: [Int]
  public let passedOver: [String: Int]
  /// Rows that cannot be used, where the file was read to be verified.
  let faults: [CSVError]

  /// Reads the list; opens no picture.
  ///
  /// - Parameters:
  ///   - split: the rows to take where the file has a column for it; `nil` for all.
  ///   - targets: which columns tell the pictures, and as what.
  /// - Throws: ``FileError`` where the file cannot be read; ``CSVError`` with the line that is not
  ///   as it must be; ``DatasetError`` where there is no row.
  public init(
    _ path: String, split: DatasetSplit? = nil, targets: TargetSelection = TargetSelection()
  ) throws {
    let table = try ManifestTable(path, targets)
    try table.requireSound()
    try table.requireFirstPicture()
    try self.init(table, split: table.hasParts ? split : nil)
  }

  init(_ table: ManifestTable, split: DatasetSplit?) throws(DatasetError) {
    name = table.path
    classNames = table.classNames
    targetKind = table.targetKind
    passedOver = table.passedOver
    let rows = table.rows.filter { split == nil || $0.split == split }
    guard !rows.isEmpty || !table.faults.isEmpty else {
      throw DatasetError(dataset: table.path, problem: .empty)
    }
    files = PictureFiles(folder: table.folder, entries: rows.map { ($0.path, $0.label) })
    lines = rows.map(\.line)
    targetValues = rows.flatMap(\.targets)
    // Told once, by the part to train on.
    faults = split == .test ? [] : table.faults
  }

  public var count: Int { files.entries.count }
  public var imageShape: Shape? { nil }
  public func label(at index: Int) -> Int { files.entries[index].label }

  public func targets(at index: Int) -> [Float] {
    let count = classNames.count
    return targetKind == .classes
      ? classNames.indices.map { $0 == label(at: index) ? 1 : 0 }
      : Array(targetValues[index * count..<(index + 1) * count])
  }

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
    /// Of classes.
    var label = 0
    /// Of labels and numbers, in the order of the names.
    var targets: [Float] = []
    /// `nil` where there is no column for it, and for rows of test beside those of val.
    var split: DatasetSplit?
    /// From 1.
    var line: Int
  }

  let path: String
  /// Where relative paths begin.
  let folder: String
  private(set) var classNames: [String] = []
  let targetKind: TargetKind
  private(set) var rows: [Row] = []
  /// Whether a column says which part a row belongs to.
  let hasParts: Bool
  /// Rows that are not taken, by kind.
  private(set) var passedOver: [String: Int] = [:]
  /// Rows that are not as they must be, and what ends the reading.
  private(set) var faults: [CSVError] = []

  func contains(_ split: DatasetSplit) -> Bool { rows.contains { $0.split == split } }

  init(_ path: String, _ selection: TargetSelection = TargetSelection()) throws {
    self.path = path
    folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
    let separator = UInt8(ascii: path.lowercased().hasSuffix(".tsv") ? "\t" : ",")
    var faults: [CSVError] = []
    let (columns, listed) = try MappedFile(path: path).withBytes { bytes in
      func records(_ bytes: UnsafeRawBufferPointer) throws(CSVError) -> (ManifestColumns, [Record])
      {
        try Self.records(
          CSVReader(bytes, separator: separator, file: path), selection, file: path,
          faults: &faults)
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
    targetKind = columns.targets.kind
    // A list that was made of all files of a folder has those of the system, too.
    var records: [Record] = []
    for record in listed {
      if let kind = Litter.kind(inListedPath: record.path) {
        passedOver["rows of \(kind)", default: 0] += 1
      } else {
        records.append(record)
      }
    }
    switch columns.targets {
    case .className, .labelList:
      classNames = Set(records.flatMap(\.names)).sorted(by: precedesNaturally)
    case .flags(let places), .numbers(let places): classNames = places.map { columns.names[$0] }
    }
    if classNames.isEmpty, faults.isEmpty, let first = records.first {
      throw CSVError(file: path, line: first.line, problem: .noLabel)
    }
    if case .labelList = columns.targets {
      let count = records.count.multipliedReportingOverflow(by: classNames.count)
      guard !count.overflow, count.partialValue <= CSVError.Problem.targetLimit else {
        throw CSVError(
          file: path, line: records.first?.line ?? 1,
          problem: .tooManyTargets(rows: records.count, labels: classNames.count))
      }
    }
    if targetKind == .numbers { try Self.requireFitting(records, classNames, file: path) }
    let numbers = Dictionary(uniqueKeysWithValues: zip(classNames, classNames.indices))
    let hasValidation = records.contains { $0.part == .validation }
    for record in records {
      let split: DatasetSplit? =
        switch record.part {
        case .train: .train
        case .validation: .test
        case .test: hasValidation ? nil : .test
        case nil: nil
        }
      var row = Row(
        path: record.path, targets: record.numbers.map { Float($0) }, split: split,
        line: record.line)
      let named = record.names.compactMap { numbers[$0] }
      switch columns.targets {
      case .className:
        guard let label = named.first else { continue }
        row.label = label
      case .labelList:
        row.targets = [Float](repeating: 0, count: classNames.count)
        for place in named { row.targets[place] = 1 }
      case .flags, .numbers: break
      }
      rows.append(row)
    }
    let unused = rows.count { $0.split == nil }
    if hasParts, unused > 0 { passedOver["rows of test, beside those of val"] = unused }
  }

  /// Targets have 32 bits: numbers that differ by about as little as these tell apart cannot be learned.
  private static func requireFitting(
    _ records: [Record], _ columns: [String], file: String
  ) throws(CSVError) {
    for (place, column) in columns.enumerated() {
      let count = Double(max(1, records.count))
      let mean = records.reduce(0) { $0 + $1.numbers[place] } / count
      let deviation =
        (records.reduce(0) { sum, record in
          sum + (record.numbers[place] - mean) * (record.numbers[place] - mean)
        } / count).squareRoot()
      func error(_ record: Record) -> Double {
        abs(record.numbers[place] - Double(Float(record.numbers[place])))
      }
      // One number throughout is none to learn either, and told as such by a training.
      guard let first = records.first?.numbers[place],
        records.contains(where: { $0.numbers[place] != first }),
        let worst = records.max(by: { error($0) < error($1) }), error(worst) > deviation / 10
      else { continue }
      throw CSVError(
        file: file, line: worst.line,
        problem: .unfitNumber(
          column: column, value: worst.numbers[place], deviation: deviation))
    }
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

  /// A row as it stands in the file.
  struct Record: Sendable {
    enum Part {
      case train, validation, test
    }

    var path: String
    /// The class, or the labels.
    var names: [String] = []
    /// Of columns that are labels or numbers.
    var numbers: [Double] = []
    var part: Part?
    var line: Int
  }

  private static func records(
    _ reader: consuming CSVReader, _ selection: TargetSelection, file: String,
    faults: inout [CSVError]
  ) throws(CSVError) -> (ManifestColumns, [Record]) {
    var reader = reader
    var rows: [CSVReader.Row] = []
    var end: CSVError?
    do throws(CSVError) {
      while let row = try reader.next() { rows.append(row) }
    } catch {
      // Where rows begin is not known from here on.
      guard !rows.isEmpty else { throw error }
      end = error
    }
    let columns: ManifestColumns
    do throws(CSVError.Problem) {
      columns = try ManifestColumns(of: rows, selection)
    } catch {
      throw CSVError(file: file, line: rows.first?.line ?? 1, problem: error)
    }
    var records: [Record] = []
    for row in rows.dropFirst(columns.hasHeader ? 1 : 0) {
      do throws(CSVError) {
        guard row.fields.count == rows[0].fields.count else {
          throw CSVError(
            file: file, line: row.line,
            problem: .fieldCount(expected: rows[0].fields.count, actual: row.fields.count))
        }
        records.append(try columns.record(row, file: file))
      } catch {
        faults.append(error)
      }
    }
    if let end { faults.append(end) }
    return (columns, records)
  }
}
