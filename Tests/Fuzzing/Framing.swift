import ConvNetTestSupport
import Foundation

/// What containers put round their contents, mended after a mutation, so that mutants get past the
/// first check.
enum Framing {
  static func bigEndian(_ value: Int, _ count: Int = 4) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * (count - 1 - $0))) }
  }

  static func littleEndian(_ value: Int, _ count: Int = 4) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  private static func integer(_ bytes: some Collection<UInt8>) -> Int {
    bytes.reduce(0) { $0 << 8 | Int($1) }
  }

  private static let crcTable: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { value, _ in value >> 1 ^ (value & 1 == 1 ? 0xEDB8_8320 : 0) }
  }

  static func crc32(_ bytes: some Sequence<UInt8>) -> Int {
    var checksum = UInt32.max
    for byte in bytes {
      checksum = crcTable[Int(UInt8(truncatingIfNeeded: checksum) ^ byte)] ^ checksum >> 8
    }
    return Int(~checksum)
  }

  // MARK: PNG

  /// The checksums of all chunks that are whole.
  static func mendChunks(_ bytes: inout [UInt8]) {
    var offset = 8
    while offset + 12 <= bytes.count {
      let length = integer(bytes[offset..<offset + 4])
      let end = offset + 8 + length
      guard end + 4 <= bytes.count else { return }
      bytes.replaceSubrange(end..<end + 4, with: bigEndian(crc32(bytes[offset + 4..<end])))
      offset = end + 4
    }
  }

  /// A chunk of the file with other data.
  static func replaceChunk(_ bytes: inout [UInt8], _ mutator: inout Mutator) {
    var chunks: [Range<Int>] = []
    var offset = 8
    while offset + 12 <= bytes.count {
      let end = offset + 12 + integer(bytes[offset..<offset + 4])
      guard end <= bytes.count else { break }
      chunks.append(offset..<end)
      offset = end
    }
    guard !chunks.isEmpty else { return }
    let chunk = chunks[mutator.integer(below: chunks.count)]
    let data = mutator.mutated(Array(bytes[chunk.lowerBound + 8..<chunk.upperBound - 4]))
    let body = bytes[chunk.lowerBound + 4..<chunk.lowerBound + 8] + data
    bytes.replaceSubrange(chunk, with: bigEndian(data.count) + body + bigEndian(crc32(body)))
  }

  // MARK: gzip

  /// A member that stores its contents, fewer than 65,536 bytes, as they are.
  static func gzip(_ bytes: [UInt8]) -> [UInt8] {
    let bytes = bytes.prefix(65_535)
    return [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255, 1] + littleEndian(bytes.count, 2)
      + littleEndian(~bytes.count, 2) + bytes + littleEndian(crc32(bytes))
      + littleEndian(bytes.count)
  }

  // MARK: zip

  /// Stored entries; their checksums are zero, which stands for none.
  static func zip(_ entries: [(name: String, bytes: [UInt8])]) -> [UInt8] {
    var bytes: [UInt8] = []
    var directory: [UInt8] = []
    for entry in entries {
      let name = [UInt8](entry.name.utf8)
      let size = littleEndian(entry.bytes.count)
      let common =
        [20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0, 0, 0, 0, 0] + size + size + littleEndian(name.count, 2)
        + [0, 0]
      directory += [UInt8]("PK\u{1}\u{2}".utf8) + [20, 0] + common
      directory += [UInt8](repeating: 0, count: 10) + littleEndian(bytes.count) + name
      bytes += [UInt8]("PK\u{3}\u{4}".utf8) + common + name + entry.bytes
    }
    let count = littleEndian(entries.count, 2)
    let start = littleEndian(bytes.count)
    bytes += directory + [UInt8]("PK\u{5}\u{6}".utf8) + [0, 0, 0, 0] + count + count
    return bytes + littleEndian(directory.count) + start + [0, 0]
  }

  // MARK: tar

  static func tar(_ files: [(name: String, bytes: [UInt8])]) -> [UInt8] {
    var archive: [UInt8] = []
    for file in files {
      var header = [UInt8](repeating: 0, count: 512)
      func put(_ text: String, at offset: Int) {
        header.replaceSubrange(offset..<offset + text.utf8.count, with: text.utf8)
      }
      let size = String(file.bytes.count, radix: 8)
      put(file.name, at: 0)
      put("0000644", at: 100)
      put("0000000", at: 108)
      put("0000000", at: 116)
      put(String(repeating: "0", count: 11 - size.count) + size, at: 124)
      put("00000000000", at: 136)
      put("0", at: 156)
      put("ustar\u{0}00", at: 257)
      archive += header + file.bytes
      archive += [UInt8](repeating: 0, count: (512 - file.bytes.count % 512) % 512)
    }
    archive += [UInt8](repeating: 0, count: 1024)
    mendTar(&archive)
    return archive
  }

  /// The checksum of every block that may be a header.
  static func mendTar(_ bytes: inout [UInt8]) {
    for start in stride(from: 0, to: bytes.count - 511, by: 512)
    where bytes[start] != 0 && bytes[start + 257..<start + 260].elementsEqual("ust".utf8) {
      bytes.replaceSubrange(start + 148..<start + 156, with: "        ".utf8)
      let sum = bytes[start..<start + 512].reduce(0) { $0 + Int($1) }
      let text = String(sum, radix: 8)
      let digits = String(repeating: "0", count: 6 - text.count) + text + "\u{0} "
      bytes.replaceSubrange(start + 148..<start + 156, with: digits.utf8)
    }
  }

  // MARK: Safetensors

  /// The file with another header, whose length is right.
  static func replaceHeader(_ bytes: inout [UInt8], _ mutator: inout Mutator) {
    guard bytes.count >= 8 else { return }
    let length = integer(bytes[..<8].reversed())
    guard length > 0, length <= bytes.count - 8 else { return }
    let header = mutator.mutated(Array(bytes[8..<8 + length]))
    bytes.replaceSubrange(..<(8 + length), with: littleEndian(header.count, 8) + header)
  }

  /// The file with one entry of its metadata changed, a JSON text in the header's JSON.
  static func replaceMetadata(_ bytes: inout [UInt8], key: String, _ mutator: inout Mutator) {
    let length = bytes.count < 8 ? 0 : integer(bytes[..<8].reversed())
    guard length > 0, length <= bytes.count - 8,
      var header = try? JSONSerialization.jsonObject(with: Data(bytes[8..<8 + length]))
        as? [String: Any],
      var metadata = header["__metadata__"] as? [String: String], let text = metadata[key]
    else { return }
    metadata[key] = JSONMutator.mutant(of: text, &mutator)
    header["__metadata__"] = metadata
    guard let new = try? JSONSerialization.data(withJSONObject: header, options: .sortedKeys) else {
      return
    }
    bytes.replaceSubrange(..<(8 + length), with: littleEndian(new.count, 8) + new)
  }

  static func safetensors(_ header: String, data: [UInt8]) -> [UInt8] {
    littleEndian(header.utf8.count, 8) + header.utf8 + data
  }
}
