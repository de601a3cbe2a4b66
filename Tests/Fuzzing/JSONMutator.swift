import ConvNetTestSupport
import Foundation
import Synchronization

/// Changes the values of a JSON text rather than its letters, so that it stays JSON: numbers become
/// awkward ones, texts others of the same text, members and elements vanish, double or change places.
enum JSONMutator {
  static func mutant(of text: String, _ mutator: inout Mutator) -> String {
    guard let sample = sample(text) else { return text }
    var value = sample.value
    for _ in 0...mutator.integer(below: 3) { mutate(&value, sample.texts, &mutator) }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(2 * text.utf8.count)
    value.write(to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  // MARK: Samples

  private struct Sample {
    var value: JSONTree
    /// All texts in it, keys too.
    var texts: [String]
  }

  /// A text is parsed once, and mutated often.
  private static let samples = Mutex<[String: Sample]>([:])

  private static func sample(_ text: String) -> Sample? {
    samples.withLock { samples in
      if let sample = samples[text] { return sample }
      guard
        let value = try? JSONSerialization.jsonObject(
          with: Data(text.utf8), options: [.fragmentsAllowed])
      else { return nil }
      var sample = Sample(value: JSONTree(value), texts: [])
      sample.value.collect(into: &sample.texts)
      samples[text] = sample
      return sample
    }
  }

  // MARK: Mutations

  private static let integers = [
    0, 1, 2, 3, 7, -1, -2, 13, 64, 65_536, 1 << 30, 1 << 31, 1 << 32, 1 << 53, 1 << 62, Int.max,
    Int.min,
  ]
  private static let fractions = [0.5, -0.5, 1e-30, 1e30, 1e300]

  private static func mutate(_ value: inout JSONTree, _ texts: [String], _ mutator: inout Mutator) {
    // Goes down most of the time.
    let descends = mutator.integer(below: 8) != 0
    switch value {
    case .list(var list) where descends && !list.isEmpty:
      // Held once, so that it is changed where it is.
      value = .null
      let index = mutator.integer(below: list.count)
      switch mutator.integer(below: 12) {
      case 0: list.remove(at: index)
      case 1: list.insert(list[index], at: index)
      case 2: list.swapAt(index, mutator.integer(below: list.count))
      case 3: for _ in 0..<mutator.integer(below: 12) { list.append(list[index]) }
      default: mutate(&list[index], texts, &mutator)
      }
      value = .list(list)
    case .members(var members) where descends && !members.isEmpty:
      value = .null
      let index = mutator.integer(below: members.count)
      switch mutator.integer(below: 12) {
      case 0: members.remove(at: index)
      case 1: members[mutator.integer(below: members.count)].value = members[index].value
      case 2: members.append((text(texts, &mutator), members[index].value))
      default: mutate(&members[index].value, texts, &mutator)
      }
      value = .members(members)
    default:
      switch mutator.integer(below: 6) {
      case 0: value = .text(text(texts, &mutator))
      case 1: if case .text = value { value = .text(text(texts, &mutator)) } else { value = .null }
      case 2: value = .list([value])
      case 3: value = .number("\(fractions[mutator.integer(below: fractions.count)])")
      default: value = .number("\(integers[mutator.integer(below: integers.count)])")
      }
    }
  }

  private static func text(_ texts: [String], _ mutator: inout Mutator) -> String {
    texts.isEmpty ? "" : texts[mutator.integer(below: texts.count)]
  }
}

/// Any JSON, written in microseconds. Unlike `JSONValue` it keeps members in order, so that a seed gives the same letters in
/// every process, and has a key twice where damage brings that.
private indirect enum JSONTree {
  case null
  case boolean(Bool)
  /// As it is written.
  case number(String)
  case text(String)
  case list([JSONTree])
  /// In the order in which they are written; a key may stand twice.
  case members([(key: String, value: JSONTree)])

  /// - Parameter object: of `JSONSerialization`.
  init(_ object: Any) {
    switch object {
    case let text as String: self = .text(text)
    case let list as [Any]: self = .list(list.map { JSONTree($0) })
    case let members as [String: Any]:
      self = .members(members.sorted { $0.key < $1.key }.map { ($0.key, JSONTree($0.value)) })
    case let number as NSNumber:
      let type = String(cString: number.objCType)
      self = type == "c" || type == "B" ? .boolean(number.boolValue) : .number("\(number)")
    default: self = .null
    }
  }

  func collect(into texts: inout [String]) {
    switch self {
    case .text(let text): texts.append(text)
    case .list(let list): for element in list { element.collect(into: &texts) }
    case .members(let members):
      for member in members {
        texts.append(member.key)
        member.value.collect(into: &texts)
      }
    case .null, .boolean, .number: break
    }
  }

  func write(to bytes: inout [UInt8]) {
    switch self {
    case .null: bytes += "null".utf8
    case .boolean(let value): bytes += (value ? "true" : "false").utf8
    case .number(let text): bytes += text.utf8
    case .text(let text): Self.write(text, to: &bytes)
    case .list(let list):
      bytes.append(UInt8(ascii: "["))
      for (index, element) in list.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        element.write(to: &bytes)
      }
      bytes.append(UInt8(ascii: "]"))
    case .members(let members):
      bytes.append(UInt8(ascii: "{"))
      for (index, member) in members.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        Self.write(member.key, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        member.value.write(to: &bytes)
      }
      bytes.append(UInt8(ascii: "}"))
    }
  }

  private static func write(_ text: String, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(byte)
      case 0..<32:
        let digits = String(byte, radix: 16)
        bytes += ("\\u" + String(repeating: "0", count: 4 - digits.count) + digits).utf8
      default: bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }
}
