public import ConvNetFiles

/// Why a picture cannot be decoded or encoded.
public struct ImageError: Error, Hashable, Sendable {
  /// What is wrong, with the values that show it.
  public enum Problem: Error, Hashable, Sendable {
    /// The contents are of no format that is known; the file's name does not matter.
    case unknownFormat(byteCount: Int)
    /// The contents are of a format, or of a kind of one, that is known and not read.
    case unsupported(kind: String)
    /// The contents are something else that is known.
    case otherFile(FileKind)
    /// The contents are damaged or end early; `reason` is the decoder's.
    case corrupt(reason: String)
    /// The header claims more pixels than ``DecodingOptions/pixelLimit``.
    case tooLarge(width: Int, height: Int, pixelLimit: Int)
    /// There are not so many bytes to decode it; `nil` where the decoder does not say how many.
    case outOfMemory(byteCount: Int?)
    /// The format holds no picture of these extents.
    case notEncodable(width: Int, height: Int, format: String)
    /// There is no such quality of JPEG.
    case quality(Int)
  }

  /// `nil` where the bytes did not come from a file.
  public var file: String?
  /// What is wrong with the picture.
  public var problem: Problem
}

extension ImageError: ReadableError {
  public var description: String {
    FileSystem.readable("\(file ?? "picture"): \(problem)")
  }
}

extension ImageError.Problem: ReadableError {
  private static let formats = "PNG, JPEG, WebP, GIF, BMP, TIFF, PGM, PPM and PBM"

  public var description: String {
    switch self {
    case .unknownFormat(0):
      "the file is empty"
    case .unknownFormat:
      "none of \(Self.formats); convert it to one of them"
    case .unsupported(let kind):
      "\(kind) is not read; convert it to PNG or JPEG"
    case .otherFile(let kind):
      kind.sentence(expected: "a picture")
    case .corrupt(let reason):
      "damaged: \(reason)"
    case .tooLarge(let width, let height, let pixelLimit):
      "\(width) x \(height) pixels exceed the limit of \(pixelLimit); scale it down"
    case .outOfMemory(let byteCount):
      "not enough memory to decode it"
        + (byteCount.map { ": \($0) bytes were wanted; let the process have more" } ?? "")
    case .notEncodable(let width, let height, let format):
      "a picture of \(width) x \(height) pixels cannot be written as \(format)"
    case .quality(let quality):
      "JPEG's quality is \(quality), must be from 1 to 100"
    }
  }
}
