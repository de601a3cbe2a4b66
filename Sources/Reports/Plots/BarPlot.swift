/// Quantities beside each other, as horizontal bars from zero with their values at the ends.
///
/// Needs no axis: the numbers stand there. A value that is not finite shows as text without a bar.
public struct BarPlot: Figure, Hashable {
  /// One quantity with its name.
  public struct Bar: Hashable, Sendable {
    /// What it is the quantity of; long names lose their middle.
    public var label: String
    /// The length of the bar.
    public var value: Double
    /// The value as it is printed; by default ``HumanReadable/quantity(_:)``.
    public var text: String
    /// Drawn in the subject's color; the others are quiet.
    public var isEmphasized: Bool

    /// A bar of that length.
    public init(
      _ label: String, _ value: Double, text: String? = nil, isEmphasized: Bool = false
    ) {
      self.label = label
      self.value = value
      self.text = text ?? HumanReadable.quantity(value)
      self.isEmphasized = isEmphasized
    }
  }

  public var title: String
  /// What the bars measure, with its unit.
  public var quantity: String
  /// From top to bottom.
  public var bars: [Bar]
  /// In the figure's units, which are pixels where nothing scales it.
  public var width: Double

  /// A plot of these bars.
  public init(_ title: String, quantity: String, bars: [Bar], width: Double = 680) {
    self.title = title
    self.quantity = quantity
    self.bars = bars
    self.width = width
  }

  private static let pitch = 26.0
  private static let top = 50.0

  public var size: (width: Double, height: Double) {
    (width, Self.top + Self.pitch * Double(max(1, bars.count)) + 4)
  }

  public func drawn(width: Double) -> Self {
    var plot = self
    plot.width = width
    return plot
  }

  public var drawing: String {
    var parts = [label(title, x: 0, y: 14, "head"), label(quantity, x: 0, y: 34, "soft")]
    // No more than two fifths of the width, of a narrow plot.
    let names = bars.map { shortened($0.label, to: min(36, Int(width / 17))) }
    let texts = bars.map(\.text)
    let textRoom = (texts.map { textWidth($0) }.max() ?? 0) + 8
    let hasNegative = bars.contains { $0.value < 0 }
    let left = (names.map { textWidth($0) }.max() ?? 0) + 10 + (hasNegative ? textRoom : 0)
    let right = max(left + 40, width - textRoom)
    let finite = bars.map(\.value).filter { abs($0) <= 1e100 }
    let (lowest, highest) = (min(0, finite.min() ?? 0), max(0, finite.max() ?? 0))
    let span = highest > lowest ? highest - lowest : 1
    let zero = left + (right - left) * (0 - lowest) / span
    for (index, bar) in bars.enumerated() {
      let y = Self.top + Self.pitch * Double(index)
      let length = abs(bar.value) <= 1e100 ? (right - left) * abs(bar.value) / span : 0
      let isEmphasized = bar.isEmphasized || !bars.contains(where: \.isEmphasized)
      parts.append(
        label(
          names[index], x: left - 8 - (hasNegative ? textRoom : 0), y: y + 13,
          bar.isEmphasized ? "end" : "soft end"))
      parts.append(
        element(
          "rect",
          [
            "x": coordinate(bar.value < 0 ? zero - length : zero), "y": coordinate(y),
            "width": coordinate(length), "height": "18", "rx": "1.5",
            "class": isEmphasized ? "f0" : "f5", "fill-opacity": isEmphasized ? "1" : "0.45",
          ], element("title", [:], escaped("\(bar.label): \(bar.text)"))))
      let isLeft = bar.value < 0
      parts.append(
        label(
          texts[index], x: isLeft ? zero - length - 6 : zero + length + 6, y: y + 13,
          isLeft ? "end" : ""))
    }
    if hasNegative {
      parts.append(
        rule(from: (zero, Self.top - 4), to: (zero, size.height - 6), "base"))
    }
    return parts.joined(separator: "\n")
  }
}
