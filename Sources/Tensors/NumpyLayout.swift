import ConvNetFiles

/// What the head of a NumPy array file says: the array's shape and type, and where its data begins.
package struct NumpyLayout: Sendable {
  package var shape: Shape
  package var elementType: ElementType
  /// The offset of the data in the file.
  package var dataStart: Int
  /// Bytes of the data, if the file is whole.
  package var byteCount: Int
  var isBigEndian: Bool
  var isFortranOrder: Bool

  /// Reads the head of a file. The data may be missing.
  ///
  /// - Parameter file: the name that errors carry.
  /// - Throws: ``NumpyError``.
  package init(parsing bytes: RawSpan, file: String? = nil) throws(NumpyError) {
    func fail(_ offset: Int, _ problem: NumpyError.Problem) -> NumpyError {
      NumpyError(file: file, offset: offset, problem: problem)
    }
    guard bytes.byteCount >= 10 else {
      throw fail(0, .truncatedHeader(needed: 10, available: bytes.byteCount))
    }
    guard bytes.array(0..<6) == numpyMagic else {
      throw fail(0, FileKind(of: bytes).map { .otherFile($0) } ?? .wrongMagic)
    }
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
    dataStart = headerStart + headerCount
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
    guard let shape = Shape(checking: header.dimensions) else {
      throw fail(headerStart, .shapeTooLarge(header.dimensions))
    }
    self.shape = shape
    self.elementType = elementType
    byteCount = shape.count * elementType.byteCount
    self.isBigEndian = isBigEndian
    isFortranOrder = header.isFortranOrder
  }

  /// - Throws: ``NumpyError`` where a file of so many bytes has more or less data than this head says.
  package func requireFile(ofByteCount count: Int, file: String?) throws(NumpyError) {
    guard count - dataStart == byteCount else {
      throw NumpyError(
        file: file, offset: dataStart,
        problem: .dataSize(expected: byteCount, actual: count - dataStart))
    }
  }
}

/// A NumPy array file whose head was read, and whose elements are copied when they are asked for.
package struct NumpyFile {
  package let layout: NumpyLayout
  private let path: String
  private let file: MappedFile

  /// - Throws: ``FileError`` where the file cannot be read; ``NumpyError`` where its head is not such an array's, or the file
  ///   does not have the size that it says.
  package init(_ path: String) throws {
    let file = try MappedFile(path: path)
    layout = try file.withBytes { bytes throws(NumpyError) in
      try NumpyLayout(parsing: bytes, file: path)
    }
    try layout.requireFile(ofByteCount: file.byteCount, file: path)
    self.path = path
    self.file = file
  }

  /// - Throws: ``AllocationError`` where there is no memory for the elements.
  package func tensor() throws -> Tensor {
    try Memory.require(file.byteCount, for: "the array of \(path)")
    return try file.withBytes { bytes throws(NumpyError) in
      try Tensor(parsingNPY: bytes, layout, file: path, as: layout.elementType)
    }
  }
}

func numpyElementType(
  _ descriptor: String
) -> (type: ElementType, isBigEndian: Bool)? {
  // Any byte order is written before the type: little, big, native, or not applicable.
  guard let order = descriptor.first, "<>=|".contains(order) else { return nil }
  let kind = descriptor.dropFirst()
  guard let type = ElementType.allCases.first(where: { $0.numpyDescriptor.dropFirst() == kind })
  else { return nil }
  return (type, order == ">")
}
