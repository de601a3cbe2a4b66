public import ConvNetFiles

/// Why bytes are not a NumPy array file that a ``Tensor`` can hold.
public struct NumpyError: Error, Hashable, Sendable {
  /// What is wrong, with the values that show it.
  public enum Problem: Hashable, Sendable {
    /// The file ends before its header does.
    case truncatedHeader(needed: Int, available: Int)
    /// The file does not begin with the format's six bytes.
    case wrongMagic
    /// The contents are something else that is known.
    case otherFile(FileKind)
    /// The format has versions 1, 2 and 3.
    case unsupportedVersion(major: UInt8, minor: UInt8)
    /// The header is not the dictionary that the format prescribes. `expected` says what should
    /// stand there.
    case malformedHeader(expected: String)
    /// The header's dictionary lacks an entry.
    case missingKey(String)
    /// Complex numbers, text, records and objects have no tensor.
    case unsupportedElementType(String)
    /// The element count overflows.
    case shapeTooLarge([Int])
    /// The data is shorter or longer than the shape says.
    case dataSize(expected: Int, actual: Int)
  }

  /// `nil` where the bytes did not come from a file.
  public var file: String?
  /// Where in the file, in bytes.
  public var offset: Int
  /// What is wrong with the bytes.
  public var problem: Problem
}

extension NumpyError: ReadableError {
  public var description: String {
    "\(file ?? "NumPy array"), byte \(offset): \(problem)"
  }
}

extension NumpyError.Problem: CustomStringConvertible {
  /// What NumPy calls such elements, and what to do.
  private static func sentence(about descriptor: String) -> String {
    if let first = descriptor.first, "[(".contains(first) {
      return
        "records with the fields \(descriptor) are not supported; save each field as an array of its own"
    }
    let kind = descriptor.drop { "<>=|".contains($0) }
    let name =
      switch kind.first {
      case "c": "complex numbers"
      case "U", "S", "a": "text"
      case "O": "Python objects"
      case "M": "dates"
      case "m": "spans of time"
      case "V": "raw bytes"
      case "f": "floating-point numbers of \(kind.dropFirst()) bytes"
      default: ""
      }
    return
      "elements of type '\(descriptor)'\(name.isEmpty ? "" : " (\(name))") are not supported; convert the array to a "
      + "number type"
  }

  public var description: String {
    switch self {
    case .truncatedHeader(let needed, let available):
      "the header needs \(needed) bytes, the file has \(available); it is truncated"
    case .wrongMagic:
      "does not begin with \\x93NUMPY; not a .npy file"
    case .otherFile(let kind):
      kind.sentence(expected: "a .npy file")
    case .unsupportedVersion(let major, let minor):
      "format version \(major).\(minor) is not supported; save it with numpy.save"
    case .malformedHeader(let expected):
      "the header is malformed, expected \(expected)"
    case .missingKey(let key):
      "the header lacks '\(key)'"
    case .unsupportedElementType(let descriptor):
      Self.sentence(about: descriptor)
    case .shapeTooLarge(let dimensions):
      "an array of \(dimensions.map(String.init).joined(separator: "x")) is too large"
    case .dataSize(let expected, let actual):
      "the shape needs \(expected) bytes of data, the file has \(actual)"
    }
  }
}
