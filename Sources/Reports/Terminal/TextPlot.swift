/// Curves drawn with characters.
package enum TextPlot {
  /// One line of blocks, one a value: `█▆▄▃▂▁▁`. Longer series are averaged down to `width`; values
  /// that are not finite leave a blank.
  package static func sparkline(_ values: [Double], width: Int = .max) -> String {
    let values = resampled(values, to: width)
    let finite = values.filter(\.isFinite)
    guard let lowest = finite.min(), let highest = finite.max() else {
      return String(repeating: " ", count: values.count)
    }
    let blocks = Array("▁▂▃▄▅▆▇█")
    return String(
      values.map { value in
        guard value.isFinite else { return " " }
        guard highest > lowest else { return blocks[3] }
        return blocks[min(7, Int((value - lowest) / (highest - lowest) * 8))]
      })
  }

  /// A curve over several lines in dots of braille, two by four in a character, with its highest
  /// and lowest value at the left.
  ///
  /// - Parameters:
  ///   - width: columns of the whole plot, labels included.
  ///   - height: lines.
  package static func curve(_ values: [Double], width: Int, height: Int) -> String {
    let finite = values.filter(\.isFinite)
    guard let lowest = finite.min(), let highest = finite.max(), height > 0 else { return "" }
    let labels = [HumanReadable.quantity(highest), HumanReadable.quantity(lowest)]
    let margin = labels.map(\.count).max() ?? 0
    let columns = max(1, width - margin - 2)
    let (dotColumns, dotRows) = (columns * 2, height * 4)
    let points = resampled(values, to: dotColumns)
    let span = highest > lowest ? highest - lowest : 1
    let row = { (value: Double) in
      min(dotRows - 1, Int(((highest - value) / span * Double(dotRows - 1)).rounded()))
    }

    var cells = [[UInt8]](repeating: [UInt8](repeating: 0, count: columns), count: height)
    func mark(_ x: Int, _ y: Int) {
      // Braille numbers its dots down the columns, but the lowest row came later.
      let bits: [[UInt8]] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]]
      cells[y / 4][x / 2] |= bits[y % 4][x % 2]
    }
    var previous: Int?
    for x in 0..<dotColumns {
      let value = interpolated(points, at: Double(x) / Double(max(1, dotColumns - 1)))
      guard value.isFinite else {
        previous = nil
        continue
      }
      let y = row(value)
      // Steep pieces are joined by the dots between.
      let from = previous.map { $0 < y ? min(y, $0 + 1) : max(y, $0 - 1) } ?? y
      for step in min(from, y)...max(from, y) { mark(x, step) }
      previous = y
    }

    var lines: [String] = []
    for (index, row) in cells.enumerated() {
      let text = index == 0 ? labels[0] : index == height - 1 ? labels[1] : ""
      var line = text.paddedLeft(to: margin) + " ┤"
      for cell in row {
        line += cell == 0 ? " " : String(UnicodeScalar(0x2800 + UInt32(cell)) ?? " ")
      }
      while line.last == " " { line.removeLast() }
      lines.append(line + "\n")
    }
    return lines.joined()
  }

  /// At most `count` values: means over equal pieces, of the finite values in each.
  private static func resampled(_ values: [Double], to count: Int) -> [Double] {
    guard values.count > count, count > 0 else { return values }
    return (0..<count).map { index in
      let piece = values[(index * values.count / count)..<((index + 1) * values.count / count)]
        .filter(\.isFinite)
      return piece.isEmpty ? .nan : piece.reduce(0, +) / Double(piece.count)
    }
  }

  /// Between the two values around a place from 0 to 1.
  private static func interpolated(_ values: [Double], at fraction: Double) -> Double {
    let position = fraction * Double(values.count - 1)
    let index = min(values.count - 1, Int(position))
    let share = position - Double(index)
    return share == 0 || index + 1 == values.count
      ? values[index] : values[index] * (1 - share) + values[index + 1] * share
  }
}
