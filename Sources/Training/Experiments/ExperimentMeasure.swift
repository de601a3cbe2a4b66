import ConvNetEvaluation
import ConvNetReports

/// A number that is measured of a training, and how it is written.
public struct ExperimentMeasure: Sendable {
  /// The heading of its column, with the unit.
  public var title: String
  /// Digits after the point.
  public var digits: Int
  /// Of a training, beside the others of its experiment of the same seed; `nil` where it has none.
  public var value:
    @Sendable (_ run: ExperimentResults.Run, _ others: [ExperimentResults.Run]) -> Double?

  /// A number of this name.
  public init(
    _ title: String, digits: Int = 2,
    value:
      @escaping @Sendable (_ run: ExperimentResults.Run, _ others: [ExperimentResults.Run]) ->
      Double?
  ) {
    self.title = title
    self.digits = digits
    self.value = value
  }

  /// The share of test pictures that are told wrongly after the last epoch.
  public static let testError = Self("test error, %") { run, _ in run.history.last?.testError }

  /// The same of the epoch where it is least: lower than it should be, since the test pictures choose.
  public static let bestTestError = Self("best test error, %") { run, _ in
    run.history.compactMap(\.testError).min()
  }

  /// The share of the last epoch's training pictures that were told wrongly, while the parameters changed and the pictures
  /// with them.
  public static let trainingError = Self("training error, %") { run, _ in
    run.history.last?.trainingError
  }

  /// Seconds of training, tests not counted.
  public static let seconds = Self("training, s", digits: 1) { run, _ in run.seconds }

  /// Pictures a second in training, the first epoch with its compilation left out where there are more.
  public static let rate = Self("images/s", digits: 0) { run, _ in
    let measured = run.history.count > 1 ? run.history.dropFirst() : run.history[...]
    let seconds = measured.reduce(0) { $0 + $1.seconds }
    return Double(measured.reduce(0) { $0 + $1.training.samples }) / max(seconds, 1e-9)
  }

  /// Learned numbers, in thousands.
  public static let parameters = Self("parameters, k", digits: 0) { run, _ in
    Double(run.parameterCount) / 1000
  }

  /// Steps until the test accuracy is the highest that another row reaches, by whole epochs.
  public static func steps(toBestOf row: String) -> Self {
    Self("steps to \(row)'s best", digits: 0) { run, others in
      guard let goal = others.first(where: { $0.row == row })?.history.compactMap(\.testError).min()
      else { return nil }
      return run.history.first { ($0.testError ?? .infinity) <= goal }?.step.map(Double.init)
    }
  }

  /// Seconds of training until so many test pictures are told rightly, by whole epochs.
  public static func seconds(toAccuracy accuracy: Double) -> Self {
    Self("s to \(HumanReadable.percent(accuracy, digits: 0))", digits: 1) { run, _ in
      var seconds = 0.0
      for epoch in run.history {
        seconds += epoch.seconds
        if let test = epoch.validation, test.top1 >= accuracy { return seconds }
      }
      return nil
    }
  }
}

extension EpochReport {
  /// In percent; `nil` where nothing was tested.
  var testError: Double? { validation.map { 100 * (1 - $0.top1) } }
  /// In percent, over the epoch's own steps.
  var trainingError: Double { 100 * (1 - training.top1) }
}

extension ExperimentResults.Run {
  /// Of all epochs, tests not counted.
  public var seconds: Double { history.reduce(0) { $0 + $1.seconds } }
}
