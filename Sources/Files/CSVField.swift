/// A field of a CSV file (RFC 4180): in quotation marks where it holds a comma, a line's end or a quotation mark.
package enum CSVField {
  /// The bytes of a field, which need not be UTF-8: a path may have any.
  package static func bytes(_ field: [UInt8]) -> [UInt8] {
    guard field.contains(where: special.contains) else { return field }
    return [quote] + field.flatMap { $0 == quote ? [quote, quote] : [$0] } + [quote]
  }

  private static let quote = UInt8(ascii: "\"")
  private static let special = Array(",\"\n\r".utf8)
}

extension String {
  /// The text as a field of a CSV file.
  package var csvField: String { String(decoding: CSVField.bytes(Array(utf8)), as: UTF8.self) }
}
