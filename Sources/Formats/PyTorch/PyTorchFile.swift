import ConvNetFiles
import ConvNetTensors

/// A checkpoint that `torch.save` wrote, since PyTorch 1.6: a zip archive of a pickle, `data.pkl`,
/// and of the bytes of the storages, `data/0`, `data/1` and so on.
struct PyTorchFile: Sendable {
  struct Entry: Sendable {
    var name: String
    fileprivate var view: PickleHeap.View
    /// The place of its storage in the archive.
    fileprivate var archiveIndex: Int
    /// Whether other tensors lie in the same storage.
    fileprivate var isShared: Bool

    var shape: Shape { view.shape }
    var elementType: ElementType { view.elementType }
  }

  /// In the order of the state dictionary.
  let entries: [Entry]
  /// The keys under which the state dictionary was found.
  let sections: [String]
  /// Keys under which it has tensors by name too, which are passed over.
  let alternatives: [String]
  /// Entries of the state dictionary that are no tensors.
  let otherCount: Int
  private let archive: Archive
  var comment: String? { archive.comment }

  private static let pickleName = "data.pkl"
  /// Tied weights share a storage; more than this is an attempt to fill the memory.
  private static let sharingLimit = 64

  /// Whether an archive looks like a checkpoint.
  static func describes(_ archive: Archive) -> Bool { pickle(of: archive) != nil }

  private static func pickle(of archive: Archive) -> (index: Int, folder: String)? {
    let index = archive.entries.firstIndex {
      $0.name == pickleName || $0.name.hasSuffix("/" + pickleName)
    }
    return index.map {
      ($0, String(archive.entries[$0].name.dropLast(pickleName.utf8.count)))
    }
  }

  /// - Throws: ``PyTorchError`` and ``ArchiveError``.
  init(_ archive: Archive) throws {
    let file = archive.file.path
    guard let (index, folder) = Self.pickle(of: archive) else {
      throw ArchiveError(file: file, entry: Self.pickleName, problem: .missingEntry)
    }
    if archive.entries.contains(where: {
      $0.name == folder + "constants.pkl" || $0.name.hasPrefix(folder + "code/")
    }) {
      throw PyTorchError(file: file, problem: .torchScript)
    }
    let big = [UInt8]("big".utf8)
    if let order = archive.index(of: folder + "byteorder"),
      archive.entries[order].byteCount == big.count,
      try archive.withBytes(of: order, { $0.array(0..<$0.byteCount) }) == big
    {
      throw PyTorchError(file: file, problem: .bigEndian)
    }
    let limit = PickleReader.byteLimit
    guard archive.entries[index].byteCount <= limit else {
      throw PyTorchError(
        file: file,
        problem: .tooLarge(
          what: "bytes of the pickle", count: archive.entries[index].byteCount, limit: limit))
    }
    let pickle = try archive.withBytes(of: index) { $0.array(0..<$0.byteCount) }
    let (root, heap) = try PickleReader.read(pickle, file: file)
    do {
      let dictionary = try StateDictionary(in: root, heap)
      sections = dictionary.path
      alternatives = dictionary.alternatives
      otherCount = dictionary.otherCount
      entries = try Self.located(dictionary.tensors, heap, archive, folder: folder)
    } catch let problem as PyTorchError.Problem {
      throw PyTorchError(file: file, problem: problem)
    }
    self.archive = archive
  }

  /// The tensors with their storages, whose sizes are checked.
  private static func located(
    _ named: [(name: String, view: Int)], _ heap: PickleHeap, _ archive: Archive, folder: String
  ) throws -> [Entry] {
    /// The entry of a storage, looked for once however many tensors are in it.
    var places: [Int: Int] = [:]
    var readers: [Int: Int] = [:]
    var byteCount = 0
    /// Of the largest tensor that repeats elements; one may be tied to another.
    var expanded = 0
    for (_, index) in named {
      let view = heap.views[index]
      let storage = heap.storages[view.storage]
      func fail(_ problem: PyTorchError.Problem) -> PyTorchError {
        PyTorchError(file: archive.file.path, offset: storage.offset, problem: problem)
      }
      if places[view.storage] == nil {
        guard let entry = archive.index(of: "\(folder)data/\(storage.key)") else {
          throw fail(.missingStorage(key: storage.key))
        }
        let available = archive.entries[entry].byteCount
        guard available == storage.byteCount else {
          throw fail(
            .storageSize(key: storage.key, needed: storage.byteCount, actual: available))
        }
        places[view.storage] = entry
      }
      readers[places[view.storage, default: 0], default: 0] += 1
      // A view is no larger than its storage, or repeats elements, but there may be any number of them.
      let viewed = view.shape.count * view.elementType.byteCount
      if viewed > storage.byteCount { expanded = max(expanded, viewed) }
      let (sum, overflow) = byteCount.addingReportingOverflow(viewed)
      byteCount = overflow ? .max : sum
    }
    let limit =
      sharingLimit * readers.keys.reduce(0) { $0 + archive.entries[$1].byteCount } + 2 * expanded
    guard byteCount <= limit else {
      throw PyTorchError.Problem.tooLarge(
        what: "bytes of the tensors, which share storages", count: byteCount, limit: limit)
    }
    return named.map { name, index in
      let view = heap.views[index]
      let entry = places[view.storage, default: 0]
      return Entry(
        name: name, view: view, archiveIndex: entry, isShared: readers[entry, default: 0] > 1)
    }
  }

  /// Copies a tensor out of the file, once, converted on the way.
  ///
  /// - Parameter type: the tensor's own or a floating-point type.
  /// - Throws: ``ArchiveError`` where its storage is damaged.
  func read(_ entry: Entry, as type: ElementType) throws -> Tensor {
    let view = entry.view
    let size = view.elementType.byteCount
    try Memory.require(view.shape.count * size, for: "tensor \(entry.name)")
    return try archive.withBytes(of: entry.archiveIndex, isShared: entry.isShared) { storage in
      guard view.isDense else {
        var dense = Tensor(
          uninitialized: view.shape, elementType: view.elementType)
        dense.withUnsafeMutableBytes { target in
          storage.extracting(view.start * size..<storage.byteCount).withUnsafeBytes {
            copyStrided(
              $0, to: target, shape: view.shape, strides: view.strides, elementSize: size)
          }
        }
        return dense.converted(to: type)
      }
      let start = view.shape.count == 0 ? 0 : view.start * size
      return Tensor(
        copying: storage.extracting(start..<start + view.shape.count * size),
        of: view.elementType, shape: view.shape, as: type)
    }
  }
}

extension PickleHeap.View {
  /// Whether the elements follow each other in row-major order.
  fileprivate var isDense: Bool {
    shape.count == 0
      || zip(shape.dimensions, zip(strides, shape.rowMajorStrides)).allSatisfy {
        $0 == 1 || $1.0 == $1.1
      }
  }
}
