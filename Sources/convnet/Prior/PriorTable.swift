import ConvNet

/// Loss, variance and likeness after each step of a fit, as --csv writes them.
struct PriorTable {
  private static let head = "iteration,loss,variance,psnr"

  /// By their steps, in their order.
  private var rows: [(iteration: Int, text: String)] = []
  /// The largest likeness, and after which step; `nil` where none was measured.
  private(set) var best: (iteration: Int, likeness: Double)?

  /// A table without rows.
  init() {}

  /// The table of a fit that is gone on with: its rows up to a step. Those behind it are computed once more.
  ///
  /// - Throws: ``OtherTable`` for a file that is no such table.
  init(contentsOf path: String, upTo last: Int) throws {
    let text = String(decoding: try FileBuffer.contents(ofStream: path), as: UTF8.self)
    let lines = text.split(whereSeparator: \.isNewline).map(String.init)
    guard lines.first == Self.head else { throw OtherTable(path: path, head: Self.head) }
    for line in lines.dropFirst() {
      let cells = line.split(separator: ",", omittingEmptySubsequences: false)
      guard cells.count == 4, let iteration = Int(cells[0]), iteration > rows.last?.iteration ?? 0
      else { throw OtherTable(path: path, head: Self.head) }
      guard iteration <= last else { break }
      append(line, iteration, likeness: Double(cells[3]))
    }
  }

  /// Rows so far.
  var count: Int { rows.count }

  /// The file.
  var text: String { ([Self.head] + rows.map(\.text)).map { $0 + "\n" }.joined() }

  /// Appends what is known after a step.
  mutating func append(_ iteration: Int, loss: Double, variance: Double?, likeness: Double?) {
    let numbers = [loss, variance, likeness].map { $0.map { "\($0)" } ?? "" }
    append("\(iteration),\(numbers.joined(separator: ","))", iteration, likeness: likeness)
  }

  private mutating func append(_ text: String, _ iteration: Int, likeness: Double?) {
    rows.append((iteration, text))
    if let likeness, likeness > best?.likeness ?? -.infinity { best = (iteration, likeness) }
  }
}

/// A file in the place of a fit's table that is something else.
struct OtherTable: ReadableError {
  var path: String
  var head: String

  var description: String {
    "\(path) is no table of a fit, whose first line is \(head); name another file with --csv"
  }
}
