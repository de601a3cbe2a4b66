package import ConvNetFiles
import Foundation

/// A file with a record an epoch, which others follow while the training runs: `metrics.jsonl`, TensorBoard's events. Records are
/// appended; the file stays the same one.
package struct EpochLog {
  /// What becomes of records behind those that a resumed training has: of epochs after its checkpoint, or of another run.
  package enum Tail: Sendable {
    /// They are cut off.
    case cut
    /// They stay, since a reader that has passed them would not go back, and this record says that all before it is void; then
    /// the epochs follow anew.
    case voided(by: [UInt8])
  }

  package let path: String
  private let tail: Tail
  /// The first bytes of a file that are whole records.
  private let wholeRecords: ([UInt8]) -> Int
  /// Records that stand in the file; `nil` before it was looked at.
  private var count: Int?

  /// - Parameter wholeRecords: counts the first bytes that are whole records: a killed process may leave a part of one.
  package init(
    path: String, tail: Tail, wholeRecords: @escaping ([UInt8]) -> Int
  ) {
    self.path = path
    self.tail = tail
    self.wholeRecords = wholeRecords
  }

  /// Appends the records that the file lacks. Where that fails, the next call tries again.
  ///
  /// - Parameter records: of all epochs, from the first.
  package mutating func write(_ records: [[UInt8]]) throws(FileError) {
    let file = try AppendedFile(path: path)
    if let count {
      try file.append(Array(records.dropFirst(count).joined()))
    } else {
      try file.append(missing(records, in: file))
    }
    count = records.count
  }

  /// What is to be appended to a file of an earlier process.
  private func missing(
    _ records: [[UInt8]], in file: borrowing AppendedFile
  ) throws(FileError) -> [UInt8] {
    let contents = try file.contents()
    var present = contents.prefix(wholeRecords(contents))
    try file.shorten(to: present.count)
    var rest = records[...]
    while let record = rest.first, present.starts(with: record) {
      present = present.dropFirst(record.count)
      rest = rest.dropFirst()
    }
    guard !present.isEmpty else { return Array(rest.joined()) }
    switch tail {
    case .cut:
      try file.shorten(to: present.startIndex)
      return Array(rest.joined())
    case .voided(let marker):
      return marker + Array(records.joined())
    }
  }
}
