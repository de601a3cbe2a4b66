/// The line that stands at the end of a terminal's text and is drawn over again and again.
///
/// A terminal that becomes narrower breaks it into several, with the cursor in the last: all of them are drawn over.
package struct DrawnLine: Sendable {
  private var columns = 0

  package init() {}

  /// What makes a terminal show another line in its place.
  package mutating func replace(with line: String, on device: TerminalDevice) -> String {
    defer { columns = line.columns }
    return back(on: device) + line + "\u{1B}[J"
  }

  /// What makes a terminal show nothing in its place.
  package mutating func erase(on device: TerminalDevice) -> String {
    guard columns > 0 else { return "" }
    defer { columns = 0 }
    return back(on: device) + "\u{1B}[J"
  }

  /// What ends it, so that it stays.
  package mutating func end() -> String {
    defer { columns = 0 }
    return columns > 0 ? "\n" : ""
  }

  /// To the first column of its first row.
  private func back(on device: TerminalDevice) -> String {
    guard device.breaksLines, let width = device.width, width > 0, columns > width else {
      return "\r"
    }
    return "\r\u{1B}[\((columns - 1) / width)A"
  }
}
