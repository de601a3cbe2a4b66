public import ConvNetFiles

/// Why bytes are not an IDX file.
public struct IDXError: Error, Hashable, Sendable {
  /// What is wrong, with the values that show it.
  public enum Problem: Hashable, Sendable {
    /// The file ends before its header does.
    case truncatedHeader(needed: Int, available: Int)
    /// The first four bytes are 0, 0, an element type and the number of dimensions.
    case wrongMagic(UInt32)
    /// The contents are something else that is known; `isInflated` where it is what a compressed file holds.
    case otherFile(FileKind, isInflated: Bool)
    /// The format has no elements of that number.
    case unknownElementType(UInt8)
    /// The element count overflows.
    case shapeTooLarge([Int])
    /// The data is shorter or longer than the shape says.
    case dataSize(expected: Int, actual: Int)
    /// The file is compressed, and the compressed data is damaged.
    case compression(reason: String)
    /// The file is compressed, and inflates to more than the limit.
    case inflatedTooLarge(limit: Int)
  }

  /// `nil` where the bytes did not come from a file.
  public var file: String?
  /// Where in the (inflated) file, in bytes.
  public var offset: Int
  /// What is wrong with the bytes.
  public var problem: Problem
}

extension IDXError: ReadableError {
  public var description: String { "\(file ?? "IDX"), byte \(offset): \(problem)" }
}

extension IDXError.Problem: CustomStringConvertible {
  private static func bytes(of magic: UInt32) -> String {
    let text = String(magic, radix: 16)
    return String(repeating: "0", count: 8 - text.count) + text
  }

  public var description: String {
    switch self {
    case .truncatedHeader(let needed, let available):
      "the header needs \(needed) bytes, the file has \(available); it is truncated"
    case .wrongMagic(let magic):
      "begins with the bytes \(Self.bytes(of: magic)), an IDX file with two zero bytes; fetch it again"
    case .otherFile(let kind, let isInflated):
      (isInflated ? "what it holds compressed " : "") + kind.sentence(expected: "an IDX file")
    case .unknownElementType(let code):
      "element type \(code) is not one of 8, 9, 11, 12, 13, 14; not an IDX file"
    case .shapeTooLarge(let dimensions):
      "an array of \(dimensions.map(String.init).joined(separator: "x")) is too large"
    case .dataSize(let expected, let actual):
      "the shape needs \(expected) bytes of data, the file has \(actual)"
        + (actual < expected ? "; it is truncated" : "")
    case .compression(let reason):
      "the compressed data is damaged (\(reason)); fetch the file again"
    case .inflatedTooLarge(let limit):
      "inflates to more than \(limit) bytes"
    }
  }
}
