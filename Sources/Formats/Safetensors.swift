import ConvNetFiles
public import ConvNetTensors

/// Named tensors and text metadata: the contents of a safetensors file
/// (https://huggingface.co/docs/safetensors).
///
/// ```swift
/// var file = try Safetensors(contentsOf: "lenet5.safetensors")
/// file.metadata["note"] = "trained on Fashion-MNIST"
/// try file.write(to: "lenet5.safetensors")
/// ```
public struct Safetensors: Sendable, Equatable {
  /// Every tensor by its name.
  public var tensors: [String: Tensor]
  /// Texts by their names: the file's `__metadata__`.
  public var metadata: [String: String]

  /// Contents to be written.
  public init(tensors: [String: Tensor] = [:], metadata: [String: String] = [:]) {
    self.tensors = tensors
    self.metadata = metadata
  }

  /// Reads a file. It is mapped into memory, and each tensor copied once.
  ///
  /// The whole header is checked first: its length against the file's, its JSON, that every shape
  /// and type need exactly the bytes given to them, and that the tensors fill the data without
  /// overlap, hole or remainder.
  ///
  /// - Throws: ``FileError`` where the file cannot be read, ``SafetensorsError`` where it is not
  ///   well formed.
  public init(contentsOf path: String) throws {
    let file = try MappedFile(path: path)
    try Memory.require(file.byteCount, for: "the tensors of \(path)")
    self = try file.withBytes { bytes throws(SafetensorsError) in
      try Safetensors(parsing: bytes, file: path)
    }
  }

  /// Reads the contents of a file from memory.
  ///
  /// - Parameter file: the name that errors carry.
  /// - Throws: ``SafetensorsError``.
  public init(parsing bytes: RawSpan, file: String? = nil) throws(SafetensorsError) {
    let header = try SafetensorsHeader(parsing: bytes, file: file)
    metadata = header.metadata
    tensors = [:]
    tensors.reserveCapacity(header.entries.count)
    for entry in header.entries {
      tensors[entry.name] = Tensor(
        copying: bytes.extracting(header.fileRange(of: entry)), of: entry.elementType,
        shape: entry.shape, as: entry.elementType)
    }
  }

  /// The metadata of a file, without reading its tensors.
  ///
  /// - Throws: as ``init(contentsOf:)``.
  public static func metadata(ofFile path: String) throws -> [String: String] {
    let file = try MappedFile(path: path)
    return try file.withBytes { bytes throws(SafetensorsError) in
      try SafetensorsHeader(parsing: bytes, file: path).metadata
    }
  }

  /// The tensor of a name.
  ///
  /// - Throws: ``SafetensorsError`` with ``SafetensorsError/Problem/missingTensor(name:)``.
  public func tensor(named name: String) throws(SafetensorsError) -> Tensor {
    guard let tensor = tensors[name] else {
      throw SafetensorsError(offset: 0, problem: .missingTensor(name: name))
    }
    return tensor
  }

  /// Writes the file, whole or not at all. Equal contents give equal bytes; the data begins at a
  /// multiple of 64 bytes.
  ///
  /// - Parameter progress: told the share that is written, from 0 to 1.
  /// - Throws: ``FileError`` where the file cannot be written, ``SafetensorsError`` where a tensor
  ///   has the name that the format reserves.
  public func write(to path: String, progress: ((Double) -> Void)? = nil) throws {
    let header = try SafetensorsHeader(placing: tensors, metadata: metadata)
    try AtomicFile.write(to: path) { file in
      try file.write(header.encoded().span.bytes)
      for entry in header.entries {
        try tensor(named: entry.name).withUnsafeBytes { try file.write($0.bytes) }
        progress?(Double(entry.range.upperBound) / Double(max(1, header.byteCount)))
      }
    }
  }
}
