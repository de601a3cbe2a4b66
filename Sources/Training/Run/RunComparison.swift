import ConvNetFiles
import ConvNetImages
public import ConvNetReports

/// Several trainings beside each other: in which settings they differ, what came of each, and their curves.
///
/// ```swift
/// let runs = try ["runs/a", "runs/b"].map { try RunRecord(RunFolder($0)) }
/// try RunComparison(runs).page.write(to: "comparison.html")
/// ```
public struct RunComparison: Sendable {
  /// In their order.
  public var runs: [RunRecord]

  /// A comparison of these.
  public init(_ runs: [RunRecord]) {
    self.runs = runs
  }

  /// What the runs are called: their folders, without the beginning that all share.
  public var names: [String] {
    let paths = runs.map { run in
      let path = run.folder.path
      return (path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path)
        .split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    }
    guard let first = paths.first, paths.count > 1 else {
      return paths.map { $0.joined(separator: "/") }
    }
    var shared = 0
    // The last part stays.
    while paths.allSatisfy({ shared < $0.count - 1 && $0[shared] == first[shared] }) { shared += 1 }
    return paths.map { FileSystem.readable($0.dropFirst(shared).joined(separator: "/")) }
  }

  /// By which tables and charts of text call the runs: a, b, …, z, aa, …
  package var letters: [String] {
    let alphabet = "abcdefghijklmnopqrstuvwxyz".map(String.init)
    return runs.indices.map {
      $0 < 26 ? alphabet[$0] : alphabet[($0 / 26 - 1) % 26] + alphabet[$0 % 26]
    }
  }

  /// The settings in which not all runs are alike, with the value of each; `nil` where a run does not have it.
  public var differences: [(setting: String, values: [String?])] {
    var names: [String] = []
    for name in runs.flatMap({ $0.settings.map(\.name) }) where !names.contains(name) {
      names.append(name)
    }
    return names.compactMap { name in
      let values = runs.map { run in run.settings.first { $0.name == name }?.value }
      return Set(values).count > 1 ? (name, values) : nil
    }
  }

  /// What came of each run: its best epoch and that one's scores. Of classes those are the top-1 error, of labels and numbers
  /// their figures: a column each, or where the runs are told by different things, one with the names of the scores.
  public var results: Table {
    let scores = scoreColumns
    var table = Table(
      [
        .init(""), .init("run", leastWidth: 12), .init("epochs", .right),
        .init("best epoch", .right),
      ] + scores.map(\.column) + [
        .init("loss", .right), .init("train loss", .right, dispensability: 2),
        .init("time", .right, dispensability: 1),
        .init("images/s", .right, dispensability: 3),
      ])
    for (place, run) in runs.enumerated() {
      let best = run.best
      var row: [String] = [
        letters[place], names[place],
        run.isUnfinished
          ? "\(run.epochs.count) of \(run.plannedEpochs ?? 0)" : "\(run.epochs.count)",
        best.map { "\($0.epoch)" } ?? "–",
      ]
      row += scores.map { $0.texts[place] }
      row += [
        best.map { HumanReadable.fixed($0.validationLoss ?? $0.trainingLoss, digits: 4) } ?? "–",
        best.map { HumanReadable.fixed($0.trainingLoss, digits: 4) } ?? "–",
        run.epochs.isEmpty ? "–" : HumanReadable.duration(run.seconds),
        run.epochs.last.map { HumanReadable.quantity($0.imagesPerSecond) } ?? "–",
      ]
      table.append(row)
    }
    return table
  }

  private typealias ScoreColumn = (column: Table.Column, texts: [String])

  private var scoreColumns: [ScoreColumn] {
    let known = RunScore.all.filter { score in
      runs.contains { $0.best.flatMap(score.value) != nil }
    }
    guard Set(known.map(\.kind)).count > 1 else {
      return known.map { score -> ScoreColumn in
        let isValidated = runs.contains { $0.best.flatMap(score.validation) != nil }
        let title = isValidated ? score.name : "training \(score.brief)"
        return (
          Table.Column(title, .right, dispensability: score.isMinor ? 2 : 0),
          runs.map { run -> String in
            guard let best = run.best, let value = score.value(best) else { return "–" }
            let isOfTraining = isValidated && score.validation(best) == nil
            return (isOfTraining ? "training " : "") + score.text(value)
          }
        )
      }
    }
    let texts = runs.map { run -> String in
      guard let best = run.best else { return "–" }
      return known.compactMap { $0.description(of: best) }.joined(separator: ", ")
    }
    return [(Table.Column("scores", leastWidth: 22), texts)]
  }

  /// The settings in which they differ, a column a run.
  package func settings(headings: [String]) -> Table {
    var table = Table([.init("setting", leastWidth: 12)] + headings.map { .init($0) })
    for difference in differences {
      table.append([difference.setting] + difference.values.map { $0 ?? "–" })
    }
    return table
  }

  private struct Curve {
    var title: String
    var horizontal: Axis
    var vertical: Axis
    /// By run.
    var points: [[LinePlot.Point]]

    var isEmpty: Bool { !points.contains { $0.count > 1 } }
  }

  private func curve(
    _ title: String, _ vertical: Axis, _ value: (RunEpoch) -> Double?
  ) -> Curve {
    Curve(
      title: title, horizontal: Axis("epoch", isInteger: true), vertical: vertical,
      points: runs.map { run in
        run.epochs.compactMap { epoch in value(epoch).map { .init(Double(epoch.epoch), $0) } }
      })
  }

  private func curve(
    _ title: String, _ vertical: Axis, steps value: (RunStep) -> Double
  ) -> Curve {
    Curve(
      title: title, horizontal: Axis("step", isInteger: true), vertical: vertical,
      points: runs.map { $0.steps.map { .init(Double($0.step), value($0)) } })
  }

  /// Of the scores that a run is judged by, those of its validation or of its training.
  private func scoreCurves(
    _ part: String, _ value: (RunScore, RunEpoch) -> Double?
  ) -> [Curve] {
    RunScore.all.filter { !$0.isMinor }.map { score in
      curve("\(part) \(score.brief)", Axis(score.unit)) { epoch in
        value(score, epoch).map { score.isShare ? 100 * $0 : $0 }
      }
    }
  }

  private var curves: [Curve] {
    let rates = runs.flatMap { $0.steps.map { Double($0.learningRate) } }
    let isWide = (rates.min() ?? 0) > 0 && (rates.max() ?? 0) > 50 * (rates.min() ?? 1)
    var curves = scoreCurves("Validation") { $0.validation($1) }
    curves.append(curve("Validation loss", Axis("loss")) { $0.validationLoss })
    curves += scoreCurves("Training") { $0.training($1) }
    curves += [
      curve("Training loss", Axis("loss")) { $0.trainingLoss },
      curve("Loss of steps", Axis("loss of the batch"), steps: \.loss),
      curve("Learning rate", Axis("rate", scale: isWide ? .logarithmic : .linear)) {
        Double($0.learningRate)
      },
    ]
    return curves.filter { !$0.isEmpty }
  }

  /// The first of the curves that there is, for a terminal: of epochs where any run has two, else of steps.
  package var chart: TerminalChart? {
    guard let curve = curves.first else { return nil }
    return TerminalChart(
      "\(curve.title), \(curve.vertical.title), by \(curve.horizontal.title)",
      horizontal: curve.horizontal, vertical: curve.vertical,
      series: zip(letters, curve.points).map { .init($0.last ?? "?", points: $1) })
  }

  /// The whole, as one HTML file that needs no other.
  public var page: ReportPage {
    let names = names
    var sections = [
      ReportPage.Section(
        "Curves",
        curves.map { curve in
          .figure(
            LinePlot(
              curve.title, horizontal: curve.horizontal, vertical: curve.vertical,
              // All, so that a run has its color in every plot.
              series: zip(names, curve.points).map { .init($0, points: $1) }))
        }),
      .init("Results", [.table(results)]),
    ]
    if curves.isEmpty { sections.removeFirst() }
    if !differences.isEmpty {
      sections.append(.init("Settings that differ", [.table(settings(headings: names))]))
    }
    return ReportPage(
      "\(plural(runs.count, "training")) compared", summary: summary, sections: sections)
  }

  /// The best of the runs, among those that are told by the same.
  private var summary: String {
    let found = zip(names, runs).compactMap { name, run in
      run.best.map { (name: name, epoch: $0) }
    }
    func least(
      _ what: String, _ text: (Double) -> String, _ value: (RunEpoch) -> Double?
    ) -> String? {
      let ranked = found.compactMap { run in value(run.epoch).map { (run: run, value: $0) } }
      guard let best = ranked.min(by: { $0.value < $1.value }) else { return nil }
      return
        "The \(what) is \(text(best.value)), of \(best.run.name) after epoch \(best.run.epoch.epoch)."
    }
    let sentences = [
      least("least validation error", { HumanReadable.percent($0, digits: 2) }) { epoch in
        epoch.validationTop1.map { 1 - $0 }
      },
      least(
        "highest validation mean average precision", { HumanReadable.percent(-$0, digits: 2) }
      ) { epoch in
        epoch.validationMeanAveragePrecision.map { -$0 }
      },
      least("least validation loss of numbers", { HumanReadable.fixed($0, digits: 4) }) { epoch in
        epoch.targetKind == .numbers ? epoch.validationLoss : nil
      },
    ]
    return sentences.compactMap(\.self).joined(separator: " ")
  }
}
