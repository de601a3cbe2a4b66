extension StringProtocol {
  /// The columns of a terminal that the text takes: two for a letter of East Asian scripts in full width or an emoji, none for
  /// what only marks another or is not shown.
  package var columns: Int { reduce(0) { $0 + $1.columns } }

  /// As much of the beginning as has room in so many columns.
  package func prefix(columns: Int) -> SubSequence {
    var room = columns
    return prefix { character in
      room -= character.columns
      return room >= 0
    }
  }
}

extension Character {
  /// What is joined to one character is drawn in the room of the widest.
  fileprivate var columns: Int {
    if isASCII { return 1 }
    return unicodeScalars.reduce(0) { Swift.max($0, $1.columns) }
  }
}

extension Unicode.Scalar {
  fileprivate var columns: Int {
    switch properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format: return 0
    default: break
    }
    return properties.isEmojiPresentation || Self.wide.contains { $0.contains(value) } ? 2 : 1
  }

  /// Wide and full-width characters of Unicode Standard Annex #11 that are not emoji, by their blocks.
  private static let wide: [ClosedRange<UInt32>] = [
    0x1100...0x115F,  // Hangul Jamo, initial consonants
    0x2329...0x232A,  // angle brackets
    0x2E80...0x303E,  // radicals, punctuation
    0x3041...0x3247, 0x3250...0x4DBF,  // kana, enclosed letters, ideographs
    0x4E00...0xA4CF,  // ideographs, Yi
    0xA960...0xA97F, 0xAC00...0xD7A3,  // Hangul
    0xF900...0xFAFF,  // ideographs for compatibility
    0xFE10...0xFE19, 0xFE30...0xFE6F,  // vertical and small forms
    0xFF00...0xFF60, 0xFFE0...0xFFE6,  // full-width forms
    0x16FE0...0x18DFF, 0x1AFF0...0x1B2FF,  // Tangut, Khitan, kana
    0x1F200...0x1F265,  // enclosed ideographs
    0x20000...0x3FFFD,  // ideographs
  ]
}
