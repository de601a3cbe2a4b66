public import ConvNetFiles
public import ConvNetTensors

/// Why a file is not a well-formed safetensors file, or cannot be written as one.
public struct SafetensorsError: Error, Hashable, Sendable {
  /// What is wrong, with the values that show it.
  public enum Problem: Hashable, Sendable {
    /// The file ends before its header does.
    case truncatedHeader(needed: Int, available: Int)
    /// The file claims a longer header than any network needs.
    case headerTooLarge(byteCount: UInt64, limit: Int)
    /// The header is not the JSON that the format prescribes.
    case malformedHeader(expected: String)
    /// Two tensors have one name.
    case duplicateName(String)
    /// A tensor's entry lacks a field.
    case missingField(tensor: String, field: String)
    /// The format knows types, such as those of eight bits and less, that have no ``Tensor``.
    case unsupportedElementType(tensor: String, name: String)
    /// The element count overflows.
    case shapeTooLarge(tensor: String, dimensions: [Int])
    /// The bytes given to a tensor are not as many as its shape needs.
    case sizeMismatch(tensor: String, shape: Shape, needed: Int, given: Int)
    /// The tensors do not follow each other without overlap and without hole.
    case misplaced(tensor: String, expectedStart: Int, actualStart: Int)
    /// The data is shorter or longer than all tensors together.
    case dataSize(expected: Int, actual: Int)
    /// A tensor cannot bear the name that the format reserves.
    case reservedName(String)
    /// The file has no tensor of that name.
    case missingTensor(name: String)
  }

  /// `nil` where the bytes did not come from a file.
  public var file: String?
  /// Where in the file, in bytes.
  public var offset: Int
  /// What is wrong with it.
  public var problem: Problem
}

extension SafetensorsError: ReadableError {
  public var description: String {
    let place = file ?? "safetensors"
    switch problem {
    case .missingTensor, .reservedName: return "\(place): \(problem)"
    default: return "\(place), byte \(offset): \(problem)"
    }
  }
}

extension SafetensorsError.Problem: ReadableError {
  public var description: String {
    switch self {
    case .truncatedHeader(let needed, let available):
      "the header needs \(needed) bytes, the file has \(available); it is truncated, "
        + "or not a safetensors file"
    case .headerTooLarge(let byteCount, let limit):
      "a header of \(byteCount) bytes exceeds the format's limit of \(limit); "
        + "not a safetensors file"
    case .malformedHeader(let expected):
      "the header is malformed, expected \(expected)"
    case .duplicateName(let name):
      "'\(name)' appears twice in the header"
    case .missingField(let tensor, let field):
      "tensor '\(tensor)' lacks '\(field)'"
    case .unsupportedElementType(let tensor, let name):
      "tensor '\(tensor)' has elements of type '\(name)', which are not supported; "
        + "convert it to F32"
    case .shapeTooLarge(let tensor, let dimensions):
      "tensor '\(tensor)' of \(dimensions.map(String.init).joined(separator: "x")) is too large"
    case .sizeMismatch(let tensor, let shape, let needed, let given):
      "tensor '\(tensor)' of shape \(shape) needs \(needed) bytes, the header gives it \(given)"
    case .misplaced(let tensor, let expectedStart, let actualStart):
      "tensor '\(tensor)' begins at byte \(actualStart) of the data, must begin at "
        + "\(expectedStart), where the one before it ends"
    case .dataSize(let expected, let actual):
      "the tensors need \(expected) bytes of data, the file has \(actual)"
    case .reservedName(let name):
      "no tensor can be named '\(name)'; the format reserves it"
    case .missingTensor(let name):
      "has no tensor '\(name)'"
    }
  }
}
