package import ConvNetFiles
package import ConvNetTensors

/// An open ONNX file: what it describes, and where its numbers lie.
package struct ONNXFile: Sendable {
  package let path: String
  package let model: ONNXModel
  private let file: MappedFile
  /// Initializers whose elements are numbers with a fraction.
  private let floatTensors: [ONNXTensor]

  /// - Throws: ``FileError`` where the file cannot be read, ``ONNXError`` where it is no ONNX file.
  package init(_ path: String) throws {
    try self.init(MappedFile(path: path))
  }

  package init(_ file: MappedFile) throws {
    path = file.path
    self.file = file
    model = try Self.problems(in: file.path) {
      try file.withBytes { try ONNXModel(reading: $0) }
    }
    var names: Set<String> = []
    floatTensors = model.graph.initializers.filter {
      $0.type?.isFloatingPoint == true && names.insert($0.name).inserted
    }
  }

  /// What goes wrong in a file, told with its name.
  static func problems<Result>(in path: String, _ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch let problem as ONNXError.Problem {
      throw ONNXError(file: path, problem: problem)
    } catch let error as ProtocolBufferError {
      throw ONNXError(file: path, problem: .malformed(reason: "\(error)"))
    }
  }

  /// Whether bytes are the beginning of an ONNX file: the version of the format, then another field that the first message has.
  package static func mayBegin(_ head: [UInt8]) -> Bool {
    guard head.count > 2, head[0] == 0x08, 1...64 ~= head[1] else { return false }
    // Texts, a number, the graph, or the sets of operators.
    return [0x12, 0x1A, 0x22, 0x28, 0x32, 0x3A, 0x42, 0x72].contains(head[2])
  }

  // MARK: Weights

  /// The tensors that are numbers with a fraction, as a file of weights lists them.
  var weights: [WeightFile.Entry] {
    get throws {
      try floatTensors.map { tensor in
        guard let shape = Shape(checking: tensor.extents), let type = tensor.type?.elementType
        else {
          throw ONNXError(
            file: path,
            problem: .tensor(tensor.name, reason: "it has the extents \(tensor.extents)"))
        }
        return WeightFile.Entry(name: tensor.name, shape: shape, elementType: type)
      }
    }
  }

  func weight(at index: Int, as type: ElementType) throws -> Tensor {
    try Self.problems(in: path) { try tensor(floatTensors[index]).converted(to: type) }
  }

  // MARK: Tensors

  /// The numbers of a tensor, as they are in the file.
  ///
  /// - Throws: ``ONNXError/Problem`` where they are not as many as the shape says, or of a type that is not read;
  ///   ``AllocationError``, ``FileError``.
  package func tensor(_ tensor: ONNXTensor) throws -> Tensor {
    let name = tensor.name.isEmpty ? "in a node" : tensor.name
    func problem(_ reason: String) -> ONNXError.Problem { .tensor(name, reason: reason) }
    guard let type = tensor.type else { throw problem("its type is not known") }
    guard let shape = Shape(checking: tensor.extents) else {
      throw problem("it has the extents \(tensor.extents)")
    }
    if let bits = type.packedBits {
      return try unpacked(bits: bits, type, shape: shape, of: tensor, problem)
    }
    guard let elementType = type.elementType else { throw problem("\(type) is not read") }
    let byteCount = shape.count * elementType.byteCount
    func copy(_ bytes: RawSpan, of source: ElementType) throws -> Tensor {
      try Memory.require(byteCount, for: "tensor \(name) of \(path)")
      return Tensor(copying: bytes, of: source, shape: shape, as: source)
    }
    func requireCount(_ count: Int) throws {
      guard count == shape.count else {
        throw problem("\(count) numbers for the shape \(shape)")
      }
    }
    switch tensor.contents {
    case .place, .external:
      return try withRawBytes(of: tensor, problem) { bytes in
        guard bytes.byteCount == byteCount else {
          throw problem(
            "\(bytes.byteCount) bytes for the shape \(shape) of \(elementType), which needs \(byteCount)"
          )
        }
        return try copy(bytes, of: elementType)
      }
    case .floats(let values):
      guard type == .float32 else { throw problem("floats for elements of \(type)") }
      try requireCount(values.count)
      return Tensor(values, shape: shape)
    case .doubles(let values):
      guard type == .float64 else { throw problem("doubles for elements of \(type)") }
      try requireCount(values.count)
      return Tensor(values, shape: shape)
    case .integers(let values):
      try requireCount(values.count)
      return try Self.tensor(values, shape: shape, type: elementType) {
        problem("integers for elements of \(type)")
      }
    case .tensor(let held): return held.tensor
    case .other: throw problem("it holds none of the numbers that are read")
    }
  }

  /// Integers of fields, which hold smaller types and the bits of those of two bytes as well.
  private static func tensor(
    _ values: [Int], shape: Shape, type: ElementType, problem: () -> ONNXError.Problem
  ) throws -> Tensor {
    switch type {
    case .float16, .bfloat16:
      return Tensor(integers: values, shape: shape, as: .uint16).withBits(of: type)
    case .float32, .float64:
      guard values.isEmpty else { throw problem() }
    default: break
    }
    return Tensor(integers: values, shape: shape, as: type)
  }

  private func withRawBytes<Result>(
    of tensor: ONNXTensor, _ problem: (String) -> ONNXError.Problem,
    _ body: (RawSpan) throws -> Result
  ) throws -> Result {
    switch tensor.contents {
    case .place(let range):
      return try file.withBytes { try body($0.extracting(range)) }
    case .external(let name, let offset, let length):
      let other = try external(name, tensor: tensor.name)
      let count = length ?? max(0, other.byteCount - offset)
      guard offset <= other.byteCount, count <= other.byteCount - offset else {
        throw ONNXError.Problem.externalData(
          tensor: tensor.name,
          reason:
            "bytes \(offset) on\(length.map { ", \($0) of them," } ?? "") are not in \(name), which has \(other.byteCount)"
        )
      }
      return try other.withBytes { try body($0.extracting(offset..<offset + count)) }
    default: throw problem("its bytes lie nowhere")
    }
  }

  /// A file of the model's folder, and of no other: what a file from elsewhere names is not looked for anywhere else.
  private func external(_ name: String, tensor: String) throws -> MappedFile {
    func refused(_ reason: String) -> ONNXError.Problem {
      .externalData(tensor: tensor, reason: reason)
    }
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    guard !name.isEmpty, !name.hasPrefix("/"), !name.contains("\\"), !name.contains("\0"),
      !parts.contains(".."), !parts.contains("")
    else {
      throw refused("its file \(name.debugDescription) is not within the model's folder")
    }
    let folder =
      path.contains("/") ? String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]) : "."
    let resolvedFolder = FileSystem.resolvingLinks(folder.isEmpty ? "/" : folder)
    let target = "\(folder.isEmpty ? "" : folder)/\(name)"
    guard FileSystem.exists(target) else {
      throw refused("its file \(name) is not beside the model; fetch it as well")
    }
    // A link may lead out of the folder.
    guard let resolvedFolder, let resolved = FileSystem.resolvingLinks(target),
      resolved.hasPrefix(resolvedFolder == "/" ? "/" : resolvedFolder + "/")
    else {
      throw refused("its file \(name.debugDescription) leads out of the model's folder")
    }
    return try MappedFile(path: target)
  }

  // MARK: Types of a byte and less

  /// Numbers of few bits, several a byte where they are less than one, the first in the lowest bits.
  private func unpacked(
    bits: Int, _ type: ONNXElementType, shape: Shape, of tensor: ONNXTensor,
    _ problem: (String) -> ONNXError.Problem
  ) throws -> Tensor {
    let byteCount = (shape.count * bits + 7) / 8
    func unpack(_ bytes: [UInt8]) throws -> Tensor {
      guard bytes.count == byteCount else {
        throw problem("\(bytes.count) bytes for the shape \(shape)")
      }
      try Memory.require(8 * shape.count, for: "tensor \(tensor.name) of \(path)")
      let codes = (0..<shape.count).map { index in
        Int(bytes[index * bits / 8] >> UInt8(index % (8 / bits) * bits)) & (1 << bits - 1)
      }
      if let format = SmallFloat(type) {
        let values = (0..<1 << bits).map(format.value)
        return Tensor(codes.map { values[$0] }, shape: shape)
      }
      let isSigned = type.elementType == .int8
      let values = codes.map { isSigned && $0 >= 1 << (bits - 1) ? $0 - 1 << bits : $0 }
      return Tensor(integers: values, shape: shape, as: isSigned ? .int8 : .uint8)
    }
    if case .integers(let values) = tensor.contents {
      return try unpack(values.map { UInt8(truncatingIfNeeded: $0) })
    }
    return try withRawBytes(of: tensor, problem) { bytes in
      guard bytes.byteCount == byteCount else {
        throw problem("\(bytes.byteCount) bytes for the shape \(shape)")
      }
      return try unpack(bytes.array(0..<byteCount))
    }
  }
}
