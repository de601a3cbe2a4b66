import ConvNetDatasets
import ConvNetEngine
import ConvNetEvaluation
import ConvNetFiles
import ConvNetLayers
import ConvNetReports

/// What the report of a training shows beside its history: gathered while it runs, put together beside it.
struct ReportParts: Sendable {
  var curve = StepCurve()
  var changes: [TrainingChange] = []
  var environment: [(name: String, value: String)] = []
  private var validation: (any Dataset)?
  /// Of the last epoch, and of the best, whose model may be the result.
  private var assessments: [Int: Assessment] = [:]

  init() {}

  init(_ training: TrainingInProgress) {
    validation = training.validationData
    let here = ComputeEnvironment.current
    let data = training.fingerprints
    environment = [
      ("ConvNet", packageVersion), ("Kernels", here.library), ("Processor", here.processor),
      ("Instructions", "\(here.instructions)"),
      (
        "Threads",
        "\(training.trainer.compute.threads) of \(plural(here.processorCount, "processor"))"
      ),
      ("System", here.system),
      (
        "Training data",
        "\(plural(data.training.count, "picture")), fingerprint \(data.training.digest)"
      ),
    ]
    if let validation = data.validation {
      environment.append(
        (
          "Validation data",
          "\(plural(validation.count, "picture")), fingerprint \(validation.digest)"
        ))
    }
  }

  /// Takes what the validation after an epoch said.
  mutating func take(_ assessment: Assessment?, after epoch: EpochReport, _ history: [EpochReport])
  {
    let best = history.best?.epoch
    assessments = assessments.filter { $0.key == best }
    assessments[epoch.epoch] = assessment
  }

  /// - Parameter model: its summary says whether it is of another epoch than the last.
  func report(
    of model: Model, _ history: [EpochReport], recipe: Recipe?,
    facts: [(name: String, value: String)]
  ) -> RunReport {
    var report = RunReport(of: model, history: history, facts: facts)
    report.steps = curve.steps
    report.changes = changes
    report.recipe = recipe
    report.environment = environment
    let epoch = model.trainingSummary?.bestEpoch ?? history.count
    // Of labels and numbers it says nothing: the history does.
    guard let assessment = assessments[epoch], assessment.samples > 0 else { return report }
    report.assessment = (epoch, assessment)
    if let validation {
      // A report without pictures is better than none.
      report.mistakes =
        (try? assessment.pictures(of: validation, model.classNames, limit: 24)) ?? []
    }
    return report
  }
}
