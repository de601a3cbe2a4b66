import Foundation

/// Text as HTML and SVG may hold it, in an element or in an attribute's double quotes.
///
/// Characters that XML forbids even escaped (most control characters) become U+FFFD.
package func escaped(_ text: String) -> String {
  var result = String.UnicodeScalarView()
  for scalar in text.unicodeScalars {
    switch scalar {
    case "&": result.append(contentsOf: "&amp;".unicodeScalars)
    case "<": result.append(contentsOf: "&lt;".unicodeScalars)
    case ">": result.append(contentsOf: "&gt;".unicodeScalars)
    case "\"": result.append(contentsOf: "&quot;".unicodeScalars)
    case "'": result.append(contentsOf: "&#39;".unicodeScalars)
    case "\t", "\n", "\r": result.append(scalar)
    case "\u{0}"..."\u{1F}", "\u{7F}", "\u{FFFE}", "\u{FFFF}": result.append("\u{FFFD}")
    default: result.append(scalar)
    }
  }
  return String(result)
}

/// An element under construction: attributes and text are escaped, children are not.
package func element(
  _ name: String, _ attributes: KeyValuePairs<String, String> = [:], _ children: String...
) -> String {
  let attributes = attributes.map { " \($0.key)=\"\(escaped($0.value))\"" }.joined()
  let content = children.joined()
  return content.isEmpty && selfClosing.contains(name)
    ? "<\(name)\(attributes)/>" : "<\(name)\(attributes)>\(content)</\(name)>"
}

private let selfClosing: Set = ["rect", "line", "circle", "path", "polyline", "img"]

/// A coordinate, to a tenth of a pixel.
package func coordinate(_ value: Double) -> String {
  HumanReadable.trimmed(HumanReadable.fixed(value, digits: 1))
}

/// About the width of a text in the plots' font, in pixels. Generous, as of the widest font that a reader may have, DejaVu Sans:
/// labels must not be cut.
package func textWidth(_ text: String, size: Double = 12) -> Double {
  text.reduce(0) { $0 + size * shareOfSize($1) }
}

private let narrowCharacters = Set(" .,:;!'|/\\()[]-fijlrtI⁰¹²³⁴⁵⁶⁷⁸⁹·")
private let wideCharacters = Set("mwMWOQG%@&#+=<>~…—→←↑↓±−×⁻")

/// The width of a character in a font of size 1.
private func shareOfSize(_ character: Character) -> Double {
  if narrowCharacters.contains(character) { return 0.4 }
  if wideCharacters.contains(character) || String(character).columns > 1 { return 1 }
  return character.isUppercase ? 0.75 : 0.64
}

/// The text, cut with an ellipsis where it is longer than `count` characters.
package func shortened(_ text: String, to count: Int) -> String {
  text.count <= count ? text : text.prefix(max(0, count - 1)) + "…"
}

/// The text, cut with an ellipsis where it is wider than so many pixels.
package func shortened(_ text: String, toWidth width: Double) -> String {
  guard textWidth(text) > width else { return text }
  var room = width - textWidth("…")
  let kept = text.prefix { character in
    room -= textWidth(String(character))
    return room >= 0
  }
  return kept + "…"
}
