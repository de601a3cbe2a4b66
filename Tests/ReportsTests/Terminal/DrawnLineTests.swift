import ConvNetReports
import Testing

/// A terminal that shows what it is sent as far as a progress needs: its rows, and where the cursor is.
private struct Screen {
  var rows = [""]
  var row = 0
  var column = 0

  mutating func show(_ text: String, width: Int) {
    var rest = Substring(text)
    while let first = rest.popFirst() {
      switch first {
      case "\r": column = 0
      case "\n":
        row += 1
        column = 0
        if row == rows.count { rows.append("") }
      case "\u{1B}":
        let command = rest.prefix { !$0.isLetter }
        rest = rest.dropFirst(command.count)
        switch rest.popFirst() {
        case "A": row -= Int(command.dropFirst()) ?? 1
        case "J":
          rows.removeSubrange((row + 1)...)
          rows[row] = String(rows[row].prefix(column))
        default: Issue.record("an unknown command")
        }
      default:
        if column == width {
          row += 1
          column = 0
          if row == rows.count { rows.append("") }
        }
        rows[row] =
          String(rows[row].prefix(column)) + String(first)
          + String(rows[row].dropFirst(column + 1))
        column += 1
      }
    }
  }

  /// The window becomes narrower: the last row, which alone is long, is broken into several.
  mutating func narrow(to width: Int) {
    let line = rows.removeLast()
    var rest = Substring(line)
    repeat {
      rows.append(String(rest.prefix(width)))
      rest = rest.dropFirst(width)
    } while !rest.isEmpty
    row = rows.count - 1
    column = rows[row].count
  }
}

@Suite("Lines that are drawn over")
struct DrawnLineTests {
  @Test(
    "Nothing of a line is left where the window has become narrower since",
    arguments: [79, 50, 30, 20, 11])
  func narrower(width: Int) {
    var (screen, line) = (Screen(), DrawnLine())
    screen.show("before\n", width: 80)
    let long = String(repeating: "0123456789", count: 7) + "=====+===="
    screen.show(line.replace(with: long, on: TerminalDevice(width: 80)), width: 80)
    #expect(screen.rows == ["before", long])
    screen.narrow(to: width)
    screen.show(line.replace(with: "short", on: TerminalDevice(width: width)), width: width)
    #expect(screen.rows == ["before", "short"])
    screen.show(line.replace(with: "s", on: TerminalDevice(width: 80)), width: 80)
    #expect(screen.rows == ["before", "s"])
  }

  @Test("Where a terminal cuts lines, nothing above is drawn over")
  func cutting() {
    var line = DrawnLine()
    let device = TerminalDevice(width: 80, breaksLines: false)
    _ = line.replace(with: String(repeating: "x", count: 79), on: device)
    let narrow = TerminalDevice(width: 20, breaksLines: false)
    #expect(line.replace(with: "y", on: narrow) == "\ry\u{1B}[J")
  }

  @Test("A note takes its place, and it ends once")
  func erased() {
    var (screen, line) = (Screen(), DrawnLine())
    let device = TerminalDevice(width: 20)
    #expect(line.erase(on: device) == "" && line.end() == "")
    screen.show(line.replace(with: "progress", on: device), width: 20)
    screen.show(line.erase(on: device) + "note\n", width: 20)
    #expect(screen.rows == ["note", ""])
    screen.show(line.replace(with: "progress", on: device), width: 20)
    screen.show(line.end() + line.end() + "end", width: 20)
    #expect(screen.rows == ["note", "progress", "end"])
  }
}
