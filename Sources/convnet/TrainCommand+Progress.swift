import ConvNet

/// What is seen of a training while it runs.
extension TrainCommand {
  func notes(_ metrics: ClassificationMetrics, _ targets: TargetMetrics?) -> [String] {
    [
      "loss \(HumanReadable.fixed(metrics.loss, digits: 3))",
      figure(targets) ?? "accuracy \(HumanReadable.percent(metrics.top1))",
    ]
  }

  /// The first to look at, where pictures are told by labels or numbers.
  private func figure(_ targets: TargetMetrics?) -> String? {
    targets.map { $0.figures.first.map(\.description) ?? "" }
  }

  /// Told where it is more than it should be.
  func waiting(_ share: Double) -> [String] {
    share < 0.03 ? [] : ["waiting for data \(HumanReadable.percent(share))"]
  }

  /// What an epoch brought besides: the validation, what it waited and skipped, and the rate once the schedule has lowered it.
  func outcome(_ report: EpochReport, _ settings: TrainingSettings) -> [String] {
    var notes: [String] = []
    if let validation = report.validation {
      notes.append(
        "validation \(figure(report.validationTargets) ?? HumanReadable.percent(validation.top1))")
      if validation.skippedCount > 0 {
        notes.append("left out of validation \(validation.skippedCount)")
      }
      if validation.nonFiniteCount > 0 {
        notes.append("without an answer in validation \(validation.nonFiniteCount)")
      }
    }
    notes += waiting(report.dataWaitShare)
    if let processes = report.processes, let slow = ProcessTimes.slow(among: processes) {
      notes.append("all wait for process \(slow.rank) on \(slow.machine)")
    }
    if report.skippedCount > 0 { notes.append("skipped \(report.skippedCount)") }
    if report.learningRate != settings.learningRate {
      notes.append("rate \(HumanReadable.quantity(Double(report.learningRate)))")
    }
    return notes
  }
}
