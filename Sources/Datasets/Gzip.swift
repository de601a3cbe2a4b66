import CImages

/// The inflated contents of a gzip file, freed with their owner.
package final class InflatedBytes: @unchecked Sendable {
  private let bytes: UnsafeRawBufferPointer

  /// Deflate makes at most so many bytes of one.
  package static let largestRatio = 1032

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
      throw .corrupt(reason: Self.text(message))
    }
    bytes = UnsafeRawBufferPointer(start: output, count: count)
  }

  /// The first bytes of what a gzip file holds, at most `capacity`, without inflating the rest.
  package static func head(
    inflating compressed: RawSpan, capacity: Int
  ) throws(Failure) -> [UInt8] {
    var message = [CChar](repeating: 0, count: Int(CI_MESSAGE_SIZE))
    var head = [UInt8](repeating: 0, count: capacity)
    var count = 0
    let status = compressed.withUnsafeBytes { compressed in
      ci_gunzip_head(
        compressed.baseAddress, compressed.count, &head, capacity, &count, &message)
    }
    guard status == CI_OK else { throw .corrupt(reason: text(message)) }
    return Array(head.prefix(count))
  }

  private static func text(_ message: [CChar]) -> String {
    String(
      decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
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
