import ConvNetFiles
public import ConvNetTensors

// The format of the MNIST database: two zero bytes, the element type, the number of dimensions; an
// extent of four bytes for each; then the elements, everything big-endian.

extension Tensor {
  /// The largest array that is inflated out of a compressed IDX file, in bytes.
  public static let inflatedIDXLimit = 1 << 32

  /// Reads an IDX file of any element type, compressed by gzip or not (told apart by the contents).
  ///
  /// - Throws: ``FileError`` where the file cannot be read, ``IDXError`` where it is not well
  ///   formed.
  public init(idx path: String) throws {
    let file = try MappedFile(path: path)
    try Memory.require(file.byteCount, for: "the numbers of \(path)")
    self = try file.withBytes { bytes throws(IDXError) in
      try Tensor(parsingIDX: bytes, file: path)
    }
  }

  /// Reads the contents of an IDX file, compressed or not.
  ///
  /// - Parameter file: the name that errors carry.
  /// - Throws: ``IDXError``.
  public init(parsingIDX bytes: RawSpan, file: String? = nil) throws(IDXError) {
    guard bytes.integer(at: 0, bigEndian: true, as: UInt16.self) == 0x1F8B else {
      self = try Tensor(parsingInflatedIDX: bytes, file: file)
      return
    }
    func fail(_ problem: IDXError.Problem) -> IDXError {
      IDXError(file: file, offset: 0, problem: problem)
    }
    let start: [UInt8]
    do {
      start = try InflatedBytes.head(gunzipping: bytes, capacity: IDXHead.largestByteCount)
    } catch {
      throw fail(error.problem)
    }
    // No more is inflated than the head says, and than there can be.
    let head = try IDXHead(start.span.bytes, file: file, isInflated: true)
    let limit = min(Self.inflatedIDXLimit, InflatedBytes.largestRatio * bytes.byteCount)
    guard head.byteCount <= limit - head.dataStart else {
      throw fail(.inflatedTooLarge(limit: limit))
    }
    let inflated: InflatedBytes
    do {
      inflated = try InflatedBytes(gunzipping: bytes, limit: head.dataStart + head.byteCount)
    } catch {
      throw fail(error.problem)
    }
    self = try inflated.withBytes { bytes throws(IDXError) in
      try Tensor(parsingInflatedIDX: bytes, file: file)
    }
  }

  private init(parsingInflatedIDX bytes: RawSpan, file: String?) throws(IDXError) {
    let head = try IDXHead(bytes, file: file)
    guard head.byteCount == bytes.byteCount - head.dataStart else {
      throw IDXError(
        file: file, offset: head.dataStart,
        problem: .dataSize(expected: head.byteCount, actual: bytes.byteCount - head.dataStart))
    }
    var tensor = Tensor(uninitialized: head.shape, elementType: head.elementType)
    let data = bytes.extracting(head.dataStart..<bytes.byteCount)
    tensor.withUnsafeMutableBytes { target in
      data.withUnsafeBytes { target.copyMemory(from: $0) }
      swapBytes(of: target, elementSize: head.elementType.byteCount)
    }
    self = tensor
  }
}

/// What stands before the elements of an IDX file.
private struct IDXHead {
  var shape: Shape
  var elementType: ElementType
  var dataStart: Int

  /// Bytes of the elements.
  var byteCount: Int { shape.count * elementType.byteCount }

  /// Of 255 dimensions.
  static let largestByteCount = 4 + 4 * 255

  init(_ bytes: RawSpan, file: String?, isInflated: Bool = false) throws(IDXError) {
    func fail(_ offset: Int, _ problem: IDXError.Problem) -> IDXError {
      IDXError(file: file, offset: offset, problem: problem)
    }
    guard let magic = bytes.integer(at: 0, bigEndian: true, as: UInt32.self) else {
      throw fail(0, .truncatedHeader(needed: 4, available: bytes.byteCount))
    }
    guard magic >> 16 == 0 else {
      let kind = FileKind(of: bytes)
      throw fail(0, kind.map { .otherFile($0, isInflated: isInflated) } ?? .wrongMagic(magic))
    }
    guard let elementType = ElementType(idxCode: UInt8(magic >> 8)) else {
      throw fail(2, .unknownElementType(UInt8(magic >> 8)))
    }
    let rank = Int(magic & 0xFF)
    let dataStart = 4 + 4 * rank
    guard dataStart <= bytes.byteCount else {
      throw fail(4, .truncatedHeader(needed: dataStart, available: bytes.byteCount))
    }
    let dimensions = (0..<rank).compactMap { axis in
      bytes.integer(at: 4 + 4 * axis, bigEndian: true, as: UInt32.self).map(Int.init)
    }
    guard let shape = Shape(checking: dimensions) else {
      throw fail(4, .shapeTooLarge(dimensions))
    }
    self.shape = shape
    self.elementType = elementType
    self.dataStart = dataStart
  }
}

extension InflatedBytes.Failure {
  fileprivate var problem: IDXError.Problem {
    switch self {
    case .corrupt(let reason): .compression(reason: reason)
    case .tooLarge(let limit): .inflatedTooLarge(limit: limit)
    }
  }
}

extension ElementType {
  fileprivate init?(idxCode: UInt8) {
    switch idxCode {
    case 0x08: self = .uint8
    case 0x09: self = .int8
    case 0x0B: self = .int16
    case 0x0C: self = .int32
    case 0x0D: self = .float32
    case 0x0E: self = .float64
    default: return nil
    }
  }
}
