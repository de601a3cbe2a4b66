import ConvNetTestSupport

/// A zip archive of stored entries, by the specification's fewest words
/// (https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT). Its checksums are zero, which
/// stands for none: so a mutated entry reaches the reader of its contents.
func zipArchive(_ entries: [(name: String, bytes: [UInt8])]) -> [UInt8] {
  var bytes: [UInt8] = []
  var directory: [UInt8] = []
  for entry in entries {
    let name = [UInt8](entry.name.utf8)
    let size = little(entry.bytes.count, 4)
    // Version, flags, method, time, date, checksum, sizes, lengths of name and extra field.
    let common =
      little(20, 2) + little(0, 2) + little(0, 2) + little(0, 2) + little(0x21, 2) + little(0, 4)
      + size + size + little(name.count, 2) + little(0, 2)
    directory += [UInt8]("PK\u{1}\u{2}".utf8) + little(20, 2) + common
    // Comment, disk, attributes, then the place of the entry.
    directory += little(0, 2) + little(0, 2) + little(0, 2) + little(0, 4)
    directory += little(bytes.count, 4) + name
    bytes += [UInt8]("PK\u{3}\u{4}".utf8) + common + name + entry.bytes
  }
  let start = bytes.count
  let count = little(entries.count, 2)
  bytes += directory + [UInt8]("PK\u{5}\u{6}".utf8) + little(0, 2) + little(0, 2) + count + count
  return bytes + little(directory.count, 4) + little(start, 4) + little(0, 2)
}

func little(_ value: Int, _ count: Int) -> [UInt8] {
  (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
}

/// A checkpoint with a pickle and the bytes of its storage `0`.
func checkpoint(pickle: [UInt8], storage: [UInt8] = [UInt8](repeating: 1, count: 24)) -> [UInt8] {
  zipArchive([("x/data.pkl", pickle), ("x/data/0", storage), ("x/version", [0x33, 0x0A])])
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
