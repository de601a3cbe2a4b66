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
  /// - Parameter loss: of that step; `nil` where it is not known.
  /// - Throws: ``OtherTable`` for a file that is no such table, or that of a fit with another loss.
  init(contentsOf path: String, upTo last: Int, loss: Double?) throws {
    let text = String(decoding: try FileBuffer.contents(ofStream: path), as: UTF8.self)
    let lines = text.split(whereSeparator: \.isNewline).map(String.init)
    let noTable = OtherTable(path: path, problem: .noTable(head: Self.head))
    guard lines.first == Self.head else { throw noTable }
    for line in lines.dropFirst() {
      let cells = line.split(separator: ",", omittingEmptySubsequences: false)
      guard cells.count == 4, let iteration = Int(cells[0]), iteration > rows.last?.iteration ?? 0
      else { throw noTable }
      guard iteration <= last else { break }
      if iteration == last, let loss, Double(cells[1]) != loss {
        throw OtherTable(
          path: path, problem: .otherLoss(String(cells[1]), step: iteration, kept: loss))
      }
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
  enum Problem: Hashable {
    /// Its first line is not that of such tables.
    case noTable(head: String)
    /// It tells another loss of the last step than the state has.
    case otherLoss(String, step: Int, kept: Double)
  }

  var path: String
  var problem: Problem

  var description: String {
    switch problem {
    case .noTable(let head):
      "\(path) is no table of a fit, whose first line is \(head); name another file with --csv"
    case .otherLoss(let loss, let step, let kept):
      "\(path) is the table of another fit: its loss of step \(step) is \(loss), that of the state \(kept); name another file with --csv"
    }
  }
}
