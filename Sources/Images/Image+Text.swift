extension Image {
  /// The extents of a line of text: a pixel of the letters is a square of `magnification` pixels.
  package static func textExtents(
    _ text: String, magnification: Int = 1
  ) -> (height: Int, width: Int) {
    let count = BitmapFont.letters(text).count
    return (
      BitmapFont.height * magnification, max(0, count * BitmapFont.advance - 1) * magnification
    )
  }

  /// Draws a line of text; what reaches beyond the picture is left out.
  package mutating func draw(
    _ text: String, row: Int, column: Int, color: Color = .black, magnification: Int = 1
  ) {
    let values = color.values(channels: channels)
    for (place, letter) in BitmapFont.letters(text).enumerated() {
      let glyph = BitmapFont.glyph(letter)
      let left = column + place * BitmapFont.advance * magnification
      for y in 0..<BitmapFont.height * magnification {
        let bits = glyph >> UInt64(8 * (BitmapFont.height - 1 - y / magnification))
        for x in 0..<BitmapFont.width * magnification {
          let bit = UInt64(BitmapFont.width - 1 - x / magnification)
          guard bits >> bit & 1 == 1, 0..<height ~= row + y, 0..<width ~= left + x else { continue }
          for channel in 0..<channels { self[row + y, left + x, channel] = values[channel] }
        }
      }
    }
  }
}
