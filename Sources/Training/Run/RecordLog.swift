package import ConvNetFiles

/// A file of records that others follow while a training runs: `metrics.jsonl`, TensorBoard's events. It stays the same file, and
/// records appear in it whole.
package struct RecordLog {
  package let path: String
  /// What an earlier process left is looked at first.
  private var prepare: (([UInt8]) -> (kept: Int, following: [UInt8]))?
  private var waiting: [UInt8] = []

  /// - Parameter prepare: given what the file holds, how many of its first bytes stay, and what is to follow them.
  package init(
    path: String, preparing prepare: @escaping ([UInt8]) -> (kept: Int, following: [UInt8])
  ) {
    self.path = path
    self.prepare = prepare
  }

  /// Adds a record, to be written with others.
  package mutating func add(_ record: [UInt8]) { waiting += record }

  /// Writes the records that the file lacks. Where that fails, the next call tries again.
  ///
  /// - Parameter isLasting: whether they shall be on the disk afterwards, which takes longer.
  package mutating func write(isLasting: Bool = true) throws(FileError) {
    guard prepare != nil || !waiting.isEmpty else { return }
    let file = try AppendedFile(path: path)
    if let prepare {
      let (kept, following) = prepare(try file.contents())
      try file.shorten(to: kept)
      waiting = following + waiting
      self.prepare = nil
    }
    try file.append(waiting, isLasting: isLasting)
    waiting = []
  }
}
