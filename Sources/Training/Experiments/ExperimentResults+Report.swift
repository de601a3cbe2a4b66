public import ConvNetReports

extension ExperimentResults {
  /// A row a kind of training: the mean of each measure over the seeds, and their standard deviation where there are several.
  public func table(of experiment: Experiment) -> Table {
    let hasEnsembles = !ensembles.isEmpty
    var table = Table(
      [.init("training", leastWidth: 16)]
        + experiment.measures.map { .init($0.title, .right) }
        + (hasEnsembles ? [.init("ensemble, %", .right)] : [])
        + [.init("seeds", .right, dispensability: 1)])
    for row in experiment.rows {
      let runs = runs.filter { $0.row == row.name }
      guard !runs.isEmpty else { continue }
      let failures = runs.count { $0.failure != nil }
      var cells = [row.name]
      cells += experiment.measures.map { measure in
        let values = values(of: row.name, measure)
        let text = Spread(values)?.text(digits: measure.digits)
        if values.count < runs.count - failures, let text {
          return "\(text) (\(values.count) of \(runs.count))"
        }
        return text ?? (failures == runs.count ? "diverged" : "not reached")
      }
      if hasEnsembles {
        let ensemble = ensembles.first { $0.row == row.name }
        cells.append(ensemble.map { HumanReadable.fixed($0.testError, digits: 2) } ?? "")
      }
      cells.append(
        failures == 0 ? "\(runs.count)" : "\(runs.count), \(failures) diverged")
      table.append(cells)
    }
    return table
  }

  /// How the results came about.
  func settings(facts: [(name: String, value: String)]) -> [(name: String, value: String)] {
    let epochs = Set(runs.map(\.recipe.epochs)).sorted().map(String.init)
    let notes = Set(runs.flatMap { run in run.notes.map { "\(run.row): \($0)" } }).sorted()
    let threads = Set(runs.map(\.threads)).sorted().map(String.init)
    var settings: [(name: String, value: String)] = [
      (
        "Data",
        data + (scale.pictures.map { ", \($0) pictures to train on" } ?? "")
          + (scale.testPictures.map { ", \($0) to test on" } ?? "")
      ),
      ("Epochs", epochs.joined(separator: ", ")),
      ("Seeds", seeds.map(String.init).joined(separator: ", ")),
      ("Threads", threads.joined(separator: ", ")),
    ]
    if let side = scale.inputSize { settings.append(("Input", "\(side)x\(side)")) }
    if let batches = scale.statisticsBatches {
      settings.append(("Statistics of batch normalization", "of \(batches) batches before a test"))
    }
    return settings + facts + notes.map { ("Not as the recipe", $0) }
  }

  /// The whole, as one HTML file that needs no other.
  public func page(
    of experiment: Experiment, facts: [(name: String, value: String)] = []
  ) -> ReportPage {
    ReportPage(
      experiment.name, summary: experiment.question,
      sections: [
        .init(
          "Results",
          [.table(table(of: experiment))]
            + experiment.figures.map { .figure($0.draw(self, experiment)) }),
        .init(
          "Trainings",
          experiment.rows.flatMap { row -> [ReportPage.Block] in
            guard let run = runs.first(where: { $0.row == row.name }) else { return [] }
            return [
              .facts([
                ("Training", row.name),
                ("Network", "\(run.network), \(run.parameterCount) parameters"),
                ("Batch", "\(run.recipe.batchSize)"), ("Optimizer", "\(run.recipe.optimizer)"),
                ("Schedule", "\(run.recipe.schedule)"), ("Objective", "\(run.recipe.objective)"),
                ("Augmentation", "\(run.recipe.augmentation)"),
              ])
            ]
          }),
        .init(
          "Settings", [.facts([("Repeats", experiment.source)] + settings(facts: facts))]),
      ])
  }

  /// The same as a section of a document in Markdown, whose figures are files beside it.
  public func section(
    of experiment: Experiment, facts: [(name: String, value: String)] = []
  ) -> String {
    let table = table(of: experiment)
    func line(_ cells: [String]) -> String {
      "| " + cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |\n"
    }
    let rule = table.columns.map { $0.alignment == .right ? "--:" : "---" }
    var text = "## \(experiment.name)\n\n\(experiment.question) (\(experiment.source).)\n\n"
    text += line(table.columns.map(\.title)) + line(rule)
    for row in table.rows { text += line(row) }
    text += "\n"
    for figure in experiment.figures {
      let title = figure.draw(self, experiment).title
      text += "![\(title)](\(ExperimentFolder.fileName(of: figure, experiment)))\n"
    }
    if !experiment.figures.isEmpty { text += "\n" }
    return text
      + settings(facts: facts).map { "\($0.name): \($0.value)." }.joined(separator: " ") + "\n"
  }
}
