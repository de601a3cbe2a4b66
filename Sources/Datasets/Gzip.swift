import CImages

/// The inflated contents of a gzip file, freed with their owner.
package final class InflatedBytes: @unchecked Sendable {
  private let bytes: UnsafeRawBufferPointer

  package enum Failure: Error {
    case corrupt(reason: String)
    case tooLarge(limit: Int)
  }

  /// Inflates every member of a gzip file.
  ///
  /// - Parameter limit: more bytes than this are refused, before memory for them is asked for.
  package init(inflating compressed: RawSpan, limit: Int) throws(Failure) {
    var output: UnsafeMutablePointer<UInt8>?
    var count = 0
    var message = [CChar](repeating: 0, count: Int(CI_MESSAGE_SIZE))
    let status = compressed.withUnsafeBytes { compressed in
      ci_gunzip(compressed.baseAddress, compressed.count, limit, &output, &count, &message)
    }
    guard status == CI_OK, let output else {
      if status == CI_TOO_LARGE { throw .tooLarge(limit: limit) }
      let text = message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
      throw .corrupt(reason: String(decoding: text, as: UTF8.self))
    }
    bytes = UnsafeRawBufferPointer(start: output, count: count)
  }

  deinit {
    ci_free(UnsafeMutableRawPointer(mutating: bytes.baseAddress))
  }

  /// Lends the contents for reading.
  package func withBytes<Result, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(bytes.bytes)
  }
}
