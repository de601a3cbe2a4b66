import ConvNetFiles
import Foundation

/// The parts of a body of kind `multipart/form-data` (RFC 7578), as ranges of it: nothing is copied.
package struct MultipartBody {
  package struct Part: Hashable {
    /// Of the field.
    package var name: String?
    /// Where the field is a file.
    package var fileName: String?
    /// Where the contents lie in the body.
    package var range: Range<Int>
  }

  /// Why a body is none.
  package enum Failure: ReadableError, Hashable {
    case noBoundary
    /// The end is missing: it was cut off.
    case unfinished(byteCount: Int)
    case noHeader(byte: Int)
    case tooMany(limit: Int)

    package var description: String {
      switch self {
      case .noBoundary:
        "the Content-Type of a multipart body names no boundary of 1 to 70 characters"
      case .unfinished(let count):
        "the multipart body of \(count) bytes ends before its last boundary; send all of it"
      case .noHeader(let byte): "the part at byte \(byte) of the multipart body has no header"
      case .tooMany(let limit): "the multipart body has more than \(limit) parts; send fewer"
      }
    }
  }

  package private(set) var parts: [Part] = []

  /// - Parameters:
  ///   - contentType: of the request, with the boundary.
  ///   - limit: of parts.
  package init(_ body: [UInt8], contentType: String, limit: Int) throws(Failure) {
    guard let boundary = Self.parameter("boundary", of: contentType),
      1...70 ~= boundary.utf8.count
    else { throw .noBoundary }
    let delimiter = [UInt8]("\r\n--\(boundary)".utf8)
    // The first stands at the beginning, or behind words that nobody reads.
    let first = Array(delimiter.dropFirst(2))
    var position: Int
    if body.starts(with: first) {
      position = first.count
    } else {
      guard let start = Self.find(delimiter, in: body, from: 0) else {
        throw .unfinished(byteCount: body.count)
      }
      position = start + delimiter.count
    }
    while true {
      if body[position...].starts(with: [UInt8]("--".utf8)) { return }
      guard parts.count < limit else { throw .tooMany(limit: limit) }
      let start = position
      guard let end = Self.find(delimiter, in: body, from: position) else {
        throw .unfinished(byteCount: body.count)
      }
      guard let head = Self.find([UInt8]("\r\n\r\n".utf8), in: body, from: position, to: end + 4),
        head - position <= Self.headLimit
      else { throw .noHeader(byte: start) }
      var part = Part(range: min(head + 4, end)..<end)
      for line in String(decoding: body[position..<head], as: UTF8.self).split(separator: "\r\n")
      where line.lowercased().hasPrefix("content-disposition:") {
        part.name = Self.parameter("name", of: String(line))
        part.fileName = Self.parameter("filename", of: String(line))
      }
      parts.append(part)
      position = end + delimiter.count
    }
  }

  private static let headLimit = 1 << 14

  /// A parameter of a header: `boundary` of `multipart/form-data; boundary="x"`.
  package static func parameter(_ name: String, of header: String) -> String? {
    var rest = header[...]
    while let semicolon = rest.firstIndex(of: ";") {
      rest = rest[rest.index(after: semicolon)...].drop { $0 == " " || $0 == "\t" }
      guard let equals = rest.firstIndex(of: "=") else { return nil }
      let key = rest[..<equals].trimmingCharacters(in: .whitespaces).lowercased()
      rest = rest[rest.index(after: equals)...]
      var value = ""
      if rest.first == "\"" {
        rest = rest.dropFirst()
        while let character = rest.popFirst(), character != "\"" {
          if character == "\\", let escaped = rest.first, escaped == "\"" || escaped == "\\" {
            value.append(escaped)
            rest = rest.dropFirst()
          } else {
            value.append(character)
          }
        }
      } else {
        value = rest.prefix { $0 != ";" }.trimmingCharacters(in: .whitespaces)
      }
      if key == name { return value }
    }
    return nil
  }

  private static func find(
    _ pattern: [UInt8], in body: [UInt8], from start: Int, to end: Int? = nil
  ) -> Int? {
    let end = min(end ?? body.count, body.count)
    guard start < end else { return nil }
    return body.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress else { return nil }
      var position = start
      // The first byte, a carriage return, is looked for by the system's fast search.
      while position + pattern.count <= end,
        let found = memchr(base + position, Int32(pattern[0]), end - position - pattern.count + 1)
      {
        position = UnsafeRawPointer(found) - base
        if memcmp(base + position, pattern, pattern.count) == 0 { return position }
        position += 1
      }
      return nil
    }
  }
}
