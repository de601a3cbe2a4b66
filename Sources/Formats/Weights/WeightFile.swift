import ConvNetFiles
public import ConvNetTensors

/// A file of named tensors in any format that is read, told by its contents: safetensors, a PyTorch
/// checkpoint, a NumPy archive, a network of ONNX, Keras's weights.
///
/// The file is mapped into memory. Opening it reads and checks its table of names, and each tensor
/// is copied out of it once, when it is asked for, converted on the way.
///
/// ```swift
/// let file = try WeightFile("resnet50.pth")
/// print(file.entries.count, file.notes)
/// let kernel = try file.tensor(named: "conv1.weight", as: .float32)
/// ```
public struct WeightFile: Sendable {
  /// What the file says about a tensor.
  public struct Entry: Hashable, Sendable {
    /// The tensor's name in the file.
    public var name: String
    /// Its extents, as the file has them.
    public var shape: Shape
    /// The type of its elements in the file. ``tensor(named:as:)`` converts.
    public var elementType: ElementType

    var byteCount: Int { shape.count * elementType.byteCount }
  }

  /// A tensor with its name, for writing in an order.
  public typealias NamedTensor = (name: String, tensor: Tensor)

  /// The file.
  public let path: String
  /// What its contents say that it is.
  public let format: WeightFormat
  /// In the order of the file.
  public private(set) var entries: [Entry]
  /// The texts beside the tensors, which safetensors files can have.
  public let metadata: [String: String]
  /// The name of the network that the weights are of, where the file says: those that
  /// ``write(_:to:network:isDeflated:progress:)`` was told it of. For a model file ask the model.
  public let network: String?
  /// What was found besides the tensors themselves and is worth a word to a person: the key under
  /// which a checkpoint keeps its weights, a prefix that all names had and that was removed.
  public private(set) var notes: [String]
  private let contents: Contents
  private var indices: [String: Int]

  private enum Contents: Sendable {
    case safetensors(SafetensorsHeader, MappedFile)
    case pyTorch(PyTorchFile)
    case npz(NumpyArchive)
    case onnx(ONNXFile)
    case keras(HDF5File)
  }

  /// What wrappers of a network put before every name: data parallelism and the compiler of PyTorch.
  private static let wrappers = ["module.", "_orig_mod."]
  /// Wrappers within wrappers.
  private static let wrapperLimit = 8

  /// Opens a file and reads its table.
  ///
  /// - Throws: ``FileError`` where the file cannot be read, ``WeightFileError`` where its contents
  ///   are of no known format, else the error of the format: ``SafetensorsError``,
  ///   ``PyTorchError``, ``NumpyError``, ``ArchiveError``, ``ONNXError``, ``HDF5Error``.
  public init(_ path: String) throws {
    let file = try MappedFile(path: path)
    let contents = try Self.contents(of: file)
    var notes: [String] = []
    var entries: [Entry]
    switch contents {
    case .safetensors(let header, _):
      format = .safetensors
      metadata = header.metadata
      network = header.metadata[Self.networkKey]
      entries = header.entries.map {
        Entry(name: $0.name, shape: $0.shape, elementType: $0.elementType)
      }
    case .pyTorch(let checkpoint):
      format = .pyTorch
      metadata = [:]
      network = Self.network(inComment: checkpoint.comment)
      entries = checkpoint.entries.map {
        Entry(name: $0.name, shape: $0.shape, elementType: $0.elementType)
      }
      if !checkpoint.sections.isEmpty {
        notes.append("the weights stand under \(checkpoint.sections.joined(separator: "/"))")
      }
      if !checkpoint.alternatives.isEmpty {
        let names = checkpoint.alternatives.prefix(5).joined(separator: ", ")
        notes.append("those under \(names) are left out")
      }
      if checkpoint.otherCount > 0 {
        notes.append(
          checkpoint.otherCount == 1
            ? "1 entry beside the weights is no tensor"
            : "\(checkpoint.otherCount) entries beside the weights are no tensors")
      }
    case .npz(let archive):
      format = .npz
      metadata = [:]
      network = Self.network(inComment: archive.comment)
      entries = archive.entries.map {
        Entry(name: $0.name, shape: $0.shape, elementType: $0.elementType)
      }
      if archive.otherCount > 0 {
        notes.append(
          archive.otherCount == 1
            ? "1 entry beside the arrays is something else"
            : "\(archive.otherCount) entries beside the arrays are something else")
      }
    case .onnx(let file):
      format = .onnx
      metadata = [:]
      network = nil
      entries = try file.weights
    case .keras(let file):
      format = .keras
      metadata = [:]
      network = nil
      entries = file.entries
    }
    for _ in 0..<Self.wrapperLimit {
      guard
        let wrapper = Self.wrappers.first(where: { wrapper in
          !entries.isEmpty && entries.allSatisfy { $0.name.hasPrefix(wrapper) }
        })
      else { break }
      for index in entries.indices { entries[index].name.removeFirst(wrapper.count) }
      notes.append(Self.note(onPrefix: wrapper))
    }
    self.path = path
    self.contents = contents
    self.entries = entries
    self.notes = notes
    // Names are different in every format, and a common prefix changes nothing about that.
    indices = Dictionary(
      zip(entries.map(\.name), entries.indices), uniquingKeysWith: { first, _ in first })
  }

  private static func contents(of file: MappedFile) throws -> Contents {
    let head = file.withBytes { $0.array(0..<min(16, $0.byteCount)) }
    func unknown(_ isLike: String?) -> WeightFileError {
      WeightFileError(path: file.path, problem: .unknownFormat(isLike: isLike))
    }
    // The length of the header, which is far below 2^32, then its brace: first of all, since the length
    // may be any other format's first bytes, and no other has these.
    let isSafetensors =
      head.count > 8 && head[4..<8].allSatisfy { $0 == 0 } && head[8] == UInt8(ascii: "{")
    if isSafetensors { return try safetensors(file) }
    if head.starts(with: "PK\u{3}\u{4}".utf8) || head.starts(with: "PK\u{5}\u{6}".utf8) {
      let archive = try Archive(file)
      if PyTorchFile.describes(archive) { return .pyTorch(try PyTorchFile(archive)) }
      if NumpyArchive.describes(archive) { return .npz(try NumpyArchive(archive)) }
      if let weights = archive.index(of: HDF5File.archiveEntry) {
        let bytes = try archive.withBytes(of: weights) { bytes in
          try Memory.require(bytes.byteCount, for: "the weights in \(file.path)")
          return bytes.array(0..<bytes.byteCount)
        }
        return .keras(try HDF5File(.held(bytes), path: file.path))
      }
      throw unknown("a zip archive with neither data.pkl nor .npy files")
    }
    if head.count == 16, head[0] == 0x80, (2...5).contains(head[1]) {
      // PyTorch's first format begins with this number, pickled.
      let magic: [UInt8] = [
        0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19,
      ]
      if head[2...].starts(with: magic) {
        throw PyTorchError(file: file.path, problem: .oldFormat)
      }
      throw unknown("a bare pickle, which is not executed here")
    }
    if head.starts(with: HDF5Reader.signature) {
      return .keras(try HDF5File(.mapped(file), path: file.path))
    }
    if ONNXFile.mayBegin(head) || file.path.lowercased().hasSuffix(".onnx") {
      return .onnx(try ONNXFile(file))
    }
    // Said to be one, or nearly: its reader knows what is wrong.
    if head.dropFirst(8).first == UInt8(ascii: "{") || file.path.hasSuffix(".safetensors") {
      return try safetensors(file)
    }
    let kind = file.withBytes { FileKind(of: $0) }
    throw unknown(kind.map { $0.name + ($0.remedy.map { "; \($0)" } ?? "") })
  }

  /// The file's network, where it is one of another framework's.
  var onnx: ONNXFile? { if case .onnx(let file) = contents { file } else { nil } }

  private static func safetensors(_ file: MappedFile) throws(SafetensorsError) -> Contents {
    let header = try file.withBytes { bytes throws(SafetensorsError) in
      try SafetensorsHeader(parsing: bytes, file: file.path)
    }
    return .safetensors(header, file)
  }

  /// What all names begin with, up to a dot, shortest first: what a wrapper may have put there, or a part of the network's names.
  package var commonPrefixes: [String] {
    guard let first = entries.first, entries.count > 1 else { return [] }
    var prefixes: [String] = []
    for dot in first.name.indices where first.name[dot] == "." {
      let prefix = String(first.name[...dot])
      guard
        entries.allSatisfy({ $0.name.hasPrefix(prefix) && $0.name.utf8.count > prefix.utf8.count })
      else { break }
      prefixes.append(prefix)
      if prefixes.count == Self.wrapperLimit { break }
    }
    return prefixes
  }

  /// The file without something that all names begin with.
  package func removing(prefix: String) -> WeightFile {
    var file = self
    for index in file.entries.indices { file.entries[index].name.removeFirst(prefix.count) }
    file.notes.append(Self.note(onPrefix: prefix))
    file.indices = Dictionary(
      zip(file.entries.map(\.name), file.entries.indices), uniquingKeysWith: { first, _ in first })
    return file
  }

  static func note(onPrefix prefix: String) -> String {
    "every name began with \(prefix), which is left out"
  }

  /// What the file says about the tensor of a name.
  public subscript(name: String) -> Entry? { indices[name].map { entries[$0] } }

  /// Copies a tensor out of the file.
  ///
  /// - Parameter type: a floating-point type to convert to; `nil` for the tensor's own.
  /// - Throws: ``WeightFileError`` where there is none of this name, else the error of the format
  ///   where its bytes are damaged.
  public func tensor(named name: String, as type: ElementType? = nil) throws -> Tensor {
    guard let index = indices[name] else {
      throw WeightFileError(path: path, problem: .missingTensor(name: name))
    }
    return try tensor(at: index, as: type ?? entries[index].elementType)
  }

  /// Copies all tensors out of the file, in its order.
  ///
  /// - Parameters:
  ///   - type: what floating-point tensors are converted to; `nil` for their own types. Integers
  ///     stay what they are.
  ///   - progress: told the bytes of the file's tensors that have been read so far.
  /// - Throws: as ``tensor(named:as:)``.
  public func tensors(
    as type: ElementType? = nil, progress: ((Int) -> Void)? = nil
  ) throws -> [NamedTensor] {
    var byteCount = 0
    return try entries.enumerated().map { index, entry in
      let target = entry.elementType.isFloatingPoint ? type : nil
      let tensor = try tensor(at: index, as: target ?? entry.elementType)
      byteCount += entry.byteCount
      progress?(byteCount)
      return (entry.name, tensor)
    }
  }

  /// Bytes of all tensors as they are in the file.
  public var byteCount: Int { entries.reduce(0) { $0 + $1.byteCount } }

  /// The tensors of a type that need not be copied, by name: those of a safetensors file, which must not be changed in place as
  /// long as they are in use. Others must be converted, unpacked, or moved to an address that suits them.
  package func mappedTensors(of type: ElementType) -> [String: Tensor] {
    guard case .safetensors(let header, let file) = contents else { return [:] }
    var tensors: [String: Tensor] = [:]
    for (entry, placed) in zip(entries, header.entries) where entry.elementType == type {
      tensors[entry.name] = Tensor(
        mapping: header.fileRange(of: placed), of: file, shape: entry.shape, elementType: type)
    }
    return tensors
  }

  private func tensor(at index: Int, as type: ElementType) throws -> Tensor {
    let entry = entries[index]
    try Memory.require(
      max(entry.byteCount, entry.shape.count * type.byteCount), for: "\(entry.name) of \(path)")
    switch contents {
    case .safetensors(let header, let file):
      let entry = header.entries[index]
      return file.withBytes { bytes in
        Tensor(
          copying: bytes.extracting(header.fileRange(of: entry)),
          of: entry.elementType, shape: entry.shape, as: type)
      }
    case .pyTorch(let checkpoint): return try checkpoint.read(checkpoint.entries[index], as: type)
    case .npz(let archive): return try archive.read(archive.entries[index], as: type)
    case .onnx(let file): return try file.weight(at: index, as: type)
    case .keras(let file): return try file.tensor(at: index).converted(to: type)
    }
  }
}
