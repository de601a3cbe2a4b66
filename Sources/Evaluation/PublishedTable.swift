public import ConvNetReports

/// A table of errors that a paper published for ImageNet, beside which one's own scores stand: each in the row of its network,
/// its protocol and the number of models.
public struct PublishedTable: Sendable {
  /// What a score must be to stand in a row.
  public struct Fit: Hashable, Sendable {
    /// Names of networks in the registry, any of which may be the model's.
    public var networks: [String]
    /// Names of protocols, any of which may be the score's.
    public var protocols: [String]
    /// How many models.
    public var members: ClosedRange<Int>
    /// The shorter side in training, of an input of 224; `nil` for any.
    public var training: ClosedRange<Int>?
    /// The shorter sides in the test, of an input of 224; `nil` for any.
    public var sides: [Int]?

    /// What a score must be.
    public init(
      _ networks: [String], _ protocols: [String], members: ClosedRange<Int> = 1...1,
      training: ClosedRange<Int>? = nil, sides: [Int]? = nil
    ) {
      self.networks = networks
      self.protocols = protocols
      self.members = members
      self.training = training
      self.sides = sides
    }
  }

  /// A published row.
  public struct Row: Hashable, Sendable {
    /// One text a label of the table.
    public var labels: [String]
    /// One a number of the table: errors in per cent, of cost what its column says; `nil` where none is printed.
    public var numbers: [Double?]
    /// What of one's own stands in it; `nil` for nothing that is here.
    public var fit: Fit?

    /// A row of a table.
    public init(_ labels: [String], _ numbers: [Double?], fit: Fit? = nil) {
      self.labels = labels
      self.numbers = numbers
      self.fit = fit
    }
  }

  /// A score in a row.
  public struct Entry: Sendable {
    /// Of ``PublishedTable/rows``.
    public var row: Int
    /// Of the scores.
    public var score: Int
  }

  /// By which the command calls it: `vgg-3`.
  public var name: String
  /// What it shows.
  public var title: String
  /// Where it was published, and what was changed of it.
  public var source: String
  /// What the labels of a row are.
  public var labels: [String]
  /// What the numbers of a row are.
  public var columns: [String]
  /// In the order of the publication.
  public var rows: [Row]

  /// A table.
  public init(
    _ name: String, title: String, source: String, labels: [String], columns: [String],
    rows: [Row]
  ) {
    self.name = name
    self.title = title
    self.source = source
    self.labels = labels
    self.columns = columns
    self.rows = rows
  }

  /// What to measure for this table: the protocols of the rows of some networks, in the order of the rows; where no row is of
  /// them, the protocol of the first row that is of any.
  public func protocols(for networks: [String]) -> [String] {
    let fits = rows.compactMap(\.fit)
    var names: [String] = []
    for fit in fits where !Set(fit.networks).isDisjoint(with: networks) {
      if let name = fit.protocols.first, !names.contains(name) { names.append(name) }
    }
    return names.isEmpty ? fits.prefix(1).flatMap { $0.protocols.prefix(1) } : names
  }

  /// The rows in which scores stand; of several that a score fits, the first. One that fits none has no entry.
  public func entries(of scores: [ProtocolEvaluation.Score]) -> [Entry] {
    scores.indices.compactMap { index in
      rows.firstIndex { $0.fit?.takes(scores[index]) == true }.map { Entry(row: $0, score: index) }
    }.sorted { ($0.row, $0.score) < ($1.row, $1.score) }
  }

  /// Published and measured errors, side by side: a line a row, and one more for each further score in it.
  public func table(with scores: [ProtocolEvaluation.Score]) -> Table {
    var table = Table(
      labels.enumerated().map { .init($1, leastWidth: $0 == 0 ? 16 : 8) }
        + columns.map { .init($0, .right) }
        + [
          .init("measured top-1", .right), .init("95 % interval", .right, dispensability: 1),
          .init("measured top-5", .right), .init("of", leastWidth: 16),
        ], caption: "\(title) (\(source))")
    let entries = entries(of: scores)
    for (place, row) in rows.enumerated() {
      let published = row.labels + row.numbers.map { $0.map(Self.text) ?? "-" }
      let own = entries.filter { $0.row == place }.map { Self.cells(of: scores[$0.score]) }
      if own.isEmpty { table.append(published) }
      for (index, cells) in own.enumerated() {
        table.append((index == 0 ? published : published.map { _ in "" }) + cells)
      }
    }
    let used = Set(entries.map(\.score))
    for index in scores.indices where !used.contains(index) {
      table.append(
        ["in no row"] + [String](repeating: "", count: labels.count + columns.count - 1)
          + Self.cells(of: scores[index]))
    }
    return table
  }

  private static func text(_ number: Double) -> String {
    HumanReadable.fixed(number, digits: (number * 10).rounded() == number * 10 ? 1 : 2)
  }

  private static func cells(of score: ProtocolEvaluation.Score) -> [String] {
    let (own, interval) = (score.assessment, score.assessment.top1Interval)
    return [
      HumanReadable.fixed(100 * (1 - own.top1), digits: 2),
      "\(HumanReadable.fixed(100 * (1 - interval.upperBound), digits: 2)) to "
        + HumanReadable.fixed(100 * (1 - interval.lowerBound), digits: 2),
      HumanReadable.fixed(100 * (1 - own.top5), digits: 2), "\(score.name), \(score.views)",
    ]
  }
}

extension PublishedTable.Fit {
  /// Whether a score is what the row is about.
  func takes(_ score: ProtocolEvaluation.Score) -> Bool {
    guard members.contains(score.members.count), protocols.contains(score.views) else {
      return false
    }
    return score.members.allSatisfy { member in
      guard networks.contains(member.network) else { return false }
      if let training, let own = member.training {
        let expected = member.side(training.lowerBound)...member.side(training.upperBound)
        guard own == expected else { return false }
      }
      guard let sides else { return true }
      let shown = Set(member.views.parts.flatMap(\.scales))
      return shown == Set(sides.map { .shorterSide(member.side($0)) })
    }
  }
}

extension ProtocolEvaluation.Member {
  /// As many pixels of this input as some of an input of 224.
  fileprivate func side(_ published: Int) -> Int {
    Int((Double(published * input) / 224).rounded())
  }
}
