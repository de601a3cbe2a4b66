import ConvNetFiles

/// The dictionary at the head of a `.npy` file: `{'descr': '<f4', 'fortran_order': False, 'shape':
/// (2, 3), }`.
struct NumpyHeader {
  var descriptor: String
  var isFortranOrder: Bool
  var dimensions: [Int]

  /// Reads the Python literal that NumPy writes, and nothing more general.
  ///
  /// - Parameter base: the offset of `text` in the file, for errors.
  init(parsing text: [UInt8], base: Int) throws(NumpyHeaderProblem) {
    var descriptor: String?
    var isFortranOrder: Bool?
    var dimensions: [Int]?
    do throws(TextScanner.Failure) {
      var scanner = TextScanner(text)
      try scanner.require("{")
      while !scanner.skip("}") {
        let key = try scanner.quoted()
        try scanner.require(":")
        switch key {
        case "descr" where descriptor == nil: descriptor = try scanner.descriptor()
        case "fortran_order" where isFortranOrder == nil: isFortranOrder = try scanner.boolean()
        case "shape" where dimensions == nil: dimensions = try scanner.tuple()
        default: throw scanner.expected("the keys 'descr', 'fortran_order' and 'shape', once each")
        }
        if !scanner.skip(",") {
          try scanner.require("}")
          break
        }
      }
      try scanner.requireEnd("the end of the header")
    } catch {
      throw NumpyHeaderProblem(
        base + error.position, .malformedHeader(expected: error.expected))
    }
    guard let descriptor else { throw NumpyHeaderProblem(base, .missingKey("descr")) }
    guard let isFortranOrder else { throw NumpyHeaderProblem(base, .missingKey("fortran_order")) }
    guard let dimensions else { throw NumpyHeaderProblem(base, .missingKey("shape")) }
    self.descriptor = descriptor
    self.isFortranOrder = isFortranOrder
    self.dimensions = dimensions
  }
}

/// A problem and its place; the caller adds the file's name.
struct NumpyHeaderProblem: Error {
  var offset: Int
  var problem: NumpyError.Problem

  init(_ offset: Int, _ problem: NumpyError.Problem) {
    self.offset = offset
    self.problem = problem
  }
}

/// The few forms of Python's literals that such a header has.
extension TextScanner {
  fileprivate mutating func quoted() throws(Failure) -> String {
    let quote: UInt8 = skip("'") ? UInt8(ascii: "'") : UInt8(ascii: "\"")
    if quote == UInt8(ascii: "\"") {
      guard skip("\"") else { throw expected("a quoted string") }
    }
    let start = position
    while position < text.count, text[position] != quote {
      guard text[position] != UInt8(ascii: "\\") else { throw expected("a string with no escapes") }
      position += 1
    }
    guard position < text.count else { throw expected("a closing quote") }
    defer { position += 1 }
    return String(decoding: text[start..<position], as: UTF8.self)
  }

  /// `'<f4'`, or the fields of records as they are written: `[('a', '<f4'), ('b', '<i4', (3,))]`.
  fileprivate mutating func descriptor() throws(Failure) -> String {
    skipSpace()
    let start = position
    guard position < text.count, "[(".utf8.contains(text[position]) else { return try quoted() }
    var depth = 0
    while position < text.count {
      switch text[position] {
      case UInt8(ascii: "["), UInt8(ascii: "("): depth += 1
      case UInt8(ascii: "]"), UInt8(ascii: ")"): depth -= 1
      case let quote where quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\""):
        position += 1
        while position < text.count, text[position] != quote {
          position += text[position] == UInt8(ascii: "\\") ? 2 : 1
        }
      default: break
      }
      position += 1
      if depth == 0, position <= text.count {
        return String(decoding: text[start..<position], as: UTF8.self)
      }
    }
    position = start
    throw expected("the end of a list of fields")
  }

  fileprivate mutating func boolean() throws(Failure) -> Bool {
    skipSpace()
    for (word, value) in [("True", true), ("False", false)]
    where text[position...].starts(with: word.utf8) {
      position += word.utf8.count
      return value
    }
    throw expected("True or False")
  }

  /// `()`, `(3,)`, `(2, 3)`: extents, with the `L` that Python 2 put behind long ones.
  fileprivate mutating func tuple() throws(Failure) -> [Int] {
    try require("(")
    var extents: [Int] = []
    while !skip(")") {
      extents.append(try extent())
      if !skip(",") {
        try require(")")
        break
      }
    }
    return extents
  }

  private mutating func extent() throws(Failure) -> Int {
    guard let value = Int(String(decoding: digits(), as: UTF8.self)) else {
      throw expected("an extent below 2^63")
    }
    if position < text.count, text[position] == UInt8(ascii: "L") { position += 1 }
    return value
  }
}
