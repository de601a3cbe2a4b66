// The few forms of JSON that the head of a safetensors file has (RFC 8259): its grammar fixes the nesting.
extension TextScanner {
  /// Calls `member` with every key of an object; it must read the value.
  package mutating func object(
    _ member: (inout TextScanner, String) throws(Failure) -> Void
  ) throws(Failure) {
    try require("{")
    if skip("}") { return }
    repeat {
      let key = try string()
      try require(":")
      try member(&self, key)
    } while skip(",")
    try require("}")
  }

  /// An array of integers from 0 to 2^63 - 1.
  package mutating func integers() throws(Failure) -> [Int] {
    try require("[")
    if skip("]") { return [] }
    var values: [Int] = []
    repeat { values.append(try integer()) } while skip(",")
    try require("]")
    return values
  }

  private mutating func integer() throws(Failure) -> Int {
    skipSpace()
    let start = position
    let digits = digits()
    guard !digits.isEmpty, digits.count == 1 || digits.first != UInt8(ascii: "0"),
      let value = Int(String(decoding: digits, as: UTF8.self))
    else {
      position = start
      throw expected("an integer from 0 to 2^63 - 1")
    }
    return value
  }

  package mutating func string() throws(Failure) -> String {
    skipSpace()
    guard position < text.count, text[position] == UInt8(ascii: "\"") else {
      throw expected("a string")
    }
    position += 1
    var bytes: [UInt8] = []
    while position < text.count {
      let byte = text[position]
      switch byte {
      case UInt8(ascii: "\""):
        guard let string = String(validating: bytes, as: UTF8.self) else {
          throw expected("a string of valid UTF-8 before this byte")
        }
        position += 1
        return string
      case UInt8(ascii: "\\"):
        try bytes.append(contentsOf: escape().utf8)
      case ..<0x20:
        throw expected("no bare control character in a string")
      default:
        bytes.append(byte)
        position += 1
      }
    }
    throw expected("a closing quote")
  }

  /// A backslash and what follows it.
  private mutating func escape() throws(Failure) -> String {
    position += 1
    guard position < text.count else { throw expected("an escape") }
    let kind = text[position]
    position += 1
    switch kind {
    case UInt8(ascii: "\""): return "\""
    case UInt8(ascii: "\\"): return "\\"
    case UInt8(ascii: "/"): return "/"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{c}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      let first = try codeUnit()
      guard UTF16.isLeadSurrogate(first) else {
        guard let scalar = Unicode.Scalar(first) else { throw expected("a surrogate pair") }
        return String(scalar)
      }
      guard text[position...].starts(with: [UInt8]("\\u".utf8)) else {
        throw expected("the second half of a surrogate pair")
      }
      position += 2
      let second = try codeUnit()
      guard UTF16.isTrailSurrogate(second) else {
        throw expected("the second half of a surrogate pair")
      }
      return String(decoding: [first, second], as: UTF16.self)
    default: throw expected("an escape that JSON knows")
    }
  }

  private mutating func codeUnit() throws(Failure) -> UInt16 {
    var value: UInt16 = 0
    for _ in 0..<4 {
      guard position < text.count,
        let digit = Character(Unicode.Scalar(text[position])).hexDigitValue
      else { throw expected("four hexadecimal digits") }
      value = value << 4 | UInt16(digit)
      position += 1
    }
    return value
  }
}

extension String {
  /// The string as a JSON literal, quotes included.
  package var jsonLiteral: String {
    var literal = "\""
    for scalar in unicodeScalars {
      switch scalar {
      case "\"": literal += "\\\""
      case "\\": literal += "\\\\"
      case "\n": literal += "\\n"
      case "\r": literal += "\\r"
      case "\t": literal += "\\t"
      case ..<" ":
        let digits = String(scalar.value, radix: 16)
        literal += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: literal.unicodeScalars.append(scalar)
      }
    }
    return literal + "\""
  }
}
