public import ConvNetFiles

/// Why a zip archive cannot be read or written.
public struct ArchiveError: Error, Hashable, Sendable {
  /// What is wrong, with the values that show it.
  public enum Problem: Hashable, Sendable {
    /// The archive's directory, or the compressed data of an entry, is damaged.
    case damaged(reason: String)
    /// The bytes of an entry lie beyond the archive's end.
    case outside(offset: Int, byteCount: Int, available: Int)
    /// Neither stored nor deflated.
    case unsupportedCompression(method: Int)
    /// The entry needs a password.
    case encrypted
    /// The contents of the entry are not those that were stored: their CRC-32 is another.
    case wrongChecksum(stated: UInt32, actual: UInt32)
    /// Two entries share bytes.
    case overlapping
    /// Two entries of one name.
    case duplicateName
    /// There is no entry of that name.
    case missingEntry
    /// The archive cannot be written; `reason` is the library's.
    case unwritable(reason: String)
  }

  /// The archive.
  public var file: String
  /// The name within the archive; `nil` where the archive as a whole is meant.
  public var entry: String?
  /// Where in the file the entry's bytes begin; `nil` where there is no such place.
  public var offset: Int?
  /// What is wrong with it.
  public var problem: Problem
}

extension ArchiveError: ReadableError {
  public var description: String {
    let place = [entry.map { "entry \($0)" }, offset.map { "byte \($0)" }].compactMap(\.self)
    return ([file] + place).joined(separator: ", ") + ": \(problem)"
  }
}

extension ArchiveError.Problem: CustomStringConvertible {
  public var description: String {
    switch self {
    case .damaged(let reason):
      "the archive is damaged (\(reason)); copy it again"
    case .outside(let offset, let byteCount, let available):
      "needs \(byteCount) bytes from byte \(offset) on, the file has \(available); "
        + "it is truncated or damaged"
    case .unsupportedCompression(let method):
      "is compressed by method \(method), only stored and deflated entries can be read; "
        + "pack it again"
    case .encrypted:
      "is encrypted; pack it again without a password"
    case .wrongChecksum(let stated, let actual):
      "the checksum is \(String(actual, radix: 16)), must be \(String(stated, radix: 16)); "
        + "the file is damaged, copy it again"
    case .overlapping:
      "its bytes are also those of another entry, as no archiver writes them; the archive is damaged "
        + "or made to fill the memory"
    case .duplicateName: "the archive has two entries of this name"
    case .missingEntry: "the archive has no such entry"
    case .unwritable(let reason): "cannot be written: \(reason)"
    }
  }
}
