/// Goes through text that a file holds, token by token. It has no recursion, and every error knows its byte.
package struct TextScanner {
  package let text: [UInt8]
  package var position = 0

  package init(_ text: [UInt8]) { self.text = text }

  /// What should have stood at a byte.
  package struct Failure: Error, Hashable {
    package var position: Int
    package var expected: String

    package init(position: Int, expected: String) {
      self.position = position
      self.expected = expected
    }
  }

  package func expected(_ what: String) -> Failure {
    Failure(position: position, expected: what)
  }

  package mutating func skipSpace() {
    while position < text.count, [0x20, 0x09, 0x0A, 0x0D].contains(text[position]) { position += 1 }
  }

  /// Passes an ASCII character over, with the space before it.
  ///
  /// - Returns: whether it stood there.
  package mutating func skip(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard position < text.count, text[position] == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  package mutating func require(_ character: Unicode.Scalar) throws(Failure) {
    guard skip(character) else { throw expected("'\(character)'") }
  }

  /// - Parameter what: the words for the end, where the text goes on.
  package mutating func requireEnd(_ what: String) throws(Failure) {
    skipSpace()
    guard position == text.count else { throw expected(what) }
  }

  /// Passes the decimal digits over that stand here.
  package mutating func digits() -> ArraySlice<UInt8> {
    skipSpace()
    let start = position
    while position < text.count, (0x30...0x39).contains(text[position]) { position += 1 }
    return text[start..<position]
  }
}
