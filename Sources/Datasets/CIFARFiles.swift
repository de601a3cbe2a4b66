import ConvNetFiles
import Foundation

/// The files of a CIFAR data set's binary version: where they are looked for, and how they are read.
struct CIFARFiles: Sendable {
  let train: [String]
  let test: [String]
  /// What the archive unpacks to.
  let folder: String
  let archive: String
  /// Labels before each picture, a byte each.
  let labelCount: Int

  /// A picture: 32 rows of 32 in red, then in green, then in blue.
  static let pictureSize = 3 * 32 * 32
  var recordSize: Int { labelCount + Self.pictureSize }

  /// The most bytes that are gone through in an archive, whose files may be compressed a thousandfold; CIFAR's have 186
  /// million.
  private static let limit = 1 << 30

  func names(of split: DatasetSplit) -> [String] { split == .train ? train : test }

  /// Whether the files, what they unpack to or their archive lie in a folder.
  func lie(in root: String) -> Bool {
    // CIFAR-100's names say little: both must be there.
    (train + test).allSatisfy { FileSystem.isFile("\(root)/\($0)") }
      || FileSystem.isFolder("\(root)/\(folder)") || FileSystem.isFile("\(root)/\(archive)")
  }

  /// Hands the contents of a part's files to `body`, in order: each with a name for errors.
  ///
  /// - Throws: ``DatasetError`` where one is missing; ``TarError``; ``FileError``; what `body` throws.
  func read(
    _ split: DatasetSplit, root: String, dataset: String,
    _ body: (RawSpan, _ name: String) throws -> Void
  ) throws {
    if FileSystem.isFile(root) {
      return try readArchive(root, split, dataset: dataset, body)
    }
    let names = names(of: split)
    for folder in [root, "\(root)/\(folder)"] where FileSystem.isFile("\(folder)/\(names[0])") {
      for name in names {
        let path = "\(folder)/\(name)"
        guard FileSystem.isFile(path) else { throw missing(path, dataset) }
        try MappedFile(path: path).withBytes { try body($0, path) }
      }
      return
    }
    for name in [archive, String(archive.dropLast(3))] {
      let path = "\(root)/\(name)"
      if FileSystem.isFile(path) {
        return try readArchive(path, split, dataset: dataset, body)
      }
    }
    if let path = pickledFolder(root) {
      throw DatasetError(dataset: dataset, problem: .pickled(path: path))
    }
    throw missing("\(root)/\(archive)", dataset)
  }

  private func missing(_ path: String, _ dataset: String) -> DatasetError {
    DatasetError(
      dataset: dataset,
      problem: .missingFile(
        path: path,
        remedy: "fetch https://www.cs.toronto.edu/~kriz/\(archive) and name the folder that holds "
          + "it as the root"))
  }

  private func pickledFolder(_ root: String) -> String? {
    ["\(root)/cifar-10-batches-py", "\(root)/cifar-100-python", root].first { folder in
      ["data_batch_1", "batches.meta", "meta"].contains { FileSystem.isFile("\(folder)/\($0)") }
    }
  }

  private func readArchive(
    _ path: String, _ split: DatasetSplit, dataset: String,
    _ body: (RawSpan, _ name: String) throws -> Void
  ) throws {
    let wanted = names(of: split)
    var found: [String: [UInt8]] = [:]
    try MappedFile(path: path).withBytes { bytes in
      try bytes.withUnsafeBytes { bytes in
        var reader = try TarReader(bytes, file: path)
        var left = Self.limit
        while found.count < wanted.count, let entry = try reader.next() {
          guard entry.byteCount <= left else {
            throw TarError(
              file: path, member: entry.path,
              problem: .tooLarge(byteCount: entry.byteCount, limit: left))
          }
          left -= entry.byteCount
          let name = entry.path.split(separator: "/").last.map(String.init) ?? ""
          if wanted.contains(name) { found[name] = try reader.contents(limit: Self.limit) }
        }
      }
    }
    for name in wanted {
      guard let contents = found.removeValue(forKey: name) else {
        throw DatasetError(
          dataset: dataset, problem: .missingMember(archive: path, name: name))
      }
      try body(contents.span.bytes, "\(path), \(name)")
    }
  }
}
