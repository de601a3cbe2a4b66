import CArchives

/// Inflates deflated bytes (RFC 1951) piece by piece.
struct Inflater: ~Copyable {
  enum Wrapping {
    /// Deflate data alone, as zip files hold it. What stands behind its end is not looked at.
    case none
    /// The members of a gzip file (RFC 1952), one after the other, with their checksums.
    case gzip
  }

  private let inflater: OpaquePointer

  /// - Precondition: `bytes` stay where they are as long as the inflater lives.
  init(_ bytes: UnsafeRawBufferPointer, _ wrapping: Wrapping) throws(InflatedBytes.Failure) {
    guard
      let inflater = ca_inflater_create(
        bytes.baseAddress, bytes.count, wrapping == .gzip ? CA_GZIP : CA_DEFLATE)
    else { throw .corrupt(reason: "out of memory") }
    self.inflater = inflater
  }

  deinit { ca_inflater_destroy(inflater) }

  /// Fills memory with the next bytes; with fewer where there are no more.
  ///
  /// - Returns: their number.
  mutating func read(
    into memory: UnsafeMutableRawBufferPointer
  ) throws(InflatedBytes.Failure) -> Int {
    var count = 0
    var message = [CChar](repeating: 0, count: Int(CA_MESSAGE_SIZE))
    let status = ca_inflater_read(inflater, memory.baseAddress, memory.count, &count, &message)
    guard status == CA_OK else {
      let text = message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
      throw .corrupt(reason: String(decoding: text, as: UTF8.self))
    }
    return count
  }

  /// Whether there is a further byte. Gzip's last checksum is compared by this.
  mutating func hasMore() throws(InflatedBytes.Failure) -> Bool {
    let byte = UnsafeMutableRawBufferPointer.allocate(byteCount: 1, alignment: 1)
    defer { byte.deallocate() }
    return try read(into: byte) > 0
  }
}
