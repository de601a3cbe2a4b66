public import ConvNetFiles
public import ConvNetImages

/// Reads the rows of a CSV file (RFC 4180): fields between commas, or tabs; a field in quotation
/// marks may hold commas, line ends, and quotation marks written twice. Lines end with LF, CRLF or
/// CR, the last perhaps with none; a mark of byte order is passed over, and so are empty lines.
struct CSVReader {
  struct Row {
    var fields: [String]
    /// Where the row begins, from 1.
    var line: Int
  }

  private let bytes: UnsafeRawBufferPointer
  private let separator: UInt8
  private let file: String
  private var position = 0
  private var line = 1

  init(_ bytes: UnsafeRawBufferPointer, separator: UInt8, file: String) {
    self.bytes = bytes
    self.separator = separator
    self.file = file
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
  }

  /// The next row, or `nil` at the end.
  ///
  /// - Throws: ``CSVError`` where quotation marks are not as they must be.
  mutating func next() throws(CSVError) -> Row? {
    while position < bytes.count {
      let start = line
      var fields: [String] = []
      repeat { fields.append(try field()) } while takeSeparator()
      takeLineEnd()
      if fields.count > 1 || !fields[0].isEmpty { return Row(fields: fields, line: start) }
    }
    return nil
  }

  private static let quote = UInt8(ascii: "\"")
  private static let lineFeed = UInt8(ascii: "\n")
  private static let carriageReturn = UInt8(ascii: "\r")

  private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

  private func endsField(_ byte: UInt8) -> Bool {
    byte == separator || byte == Self.lineFeed || byte == Self.carriageReturn
  }

  private mutating func field() throws(CSVError) -> String {
    guard current == Self.quote else {
      let start = position
      while let byte = current, !endsField(byte) { position += 1 }
      return FileSystem.path(bytes[start..<position])
    }
    let start = line
    position += 1
    var contents: [UInt8] = []
    while let byte = current {
      position += 1
      if byte == Self.quote {
        guard current == Self.quote else {
          if let next = current, !endsField(next) {
            throw CSVError(file: file, line: line, problem: .textAfterQuote)
          }
          return FileSystem.path(contents)
        }
        position += 1
      } else if byte == Self.lineFeed {
        line += 1
      }
      contents.append(byte)
    }
    throw CSVError(file: file, line: start, problem: .openQuote)
  }

  private mutating func takeSeparator() -> Bool {
    guard current == separator else { return false }
    position += 1
    return true
  }

  private mutating func takeLineEnd() {
    if current == Self.carriageReturn { position += 1 }
    if current == Self.lineFeed { position += 1 }
    line += 1
  }
}

/// Why a CSV file of paths and labels cannot be read.
public struct CSVError: Error, Hashable, Sendable {
  /// What is wrong with a line.
  public enum Problem: Error, Hashable, Sendable {
    /// A quotation mark that is never closed.
    case openQuote
    /// A field in quotation marks goes on behind them.
    case textAfterQuote
    /// The line has more or fewer fields than the first.
    case fieldCount(expected: Int, actual: Int)
    /// The path or the class is empty.
    case emptyField(column: String)
    /// Neither two columns nor a header that names them.
    case columns([String])
    /// The fields stand between other marks than the name of the file says.
    case separator(found: String, expected: String)
    /// A file that is no text.
    case otherFile(FileKind)
    /// Zeros, as text in UTF-16 has that does not say so.
    case notUTF8
    /// The column of parts says neither `train` nor `val` nor `test`.
    case unknownPart(String)
    /// A picture is not where the file says.
    case missingPicture(path: String)
    /// A picture that is there cannot be read.
    case unreadablePicture(FileError)
    /// A column that was asked for is not in the header; `known` is empty where there is none.
    case unknownColumn(String, known: [String], suggestions: [String])
    /// Two columns have the name of one that tells the pictures, where they are, or their part.
    case sharedName(String)
    /// So many rows with so many labels each are more targets than ``targetLimit``.
    case tooManyTargets(rows: Int, labels: Int)
    /// A number that is another in 32 bits, by more than a tenth of the column's standard deviation.
    case unfitNumber(column: String, value: Double, deviation: Double)
    /// A column was asked for twice.
    case repeatedColumn(String)
    /// No column is such as was asked for.
    case noTargets(columns: [String], kind: TargetKind?)
    /// No row of a list of labels has one.
    case noLabel
    /// A field of a column of numbers is no finite number.
    case notANumber(column: String, String)
    /// A field of a column of a label is another number.
    case notZeroOrOne(column: String, String)

    /// Rows times labels of a list, at most.
    public static let targetLimit = 1 << 26
  }

  /// The file of paths and labels.
  public var file: String
  /// From 1.
  public var line: Int
  /// What is wrong there.
  public var problem: Problem
}

extension CSVError {
  /// The picture that is meant, where it is one.
  var picture: String? {
    switch problem {
    case .missingPicture(let path): path
    case .unreadablePicture(let error): error.path
    default: nil
    }
  }
}

extension CSVError: ReadableError {
  public var description: String {
    FileSystem.readable("\(file), line \(line): \(problem)")
  }
}

extension CSVError.Problem: CustomStringConvertible {
  public var description: String {
    switch self {
    case .openQuote:
      "a quotation mark that opens here is never closed"
    case .textAfterQuote:
      "text follows a closing quotation mark; write a quotation mark within a field twice"
    case .fieldCount(let expected, let actual):
      "has \(actual) field\(actual == 1 ? "" : "s"), the first line \(expected)"
    case .emptyField(let column):
      "the \(column) is empty"
    case .columns(let columns):
      "the columns are \(columns.joined(separator: ", ")); name one path and one label in a header, "
        + "or give two columns: path, label; several labels are a column labels or columns of 0 and 1, what else is to be "
        + "predicted columns of numbers"
    case .separator(let found, let expected):
      "fields are separated by \(found), must be by \(expected): save it so, or as a .tsv with tabs"
    case .otherFile(let kind):
      kind.sentence(expected: "a CSV file")
    case .notUTF8:
      "there are zero bytes, as in UTF-16 without its mark; save the file as UTF-8"
    case .unreadablePicture(let error):
      "\(error)"
    case .unknownPart(let part):
      "the part is '\(part)'; write train, val or test"
    case .missingPicture(let path):
      "\(path) does not exist; paths are relative to the folder of this file"
    case .unknownColumn(let name, let known, let suggestions):
      known.isEmpty
        ? "there is no column \(name): the first line names no columns; write a header, such as path,\(name)"
        : "there is no column \(name); "
          + (suggestions.isEmpty
            ? "the columns are \(known.joined(separator: ", "))"
            : "did you mean \(suggestions.joined(separator: " or "))?")
    case .sharedName(let name):
      "two columns are called \(name); give each a name of its own, or remove one"
    case .tooManyTargets(let rows, let labels):
      "\(rows) rows with \(labels) labels are \(rows.multipliedReportingOverflow(by: labels).partialValue) targets, at most "
        + "\(Self.targetLimit) are possible; give files of fewer rows, or leave out rare labels"
    case .unfitNumber(let column, let value, let deviation):
      "\(column) is \(value), which is \(Double(Float(value))) in 32 bits, while the column's values vary by no more than "
        + "\(Float(deviation)) (standard deviation); subtract what they have in common"
    case .repeatedColumn(let name):
      "the column \(name) is asked for twice; name it once"
    case .noTargets(let columns, let kind):
      "the columns are \(columns.joined(separator: ", ")), of which none is to be told"
        + (kind.map { " as \($0.rawValue)" } ?? "") + ": "
        + Self.wanted(kind)
    case .noLabel:
      "no row has a label; write them into the column between | or ;"
    case .notANumber(let column, let text):
      "\(column) is '\(text)', must be a finite number, such as 0.5 or -3e2"
    case .notZeroOrOne(let column, let text):
      "\(column) is '\(text)', must be 1 where the label is there, 0 where it is not"
    }
  }

  private static func wanted(_ kind: TargetKind?) -> String {
    switch kind {
    case .classes: "name one column label"
    case .labels: "name a column labels, or give one of 0 and 1 for each label"
    case .numbers: "give one for each number, with its name in the header"
    case nil: "name one of classes or lists of labels, or several of numbers"
    }
  }
}
