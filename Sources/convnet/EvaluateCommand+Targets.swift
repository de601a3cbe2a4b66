import ArgumentParser
import ConvNet
import Foundation

/// How well a model tells labels or numbers.
extension EvaluateCommand {
  private struct TargetResult: Encodable {
    var images: Int
    var part: EvaluatedPart.Kind
    var trainedOn: Int?
    var skipped: Int
    var nonFinite: Int
    var loss: Double
    var protocolName: String
    var targets: TargetKind
    /// Of labels: from which probability on they are said to be there.
    var threshold: Float?
    var meanAveragePrecision: Double?
    var microF1: Double?
    var macroF1: Double?
    var labels: [LabelRow]?
    var meanDetermination: Double?
    var numbers: [NumberRow]?

    enum CodingKeys: String, CodingKey {
      case images, part, trainedOn, skipped, nonFinite, loss, targets, threshold,
        meanAveragePrecision, microF1, macroF1, labels, meanDetermination, numbers
      case protocolName = "protocol"
    }
  }

  private struct LabelRow: Encodable {
    var name: String
    var count: Int
    var precision: Double
    var recall: Double
    var f1: Double
    var averagePrecision: Double?
  }

  private struct NumberRow: Encodable {
    var name: String
    var meanAbsoluteError: Double
    var rootMeanSquaredError: Double
    var determination: Double?
  }

  /// - Throws: where an option has no meaning for labels and numbers.
  private func requireTargetOptions(for kind: TargetKind) throws {
    try requireNoThreshold(givenThreshold, of: files[0], telling: kind)
    guard files.count == 1 else {
      throw ValidationError(
        "\(files.count) files: an ensemble is of models that tell classes, and these tell \(kind.rawValue); name one"
      )
    }
    for (isGiven, option) in [
      (
        !protocols.isUsual,
        "--protocol, --compare, --scales, --squares, --crops, --flips, --average, --table and --among"
      ),
      (writing.confusionCsv != nil, "--confusion-csv"), (writing.suspects != nil, "--suspects"),
      (writing.report != nil, "--report"), (writing.viewsSheet != nil, "--views-sheet"),
      (writing.temperature, "--temperature"), (resume, "--resume"),
    ] where isGiven {
      throw ValidationError(
        "\(option) is for models that tell classes, and \(files[0]) tells \(kind.rawValue); leave it out"
      )
    }
  }

  /// Measures a model that tells labels or numbers.
  func measureTargets(of model: Model) throws {
    try requireTargetOptions(for: model.targetKind)
    let part = try EvaluatedPart(
      of: data.source(for: model), for: model, given: data.holdout(seed: shared.seed),
      threads: shared.threadCount)
    tell(part)
    try requireReadable([part.dataset], skips: loading.onBad == .skip, shared)
    let progress = Progress("evaluating", total: part.dataset.count, shared)
    Interruption.deferSignals()
    var table = TargetTable(names: model.classNames, kind: model.targetKind)
    let evaluation = try TargetEvaluation(
      of: model, on: part.dataset, threshold: threshold, batchSize: batchSize ?? 256,
      compute: compute.options(shared), loading: loading.options
    ) { done in
      progress.update(done)
      if let signal = Interruption.signal {
        throw Interrupted(
          signal: signal,
          outcome: "\(done) of \(plural(part.dataset.count, "picture")) were measured")
      }
    } sampleSkipped: {
      shared.note("left out: \($0.reason)")
    } observe: {
      if writing.predictions != nil {
        table.append(part.dataset.sampleName(at: $0.index), truth: $0.truth, answers: $0.answers)
      }
    }
    progress.finish()
    if let path = writing.predictions { try AtomicFile.write(table.text, to: path) }
    if let path = writing.classesCsv {
      try AtomicFile.write(Self.targetsTable(evaluation), to: path)
    }
    if shared.json {
      try printJSON(targetResult(evaluation, part, model.targetKind))
    } else {
      try printTargets(evaluation, part, model.targetKind)
    }
    let metrics = evaluation.metrics
    guard metrics.samples > 0, metrics.nonFiniteCount == metrics.samples else { return }
    throw NoAnswer(
      model: files[0], count: metrics.samples, total: metrics.samples,
      parameters: model.nonFiniteParameters)
  }

  private func targetResult(
    _ evaluation: TargetEvaluation, _ part: EvaluatedPart, _ kind: TargetKind
  ) -> TargetResult {
    let metrics = evaluation.metrics
    var result = TargetResult(
      images: metrics.samples, part: part.kind, trainedOn: part.trainedOn,
      skipped: metrics.skippedCount, nonFinite: metrics.nonFiniteCount, loss: metrics.loss,
      protocolName: evaluation.protocolDescription, targets: kind)
    switch evaluation.targets {
    case .labels(let labels):
      result.threshold = threshold
      result.meanAveragePrecision = labels.meanAveragePrecision
      (result.microF1, result.macroF1) = (labels.microF1, labels.macroF1)
      result.labels = zip(evaluation.names, labels.labels).map {
        LabelRow(
          name: $0, count: $1.count, precision: $1.precision, recall: $1.recall, f1: $1.f1,
          averagePrecision: $1.averagePrecision)
      }
    case .numbers(let numbers):
      result.meanDetermination = numbers.meanDetermination
      result.numbers = zip(evaluation.names, numbers.numbers).map {
        NumberRow(
          name: $0, meanAbsoluteError: $1.meanAbsoluteError,
          rootMeanSquaredError: $1.rootMeanSquaredError, determination: $1.determination)
      }
    }
    return result
  }

  private func printTargets(
    _ evaluation: TargetEvaluation, _ part: EvaluatedPart, _ kind: TargetKind
  ) throws {
    let metrics = evaluation.metrics
    try Console.write(
      wrapping: "\(metrics.samples) pictures, \(evaluation.protocolDescription)", indent: 2)
    for figure in evaluation.targets.figures {
      try print(figure.name.padding(toLength: 24, withPad: " ", startingAt: 0) + figure.text)
    }
    try print(
      """
      loss                    \(HumanReadable.fixed(metrics.loss, digits: 4))
      part                    \(part.kind.rawValue)
      """)
    if metrics.skippedCount > 0 {
      try print(
        "left out                \(plural(metrics.skippedCount, "picture")) that cannot be read")
    }
    if metrics.nonFiniteCount > 0 {
      try print(
        "no answer               \(plural(metrics.nonFiniteCount, "picture")) with outputs that are not finite"
      )
    }
    var table = evaluation.targets.table(evaluation.names, unknown: "–")
    if kind == .labels {
      table.columns[0].title += ", from \(HumanReadable.percent(Double(threshold), digits: 0)) on"
    }
    try print("")
    try Console.write(table)
  }

  /// A line a label or number.
  private static func targetsTable(_ evaluation: TargetEvaluation) -> String {
    func field(_ value: Double?) -> String { value.map { "\($0)" } ?? "" }
    switch evaluation.targets {
    case .labels(let labels):
      return "label,pictures,precision,recall,f1,average precision\n"
        + zip(evaluation.names, labels.labels).map { name, own in
          [
            name.csvField, "\(own.count)", field(own.precision), field(own.recall),
            field(own.f1), field(own.averagePrecision),
          ].joined(separator: ",") + "\n"
        }.joined()
    case .numbers(let numbers):
      return "number,mean absolute error,root mean squared error,R²\n"
        + zip(evaluation.names, numbers.numbers).map { name, own in
          [
            name.csvField, field(own.meanAbsoluteError), field(own.rootMeanSquaredError),
            field(own.determination),
          ].joined(separator: ",") + "\n"
        }.joined()
    }
  }
}

/// The answers to every picture, beside what is true.
private struct TargetTable {
  private(set) var text: String

  init(names: [String], kind: TargetKind) {
    let answer = kind == .labels ? "probability of" : "predicted"
    text =
      (["picture"] + names + names.map { "\(answer) \($0)" }).map(\.csvField).joined(separator: ",")
      + "\n"
  }

  mutating func append(_ name: String, truth: [Float], answers: [Float]) {
    let numbers = (truth + answers).map { $0.isFinite ? "\($0)" : "" }
    text += ([FileSystem.line(name).csvField] + numbers).joined(separator: ",") + "\n"
  }
}

/// Labels or numbers that several processes would measure.
struct TargetsOfSeveral: ReadableError {
  var kind: TargetKind
  var description: String {
    "several processes measure classes, and the model tells \(kind.rawValue); measure it in one process"
  }
}
