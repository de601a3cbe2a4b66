// The format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html

extension Tensor {
  /// Reads a NumPy array file (`.npy`, versions 1 to 3) of any number type, either byte order, and
  /// either memory order (arrays in Fortran order are transposed into row-major order).
  ///
  /// Two-byte void elements (`V2`) are read as `bfloat16`, which is how Python's `ml_dtypes` saves
  /// them.
  ///
  /// - Throws: ``FileError`` where the file cannot be read; ``NumpyError`` where its contents are
  ///   not such an array, end early, or are followed by more.
  public init(npy path: String) throws {
    let file = try MappedFile(path: path)
    self = try file.withBytes { bytes throws(NumpyError) in
      try Tensor(parsingNPY: bytes, file: path)
    }
  }

  /// Reads a NumPy array file from memory.
  ///
  /// - Parameter file: the name that errors carry.
  /// - Throws: ``NumpyError``.
  public init(parsingNPY bytes: RawSpan, file: String? = nil) throws(NumpyError) {
    func fail(_ offset: Int, _ problem: NumpyError.Problem) -> NumpyError {
      NumpyError(file: file, offset: offset, problem: problem)
    }
    guard bytes.byteCount >= 10 else {
      throw fail(0, .truncatedHeader(needed: 10, available: bytes.byteCount))
    }
    guard bytes.array(0..<6) == numpyMagic else { throw fail(0, .wrongMagic) }
    let (major, minor) = (bytes.array(6..<7)[0], bytes.array(7..<8)[0])
    guard (1...3).contains(major), minor == 0 else {
      throw fail(6, .unsupportedVersion(major: major, minor: minor))
    }
    let headerStart = major == 1 ? 10 : 12
    let headerCount =
      major == 1
      ? bytes.integer(at: 8, as: UInt16.self).map(Int.init)
      : bytes.integer(at: 8, as: UInt32.self).map(Int.init)
    guard let headerCount, headerCount <= bytes.byteCount - headerStart else {
      throw fail(
        8,
        .truncatedHeader(needed: headerStart + (headerCount ?? 0), available: bytes.byteCount))
    }
    let dataStart = headerStart + headerCount
    let header: NumpyHeader
    do {
      header = try NumpyHeader(
        parsing: bytes.array(headerStart..<dataStart), base: headerStart)
    } catch {
      throw fail(error.offset, error.problem)
    }
    guard let (elementType, isBigEndian) = numpyElementType(header.descriptor) else {
      throw fail(headerStart, .unsupportedElementType(header.descriptor))
    }
    guard let shape = Shape(checking: header.dimensions),
      case let (byteCount, overflow) = shape.count.multipliedReportingOverflow(
        by: elementType.byteCount), !overflow
    else { throw fail(headerStart, .shapeTooLarge(header.dimensions)) }
    guard bytes.byteCount - dataStart == byteCount else {
      throw fail(dataStart, .dataSize(expected: byteCount, actual: bytes.byteCount - dataStart))
    }

    var tensor = Tensor(uninitialized: shape, elementType: elementType)
    let data = bytes.extracting(dataStart..<bytes.byteCount)
    tensor.withUnsafeMutableBytes { target in
      data.withUnsafeBytes { source in
        if header.isFortranOrder && shape.rank > 1 {
          copyTransposing(source, to: target, shape: shape, elementSize: elementType.byteCount)
        } else {
          target.copyMemory(from: source)
        }
      }
      if isBigEndian { swapBytes(of: target, elementSize: elementType.byteCount) }
    }
    self = tensor
  }

  /// Writes a NumPy array file (`.npy`, version 1, row-major order, little-endian), whole or not at
  /// all.
  ///
  /// - Throws: ``FileError`` where the file cannot be written.
  public func writeNPY(to path: String) throws {
    try AtomicFile.write(to: path) { file in
      try file.write(npyHeader.span.bytes)
      try withUnsafeBytes { bytes in try file.write(bytes.bytes) }
    }
  }

  /// The magic, the version and the header, padded so that the data begins at a multiple of 64
  /// bytes.
  private var npyHeader: [UInt8] {
    let extents = shape.dimensions.map(String.init).joined(separator: ", ")
    let tuple = shape.rank == 1 ? "(\(extents),)" : "(\(extents))"
    var dictionary = [UInt8](
      ("{'descr': '\(elementType.numpyDescriptor)', 'fortran_order': False, "
        + "'shape': \(tuple), }").utf8)
    let unpadded = 10 + dictionary.count + 1
    dictionary += [UInt8](repeating: 0x20, count: (64 - unpadded % 64) % 64)
    dictionary.append(0x0A)
    let count = UInt16(dictionary.count)
    return numpyMagic + [1, 0, UInt8(count & 0xFF), UInt8(count >> 8)] + dictionary
  }
}

private let numpyMagic: [UInt8] = [0x93] + [UInt8]("NUMPY".utf8)

extension ElementType {
  fileprivate var numpyDescriptor: String {
    switch self {
    case .float64: "<f8"
    case .float32: "<f4"
    case .float16: "<f2"
    case .bfloat16: "<V2"
    case .int64: "<i8"
    case .int32: "<i4"
    case .int16: "<i2"
    case .int8: "|i1"
    case .uint64: "<u8"
    case .uint32: "<u4"
    case .uint16: "<u2"
    case .uint8: "|u1"
    case .bool: "|b1"
    }
  }
}

private func numpyElementType(
  _ descriptor: String
) -> (type: ElementType, isBigEndian: Bool)? {
  // Any byte order is written before the type: little, big, native, or not applicable.
  guard let order = descriptor.first, "<>=|".contains(order) else { return nil }
  let kind = descriptor.dropFirst()
  guard let type = ElementType.allCases.first(where: { $0.numpyDescriptor.dropFirst() == kind })
  else { return nil }
  return (type, order == ">")
}

/// Copies an array whose first index varies fastest into one whose last does.
private func copyTransposing(
  _ source: UnsafeRawBufferPointer, to target: UnsafeMutableRawBufferPointer, shape: Shape,
  elementSize: Int
) {
  guard shape.count > 0, let source = source.baseAddress, let target = target.baseAddress else {
    return
  }
  var sourceStrides = [Int](repeating: elementSize, count: shape.rank)
  for axis in 1..<shape.rank { sourceStrides[axis] = sourceStrides[axis - 1] * shape[axis - 1] }
  var index = [Int](repeating: 0, count: shape.rank)
  var sourceOffset = 0
  for element in 0..<shape.count {
    (target + element * elementSize).copyMemory(
      from: source + sourceOffset, byteCount: elementSize)
    // The next index in row-major order: count up the last axis, carry to the one before it.
    for axis in stride(from: shape.rank - 1, through: 0, by: -1) {
      index[axis] += 1
      sourceOffset += sourceStrides[axis]
      if index[axis] < shape[axis] { break }
      sourceOffset -= index[axis] * sourceStrides[axis]
      index[axis] = 0
    }
  }
}
