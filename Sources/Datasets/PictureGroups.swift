public import ConvNetFiles
import Foundation

/// Which pictures belong together, as somebody says it: by a list, or by what their names have in common.
public enum PictureGroups: Sendable {
  /// A CSV file with a row a picture: its name in the data, and its group.
  case list(path: String)
  /// A regular expression that is looked for in a picture's name: the group is what its first parentheses match, or all of it.
  case pattern(String)

  /// The groups of a data set, one a sample; `nil` where nothing is said of it.
  ///
  /// - Throws: ``FileError``, ``CSVError``, ``GroupsError``.
  public func groups(of dataset: any Dataset) throws -> [String?] {
    let names = (0..<dataset.count).map { dataset.sampleName(at: $0) }
    let groups: [String?]
    switch self {
    case .list(let path):
      let known = try Self.rows(of: path)
      groups = names.map { known[$0] }
    case .pattern(let pattern):
      let expression: NSRegularExpression
      do { expression = try NSRegularExpression(pattern: pattern) } catch {
        throw GroupsError.pattern(pattern)
      }
      groups = names.map { name in
        let range = NSRange(name.startIndex..., in: name)
        guard let match = expression.firstMatch(in: name, range: range) else { return nil }
        let own = expression.numberOfCaptureGroups > 0 ? match.range(at: 1) : match.range
        return Range(own, in: name).map { String(name[$0]) }
      }
    }
    guard groups.contains(where: { $0 != nil }) else {
      throw GroupsError.none(data: dataset.name, example: names.first ?? "")
    }
    return groups
  }

  private static func rows(of path: String) throws -> [String: String] {
    let separator = UInt8(ascii: path.lowercased().hasSuffix(".tsv") ? "\t" : ",")
    return try MappedFile(path: path).withBytes { bytes in
      try bytes.withUnsafeBytes { bytes in
        var reader = CSVReader(bytes, separator: separator, file: path)
        var rows: [String: String] = [:]
        while let row = try reader.next() {
          guard row.fields.count >= 2 else { throw GroupsError.row(file: path, line: row.line) }
          if let other = rows[row.fields[0]], other != row.fields[1] {
            throw GroupsError.twice(file: path, line: row.line, name: row.fields[0])
          }
          rows[row.fields[0]] = row.fields[1]
        }
        return rows
      }
    }
  }
}

/// Why it cannot be told which pictures belong together.
public enum GroupsError: Error, Hashable, Sendable {
  /// No regular expression.
  case pattern(String)
  /// No picture of the data has a group; what one is called.
  case none(data: String, example: String)
  /// A row without a group.
  case row(file: String, line: Int)
  /// A picture has two groups.
  case twice(file: String, line: Int, name: String)
}

extension GroupsError: ReadableError {
  public var description: String {
    switch self {
    case .pattern(let pattern):
      "\(pattern) is no regular expression; one is '^([^_]+)_', the name up to a line"
    case .none(let data, let example):
      "no picture of \(data) has a group; they are called as \(FileSystem.line(example))"
    case .row(let file, let line):
      "\(file), line \(line): needs the name of a picture and its group"
    case .twice(let file, let line, let name):
      "\(file), line \(line): \(FileSystem.line(name)) has another group above"
    }
  }
}
