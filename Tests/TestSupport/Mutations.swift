import Foundation

/// Makes broken files out of good ones: bit flips, replaced bytes, truncations, extensions,
/// removed, repeated and spliced pieces, and length fields set to awkward numbers. Deterministic in
/// the seed.
package struct Mutator {
  private var state: UInt64
  private let samples: [[UInt8]]

  /// - Precondition: there is a sample, and none is empty.
  package init(samples: [[UInt8]], seed: UInt64) {
    precondition(!samples.isEmpty && samples.allSatisfy { !$0.isEmpty })
    self.samples = samples
    state = seed
  }

  /// SplitMix64.
  private mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
    return word ^ word >> 31
  }

  /// One of the samples, as it is.
  package mutating func sample() -> [UInt8] { samples[integer(below: samples.count)] }

  package mutating func integer(below bound: Int) -> Int { Int(next() % UInt64(bound)) }

  /// One sample after one to four mutations. Headers are short, so half of the places lie in the
  /// first 64 bytes.
  package mutating func mutant() -> [UInt8] {
    mutated(samples[integer(below: samples.count)])
  }

  /// These bytes after one to four mutations.
  package mutating func mutated(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    for _ in 0...integer(below: 4) { mutate(&bytes) }
    return bytes
  }

  private mutating func place(in bytes: [UInt8]) -> Int {
    let bound = integer(below: 2) == 0 ? min(64, bytes.count) : bytes.count
    return integer(below: bound)
  }

  private mutating func mutate(_ bytes: inout [UInt8]) {
    guard !bytes.isEmpty else { return }
    let start = place(in: bytes)
    let end = min(bytes.count, start + 1 + integer(below: 16))
    switch integer(below: 9) {
    case 0: bytes[start] ^= 1 << UInt8(integer(below: 8))
    case 1: bytes[start] = UInt8(truncatingIfNeeded: next())
    case 2: bytes.removeSubrange(start...)
    case 3: bytes += (0..<1 + integer(below: 16)).map { UInt8($0) }
    case 4: bytes.removeSubrange(start..<end)
    case 5: bytes.insert(contentsOf: bytes[start..<end], at: start)
    case 6:
      let other = samples[integer(below: samples.count)]
      bytes.replaceSubrange(start..., with: other[min(start, other.count)...])
    case 7: writeAwkwardInteger(to: &bytes, at: start)
    default: writeAwkwardDigits(to: &bytes, at: start)
    }
  }

  private mutating func writeAwkwardInteger(to bytes: inout [UInt8], at start: Int) {
    let values: [UInt64] = [
      0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 1 << 32,
      UInt64(Int64.max), 1 << 63, .max, UInt64(bytes.count), UInt64(bytes.count) + 1,
    ]
    let value = values[integer(below: values.count)]
    let size = [1, 2, 4, 8][integer(below: 4)]
    let isBigEndian = integer(below: 2) == 0
    for index in 0..<size where start + index < bytes.count {
      let shift = UInt64(8 * (isBigEndian ? size - 1 - index : index))
      bytes[start + index] = UInt8(truncatingIfNeeded: value >> shift)
    }
  }

  /// Numbers written in text, as JSON and NumPy headers have them.
  private mutating func writeAwkwardDigits(to bytes: inout [UInt8], at start: Int) {
    let texts = [
      "9223372036854775807", "18446744073709551616", "-1", "1e999", "4294967296", "0", "[", "{",
      "\"", "null", "]]",
    ]
    guard let digit = bytes[start...].firstIndex(where: { (0x30...0x39).contains($0) }) else {
      return
    }
    bytes.replaceSubrange(digit...digit, with: texts[integer(below: texts.count)].utf8)
  }
}

/// Limits the process's memory to what it has and `extra` bytes more, so that a runaway allocation
/// fails.
///
/// For the child process of an exit test only. Not under a sanitizer, which reserves more than any limit.
package func limitMemory(toExtra extra: Int) {
  #if os(Linux)
    let isSanitized = dlsym(nil, "__asan_init") != nil || dlsym(nil, "__tsan_init") != nil
    if isSanitized { return }
    guard let status = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8),
      let pages = status.split(separator: " ").first.flatMap({ Int($0) })
    else { return }
    let bytes = rlim_t(pages * sysconf(Int32(_SC_PAGESIZE)) + extra)
    var limit = rlimit(rlim_cur: bytes, rlim_max: bytes)
    setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
  #endif
}
