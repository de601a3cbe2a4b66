import ConvNetFiles

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
    self = try NumpyFile(path).tensor()
  }

  /// Reads a NumPy array file from memory.
  ///
  /// - Parameter file: the name that errors carry.
  /// - Throws: ``NumpyError``.
  public init(parsingNPY bytes: RawSpan, file: String? = nil) throws(NumpyError) {
    let layout = try NumpyLayout(parsing: bytes, file: file)
    try self.init(parsingNPY: bytes, layout, file: file, as: layout.elementType)
  }

  /// Reads the elements of a NumPy array file whose head is known.
  ///
  /// - Parameters:
  ///   - bytes: the whole file.
  ///   - type: of the tensor: the array's or a floating-point type.
  package init(
    parsingNPY bytes: RawSpan, _ layout: NumpyLayout, file: String?, as type: ElementType
  ) throws(NumpyError) {
    try layout.requireFile(ofByteCount: bytes.byteCount, file: file)
    let data = bytes.extracting(layout.dataStart..<bytes.byteCount)
    let (shape, elementType) = (layout.shape, layout.elementType)
    if !layout.isBigEndian, !layout.isFortranOrder || shape.rank < 2 {
      self.init(copying: data, of: elementType, shape: shape, as: type)
      return
    }
    var tensor = Tensor(uninitialized: shape, elementType: elementType)
    tensor.withUnsafeMutableBytes { target in
      data.withUnsafeBytes { source in
        if layout.isFortranOrder && shape.rank > 1 {
          // The first index varies fastest.
          copyStrided(
            source, to: target, shape: shape,
            strides: Shape(shape.dimensions.reversed()).rowMajorStrides.reversed(),
            elementSize: elementType.byteCount)
        } else {
          target.copyMemory(from: source)
        }
      }
      if layout.isBigEndian { swapBytes(of: target, elementSize: elementType.byteCount) }
    }
    self = tensor.converted(to: type)
  }

  /// Writes a NumPy array file (`.npy`, row-major order, little-endian), whole or not at all. Its
  /// version is 1, or 2 where a shape of thousands of dimensions needs a longer header.
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
  package var npyHeader: [UInt8] {
    let extents = shape.dimensions.map(String.init).joined(separator: ", ")
    let tuple = shape.rank == 1 ? "(\(extents),)" : "(\(extents))"
    var dictionary = [UInt8](
      ("{'descr': '\(elementType.numpyDescriptor)', 'fortran_order': False, "
        + "'shape': \(tuple), }").utf8)
    // The length has two bytes in version 1, four in version 2.
    let lengthBytes = dictionary.count < 1 << 16 - 64 ? 2 : 4
    let unpadded = 8 + lengthBytes + dictionary.count + 1
    dictionary += [UInt8](repeating: 0x20, count: (64 - unpadded % 64) % 64)
    dictionary.append(0x0A)
    let length = (0..<lengthBytes).map {
      UInt8(truncatingIfNeeded: dictionary.count >> (8 * $0))
    }
    return numpyMagic + [lengthBytes == 2 ? 1 : 2, 0] + length + dictionary
  }
}

let numpyMagic: [UInt8] = [0x93] + [UInt8]("NUMPY".utf8)

extension ElementType {
  var numpyDescriptor: String {
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
