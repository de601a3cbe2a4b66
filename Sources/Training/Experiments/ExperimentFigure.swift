public import ConvNetReports

/// A figure of an experiment: how its results are drawn.
public struct ExperimentFigure: Sendable {
  /// For the name of its file: `test-error`.
  public var name: String
  /// Draws it.
  public var draw: @Sendable (_ results: ExperimentResults, _ experiment: Experiment) -> any Figure

  /// A figure of this name.
  public init(
    _ name: String,
    draw:
      @escaping @Sendable (_ results: ExperimentResults, _ experiment: Experiment) -> any Figure
  ) {
    self.name = name
    self.draw = draw
  }

  /// What a curve shows of an epoch.
  public enum Quantity: String, Hashable, Sendable, CaseIterable {
    /// Of the epoch's own steps.
    case trainingError = "training error, %"
    /// After the epoch.
    case testError = "test error, %"
    /// After the epoch.
    case testAccuracy = "test accuracy, %"

    func value(of epoch: EpochReport) -> Double? {
      switch self {
      case .trainingError: epoch.trainingError
      case .testError: epoch.testError
      case .testAccuracy: epoch.testError.map { 100 - $0 }
      }
    }

    var fileName: String { String(rawValue.prefix { $0 != "," }).replacing(" ", with: "-") }
  }

  /// What a curve runs over.
  public enum Course: String, Hashable, Sendable, CaseIterable {
    /// Times through the data.
    case epochs = "epoch"
    /// Updates of the parameters.
    case steps = "step"
    /// Of training, tests not counted.
    case seconds = "seconds of training"
  }

  /// A curve a row: the mean over the seeds, as far as all of them came.
  ///
  /// - Parameters:
  ///   - names: of the rows that are drawn; `nil` for all.
  ///   - name: of the figure; `nil` for that of the quantity.
  public static func curves(
    _ quantity: Quantity, over course: Course = .epochs, of names: [String]? = nil,
    as name: String? = nil
  ) -> Self {
    Self(name ?? quantity.fileName) { results, experiment in
      LinePlot(
        "\(experiment.name): \(quantity.rawValue.prefix { $0 != "," })",
        horizontal: Axis(course.rawValue, isInteger: course != .seconds),
        vertical: Axis(quantity.rawValue),
        series: experiment.rows.filter { names?.contains($0.name) != false }.compactMap { row in
          let points = results.points(of: row.name, quantity, over: course)
          return points.isEmpty ? nil : LinePlot.Series(row.name, points: points)
        })
    }
  }

  /// A bar a row: the mean over the seeds of a measure.
  public static func bars(_ measure: ExperimentMeasure, name: String) -> Self {
    Self(name) { results, experiment in
      BarPlot(
        experiment.name, quantity: measure.title,
        bars: experiment.rows.compactMap { row in
          let values = results.values(of: row.name, measure)
          guard let spread = Spread(values) else { return nil }
          return .init(row.name, spread.mean, text: spread.text(digits: measure.digits))
        })
    }
  }
}

extension ExperimentResults {
  /// A measure of each training of a row, those that it has no value for and those that failed left out.
  func values(of row: String, _ measure: ExperimentMeasure) -> [Double] {
    runs.filter { $0.row == row && $0.failure == nil }.compactMap { run in
      measure.value(run, runs.filter { $0.seed == run.seed })
    }
  }

  fileprivate func points(
    of row: String, _ quantity: ExperimentFigure.Quantity, over course: ExperimentFigure.Course
  ) -> [LinePlot.Point] {
    let runs = runs.filter { $0.row == row }
    let epochs = runs.map(\.history.count).min() ?? 0
    return (0..<epochs).compactMap { epoch in
      let reports = runs.map { $0.history[epoch] }
      let values = reports.compactMap(quantity.value)
      guard let spread = Spread(values) else { return nil }
      let x: Double =
        switch course {
        case .epochs: Double(epoch + 1)
        case .steps: Double(reports[0].step ?? epoch + 1)
        case .seconds:
          runs.reduce(0) { $0 + $1.history.prefix(epoch + 1).reduce(0) { $0 + $1.seconds } }
            / Double(runs.count)
        }
      return .init(x, spread.mean)
    }
  }
}

/// The mean of some values, and their standard deviation where there are several.
struct Spread {
  var mean: Double
  var deviation: Double?

  /// `nil` of no values.
  init?(_ values: [Double]) {
    guard !values.isEmpty else { return nil }
    let mean = values.reduce(0, +) / Double(values.count)
    self.mean = mean
    guard values.count > 1 else { return }
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    deviation = (squares / Double(values.count - 1)).squareRoot()
  }

  func text(digits: Int) -> String {
    HumanReadable.fixed(mean, digits: digits)
      + (deviation.map { " ± \(HumanReadable.fixed($0, digits: digits))" } ?? "")
  }
}
