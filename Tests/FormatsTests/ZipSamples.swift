import ConvNetTestSupport

/// What an archive holds under a name: the bytes, and their count once they are inflated where they are
/// deflated.
struct ZipEntry {
  var name: String
  var bytes: [UInt8]
  var inflatedCount: Int?
}

/// A zip archive, by the specification's fewest words
/// (https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT). Its checksums are zero, which
/// stands for none: so a mutated entry reaches the reader of its contents.
///
/// - Parameter again: further names in the directory, for the bytes of the last entry.
func zipArchive(_ entries: [ZipEntry], again: [String] = []) -> [UInt8] {
  var bytes: [UInt8] = []
  var directory: [UInt8] = []
  func place(_ entry: ZipEntry, at start: Int) {
    let name = [UInt8](entry.name.utf8)
    let method = entry.inflatedCount == nil ? 0 : 8
    // Version, flags, method, time, date, checksum, sizes, lengths of name and extra field.
    var common = little(20, 2) + little(0, 2) + little(method, 2) + little(0, 2)
    common += little(0x21, 2) + little(0, 4) + little(entry.bytes.count, 4)
    common += little(entry.inflatedCount ?? entry.bytes.count, 4)
    common += little(name.count, 2) + little(0, 2)
    directory += [UInt8]("PK\u{1}\u{2}".utf8) + little(20, 2) + common
    // Comment, disk, attributes, then the place of the entry.
    directory += little(0, 2) + little(0, 2) + little(0, 2) + little(0, 4)
    directory += little(start, 4) + name
    if start == bytes.count {
      bytes += [UInt8]("PK\u{3}\u{4}".utf8) + common + name + entry.bytes
    }
  }
  var last = 0
  for entry in entries {
    last = bytes.count
    place(entry, at: last)
  }
  for name in again {
    var entry = entries[entries.count - 1]
    entry.name = name
    place(entry, at: last)
  }
  let start = bytes.count
  let count = little(entries.count + again.count, 2)
  bytes += directory + [UInt8]("PK\u{5}\u{6}".utf8) + little(0, 2) + little(0, 2) + count + count
  return bytes + little(directory.count, 4) + little(start, 4) + little(0, 2)
}

/// Zeros, deflated: one, then runs of 258 that repeat it, in the codes that need no table.
func deflatedZeros(_ runs: Int) -> (bytes: [UInt8], count: Int) {
  var bytes: [UInt8] = []
  var bits: UInt32 = 0
  var held = 0
  func write(_ value: UInt32, _ count: Int) {
    bits |= value << UInt32(held)
    held += count
    while held >= 8 {
      bytes.append(UInt8(truncatingIfNeeded: bits))
      bits >>= 8
      held -= 8
    }
  }
  // The last block, with the fixed codes, which are written from their highest bit on.
  write(0b011, 3)
  write(0b0000_1100, 8)
  for _ in 0..<runs { write(0b0_0000_1010_0011, 13) }
  write(0, 7)
  write(0, 7)
  return (bytes, 1 + 258 * runs)
}

func little(_ value: Int, _ count: Int) -> [UInt8] {
  (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
}

/// A checkpoint with a pickle and the bytes of its storage `0`.
func checkpoint(pickle: [UInt8], storage: [UInt8] = [UInt8](repeating: 1, count: 24)) -> [UInt8] {
  zipArchive([
    ZipEntry(name: "x/data.pkl", bytes: pickle), ZipEntry(name: "x/data/0", bytes: storage),
    ZipEntry(name: "x/version", bytes: [0x33, 0x0A]),
  ])
}

/// The instructions of a pickle, by letters as Python's `pickletools` has them.
enum Pickle {
  static func global(_ name: String) -> [UInt8] {
    let parts = name.split(separator: " ")
    return [UInt8]("c\(parts[0])\n\(parts[1])\n".utf8)
  }

  static func text(_ text: String) -> [UInt8] { [0x58] + little(text.utf8.count, 4) + text.utf8 }

  static func integer(_ value: Int) -> [UInt8] { [0x8A, 8] + little(value, 8) }

  static func tuple(_ values: [UInt8]...) -> [UInt8] { [0x28] + values.joined() + [0x74] }

  static func storage(key: String = "0", count: Int = 6, type: String = "FloatStorage") -> [UInt8] {
    tuple(text("storage"), global("torch \(type)"), text(key), text("cpu"), integer(count)) + [0x51]
  }

  static func tensor(
    storage: [UInt8] = storage(), start: Int = 0, shape: [Int] = [2, 3], strides: [Int] = [3, 1]
  ) -> [UInt8] {
    let extents = [0x28] + shape.flatMap(integer) + [0x74]
    let steps = [0x28] + strides.flatMap(integer) + [0x74]
    return global("torch._utils _rebuild_tensor_v2")
      + tuple(storage, integer(start), extents, steps, [0x89], [0x4E]) + [0x52]
  }

  /// `{"w": value}`, protocol 2.
  static func dictionary(_ value: [UInt8]) -> [UInt8] {
    [0x80, 2, 0x7D] + text("w") + value + [0x73, 0x2E]
  }
}
