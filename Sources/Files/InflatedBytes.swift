/// What compressed bytes hold, freed with its owner.
package final class InflatedBytes: @unchecked Sendable {
  package enum Failure: Error, Hashable, CustomStringConvertible {
    case corrupt(reason: String)
    /// The contents have more bytes than they may.
    case tooLarge(limit: Int)

    package var description: String {
      switch self {
      case .corrupt(let reason): reason
      case .tooLarge(let limit): "it inflates to more than \(limit) bytes"
      }
    }
  }

  /// Deflate makes at most so many bytes of one.
  package static let largestRatio = 1032

  private let bytes: UnsafeMutableRawBufferPointer
  private let count: Int

  /// Inflates deflate data, as zip files hold it, of a known size.
  ///
  /// - Parameters:
  ///   - byteCount: of the contents, or of their beginning.
  ///   - isWhole: whether more bytes than that are damage.
  package init(
    inflating compressed: RawSpan, byteCount: Int, isWhole: Bool
  ) throws(Failure) {
    bytes = try Self.allocate(byteCount)
    count = byteCount
    // The memory is freed by `deinit` in any case.
    try compressed.withUnsafeBytes { [bytes] compressed throws(Failure) in
      var inflater = try Inflater(compressed, .none)
      guard try inflater.read(into: bytes) == byteCount else {
        throw .corrupt(reason: "the compressed data is shorter than its stated size")
      }
      if isWhole, try inflater.hasMore() {
        throw .corrupt(reason: "the compressed data is longer than its stated size")
      }
    }
  }

  /// Inflates every member of a gzip file.
  ///
  /// - Parameter limit: more bytes than this are refused, before memory for them is asked for.
  package init(gunzipping compressed: RawSpan, limit: Int) throws(Failure) {
    (bytes, count) = try compressed.withUnsafeBytes { compressed throws(Failure) in
      var inflater = try Inflater(compressed, .gzip)
      // One more, so that the end is seen without growing.
      var memory = try Self.allocate(Self.statedByteCount(compressed, limit: limit) + 1)
      var count = 0
      do throws(Failure) {
        while true {
          count += try inflater.read(into: .init(rebasing: memory[count...]))
          if count < memory.count { break }
          guard count <= limit else { throw .tooLarge(limit: limit) }
          let larger = try Self.allocate(min(2 * count, limit + 1))
          larger.copyMemory(from: UnsafeRawBufferPointer(memory))
          memory.deallocate()
          memory = larger
        }
      } catch {
        memory.deallocate()
        throw error
      }
      return (memory, count)
    }
  }

  deinit { bytes.deallocate() }

  /// The first bytes of what a gzip file holds, at most `capacity`, without inflating the rest.
  package static func head(
    gunzipping compressed: RawSpan, capacity: Int
  ) throws(Failure) -> [UInt8] {
    let memory = try allocate(capacity)
    defer { memory.deallocate() }
    return try compressed.withUnsafeBytes { compressed throws(Failure) in
      var inflater = try Inflater(compressed, .gzip)
      return Array(memory.prefix(try inflater.read(into: memory)))
    }
  }

  private static func allocate(
    _ byteCount: Int
  ) throws(Failure) -> UnsafeMutableRawBufferPointer {
    guard Memory.has(byteCount) else {
      throw .corrupt(reason: "\(byteCount) bytes of memory to inflate it cannot be had")
    }
    return .allocate(byteCount: byteCount, alignment: 64)
  }

  /// The size that the last member of a gzip file says it has, as far as that can be.
  private static func statedByteCount(_ compressed: UnsafeRawBufferPointer, limit: Int) -> Int {
    // A header and a trailer, of which the last four bytes are the size.
    guard compressed.count >= 18 else { return min(1 << 16, limit) }
    let stated = compressed.loadUnaligned(
      fromByteOffset: compressed.count - 4, as: UInt32.self)
    return min(Int(UInt32(littleEndian: stated)), largestRatio * compressed.count, limit)
  }

  /// Lends the contents for reading.
  package func withBytes<Result, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(UnsafeRawBufferPointer(rebasing: bytes[..<count]).bytes)
  }
}
