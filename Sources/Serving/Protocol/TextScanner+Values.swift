import ConvNetFiles
import Foundation

// The forms of JSON that requests have beside those of model files. Values whose nesting a sender decides are gone through
// without recursion.
extension TextScanner {
  /// A number, `null` as not a number: JSON has no other way to say that.
  mutating func number() throws(Failure) -> Double {
    skipSpace()
    let start = position
    while position < text.count, Self.isPartOfNumber(text[position]) { position += 1 }
    guard position > start else {
      guard text[position...].starts(with: [UInt8]("null".utf8)) else { throw expected("a number") }
      position += 4
      return .nan
    }
    guard let value = Double(String(decoding: text[start..<position], as: UTF8.self)) else {
      position = start
      throw expected("a number")
    }
    return value
  }

  private static func isPartOfNumber(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"),
      UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"):
      true
    default: false
    }
  }

  /// Numbers of an array, of arrays in it and so on, in order.
  ///
  /// - Parameter limit: of numbers.
  mutating func numbers(limit: Int) throws(Failure) -> [Float] {
    try require("[")
    var values: [Float] = []
    var depth = 1
    var mayEnd = true
    while depth > 0 {
      if mayEnd, skip("]") {
        depth -= 1
      } else {
        if skip("[") {
          depth += 1
          mayEnd = true
          continue
        }
        guard values.count < limit else {
          throw expected("no more than the \(limit) numbers of the shape")
        }
        values.append(Float(try number()))
      }
      // Behind a value: another, or the end of the array.
      while depth > 0, skip("]") { depth -= 1 }
      if depth > 0 { try require(",") }
      mayEnd = false
    }
    return values
  }

  /// `true` or `false`.
  mutating func boolean() throws(Failure) -> Bool {
    skipSpace()
    for (word, value) in [("true", true), ("false", false)]
    where text[position...].starts(with: [UInt8](word.utf8)) {
      position += word.utf8.count
      return value
    }
    throw expected("true or false")
  }

  /// Passes any value over.
  mutating func skipValue() throws(Failure) {
    var depth = 0
    repeat {
      skipSpace()
      guard position < text.count else { throw expected("a value") }
      switch text[position] {
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        depth += 1
        position += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        depth -= 1
        position += 1
      case UInt8(ascii: "\""): _ = try string()
      case UInt8(ascii: ","), UInt8(ascii: ":"):
        guard depth > 0 else { throw expected("a value") }
        position += 1
      case UInt8(ascii: "t"), UInt8(ascii: "f"): _ = try boolean()
      default:
        let start = position
        while position < text.count, Self.isPartOfNumber(text[position]) { position += 1 }
        if position == start { _ = try number() }
      }
    } while depth > 0
    guard depth == 0 else { throw expected("a value") }
  }

  /// The values of an array.
  mutating func array(_ element: (inout TextScanner) throws(Failure) -> Void) throws(Failure) {
    try require("[")
    if skip("]") { return }
    repeat { try element(&self) } while skip(",")
    try require("]")
  }
}
