import ConvNetFiles
import ConvNetTensors

/// A NumPy archive (`.npz`): a zip archive with one `.npy` file an array.
struct NumpyArchive: Sendable {
  struct Entry: Sendable {
    var name: String
    fileprivate var layout: NumpyLayout
    fileprivate var archiveIndex: Int

    var shape: Shape { layout.shape }
    var elementType: ElementType { layout.elementType }
  }

  /// In the order of the file.
  let entries: [Entry]
  /// Entries of the archive that are no arrays.
  let otherCount: Int
  private let archive: Archive
  var comment: String? { archive.comment }

  private static let suffix = ".npy"
  /// NumPy's headers have at most 2^16 bytes, but for records with very many fields.
  private static let headLimit = 1 << 17

  /// Whether an archive holds arrays, or nothing.
  static func describes(_ archive: Archive) -> Bool {
    archive.entries.isEmpty || archive.entries.contains { $0.name.hasSuffix(suffix) }
  }

  /// - Throws: ``NumpyError`` and ``ArchiveError``.
  init(_ archive: Archive) throws {
    self.archive = archive
    var entries: [Entry] = []
    for (index, entry) in archive.entries.enumerated() where entry.name.hasSuffix(Self.suffix) {
      let layout = try archive.withHead(of: index, byteCount: Self.headLimit) { head in
        let layout = try NumpyLayout(parsing: head, file: Self.place(index, archive))
        try layout.requireFile(ofByteCount: entry.byteCount, file: Self.place(index, archive))
        return layout
      }
      entries.append(
        Entry(
          name: String(entry.name.dropLast(Self.suffix.utf8.count)), layout: layout,
          archiveIndex: index))
    }
    self.entries = entries
    otherCount = archive.entries.count - entries.count
  }

  private static func place(_ index: Int, _ archive: Archive) -> String {
    "\(archive.file.path), entry \(archive.entries[index].name)"
  }

  /// Copies an array out of the file, converted on the way.
  ///
  /// - Parameter type: the array's own or a floating-point type.
  /// - Throws: ``NumpyError`` where the array is shorter or longer than it says, ``ArchiveError``
  ///   where it is damaged.
  func read(_ entry: Entry, as type: ElementType) throws -> Tensor {
    try archive.withBytes(of: entry.archiveIndex) { bytes in
      try Tensor(
        parsingNPY: bytes, entry.layout, file: Self.place(entry.archiveIndex, archive), as: type)
    }
  }
}
