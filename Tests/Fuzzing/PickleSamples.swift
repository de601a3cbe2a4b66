import ConvNetTestSupport

/// Pickles made of instructions rather than of bytes.
enum PickleSamples {
  private static func global(_ name: String) -> [UInt8] {
    let parts = name.split(separator: " ")
    return [UInt8]("c\(parts[0])\n\(parts[1])\n".utf8)
  }

  private static func text(_ text: String) -> [UInt8] {
    [0x58] + Framing.littleEndian(text.utf8.count) + text.utf8
  }

  private static func integer(_ value: Int) -> [UInt8] {
    [0x8A, 8] + Framing.littleEndian(value, 8)
  }

  private static func tuple(_ values: [UInt8]...) -> [UInt8] { [0x28] + values.joined() + [0x74] }

  private static let storage =
    tuple(text("storage"), global("torch FloatStorage"), text("0"), text("cpu"), integer(6))
    + [0x51]

  private static let tensor =
    global("torch._utils _rebuild_tensor_v2")
    + tuple(
      storage, integer(0), tuple(integer(2), integer(3)), tuple(integer(3), integer(1)), [0x89],
      [0x4E]) + [0x52]

  /// Whole pickles: a dictionary of a tensor, and of several in an ordered one.
  static let whole: [[UInt8]] = [
    [0x80, 2, 0x7D] + text("w") + tensor + [0x73, 0x2E],
    [0x80, 2, 0x7D, 0x71, 0, 0x28] + text("a") + tensor + [0x71, 1] + text("b") + [
      0x68, 1, 0x75, 0x2E,
    ],
    [0x80, 4] + global("collections OrderedDict") + [0x29, 0x52, 0x94, 0x28] + text("a") + tensor
      + [0x75, 0x2E],
  ]

  private static let pieces: [[UInt8]] = [
    tensor, storage, text("w"), integer(3), integer(-1), integer(Int.max), [0x28], [0x29], [0x5D],
    [0x7D], [0x74], [0x85], [0x86], [0x87], [0x52], [0x51], [0x62], [0x61], [0x65], [0x73], [0x75],
    [0x30], [0x31], [0x32], [0x94], [0x71, 0], [0x68, 0], [0x71, 1], [0x68, 1], [0x4E], [0x88],
    [0x89], [0x4B, 7], [0x4D, 1, 2], [0x4A, 0xFF, 0xFF, 0xFF, 0x7F], [0x8F], [0x90], [0x91], [0x93],
    [0x8C, 1, 0x61], [0x95, 9, 0, 0, 0, 0, 0, 0, 0], [0x72, 0xFF, 0xFF, 0xFF, 0xFF],
    [0x6A, 0, 0, 0, 0], [0x81], [0x47, 0x40, 0, 0, 0, 0, 0, 0, 0], [0x55, 2, 0x61, 0x62],
    [0x42, 2, 0, 0, 0, 1, 2], global("torch FloatStorage"), global("torch Size"),
    global("collections OrderedDict"), global("torch._utils _rebuild_parameter"),
    global("builtins set"), [0x64], [0x6C], [0x2E],
  ]

  /// Up to forty instructions, or a whole pickle with some put in.
  static func mutant(_ mutator: inout Mutator) -> [UInt8] {
    func piece(_ mutator: inout Mutator) -> [UInt8] { pieces[mutator.integer(below: pieces.count)] }
    guard mutator.integer(below: 2) == 0 else {
      var bytes = mutator.sample()
      for _ in 0...mutator.integer(below: 6) {
        bytes.insert(contentsOf: piece(&mutator), at: mutator.integer(below: bytes.count))
      }
      return bytes
    }
    var bytes: [UInt8] = [0x80, 2, 0x7D]
    for _ in 0..<mutator.integer(below: 40) {
      let piece = piece(&mutator)
      for _ in 0...(mutator.integer(below: 8) == 0 ? mutator.integer(below: 60) : 0) {
        bytes += piece
      }
    }
    return bytes + [0x2E]
  }

  static func checkpoint(_ pickle: [UInt8]) -> [UInt8] {
    Framing.zip([
      ("x/data.pkl", pickle), ("x/data/0", [UInt8](repeating: 1, count: 24)),
      ("x/version", [0x33, 0x0A]),
    ])
  }
}
