import ConvNetEvaluation
import ConvNetFiles
import Foundation

/// An epoch as its line of `metrics.jsonl` says it.
public struct RunEpoch: Hashable, Sendable, Codable {
  static let kind = "epoch"
  private var kind: String? = Self.kind
  /// From 1.
  public var epoch: Int
  /// Steps of all epochs up to its end; `nil` in files of earlier versions.
  public var step: Int?
  /// Of the epoch's last step.
  public var learningRate: Float
  /// Of the epoch's own steps, as is ``trainingTop1``.
  public var trainingLoss: Double
  /// 0 to 1, of classes.
  public var trainingTop1: Double?
  /// Of labels and numbers, by the keys of their figures.
  public var trainingFigures: [String: Double]?
  /// After the epoch; `nil` where nothing is validated on.
  public var validationLoss: Double?
  /// 0 to 1.
  public var validationTop1: Double?
  /// 0 to 1.
  public var validationTop5: Double?
  /// Of labels and numbers, by the keys of their figures.
  public var validationFigures: [String: Double]?
  /// Of the pictures to validate on: left out because they cannot be read.
  public var validationSkipped: Int?
  /// Of the pictures to validate on: with scores that are not finite.
  public var validationNonFinite: Int?
  /// Of training, validation not counted.
  public var seconds: Double
  /// Training samples a second.
  public var imagesPerSecond: Double
  /// 0 to 1.
  public var dataWaitShare: Double
  /// Training samples that could not be read so far.
  public var skipped: Int

  init(_ report: EpochReport) {
    epoch = report.epoch
    step = report.step
    learningRate = report.learningRate
    trainingLoss = report.training.loss
    validationLoss = report.validation?.loss
    trainingFigures = report.trainingTargets?.values
    validationFigures = report.validationTargets?.values
    if trainingFigures == nil {
      trainingTop1 = report.training.top1
      validationTop1 = report.validation?.top1
      validationTop5 = report.validation?.top5
    }
    validationSkipped = report.validation?.skippedCount
    validationNonFinite = report.validation?.nonFiniteCount
    seconds = report.seconds
    imagesPerSecond = report.imagesPerSecond
    dataWaitShare = report.dataWaitShare
    skipped = report.skippedCount
  }
}

/// A step as its line says it.
public struct RunStep: Hashable, Sendable, Codable {
  static let kind = "step"
  private var kind: String? = Self.kind
  /// From 1.
  public var epoch: Int
  /// Of all epochs, from 1.
  public var step: Int
  /// Of the epoch so far.
  public var samples: Int
  /// Before its update.
  public var loss: Double
  /// As the schedule had it.
  public var learningRate: Float
  /// The length of the gradient by all parameters.
  public var gradientNorm: Double
  /// Of the epoch so far.
  public var imagesPerSecond: Double

  init(_ report: StepReport) {
    epoch = report.epoch
    step = report.step
    samples = report.samples
    loss = report.loss
    learningRate = report.learningRate
    gradientNorm = report.gradientNorm
    imagesPerSecond = report.imagesPerSecond
  }
}

/// A setting that is otherwise from there on.
struct ChangeLine: Codable {
  static let kind = "change"
  private var kind: String? = Self.kind
  var epoch: Int
  var step: Int
  var setting: String
  var old: String?
  var new: String?

  init(_ change: TrainingChange) {
    epoch = change.epoch
    step = change.step
    setting = change.setting
    old = change.old
    new = change.new
  }

  var change: TrainingChange {
    TrainingChange(setting: setting, old: old, new: new, epoch: epoch, step: step)
  }
}

/// What a line says of its place, whichever kind it is of; the first versions wrote lines of epochs alone.
private struct LinePlace: Decodable {
  var kind: String?
  var epoch: Int
  var step: Int?

  var isOfEpoch: Bool { kind == nil || kind == RunEpoch.kind }
}

/// A line of any kind.
enum MetricsLine {
  case epoch(RunEpoch)
  case step(RunStep)
  case change(TrainingChange)
}

enum MetricsLines {
  private static let decoder: JSONDecoder = {
    let decoder = JSONDecoder()
    // As `jsonLine` writes them.
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return decoder
  }()

  /// What a line says; `nil` of one of a kind that is not known, or that is not whole: of a training that is at work the last may
  /// be cut.
  static func read(_ line: some Sequence<UInt8>) -> MetricsLine? {
    let data = Data(line)
    guard let place = try? decoder.decode(LinePlace.self, from: data) else { return nil }
    if place.isOfEpoch {
      return (try? decoder.decode(RunEpoch.self, from: data)).map(MetricsLine.epoch)
    }
    switch place.kind {
    case RunStep.kind: return (try? decoder.decode(RunStep.self, from: data)).map(MetricsLine.step)
    case ChangeLine.kind:
      return (try? decoder.decode(ChangeLine.self, from: data)).map { .change($0.change) }
    default: return nil
    }
  }

  static func line(_ value: some Encodable) -> [UInt8] {
    // All values are finite, or the encoder writes them as text.
    (try? jsonLine(value)).map { [UInt8]($0.utf8) + [10] } ?? []
  }

  /// What stays of a file where a training goes on: the lines up to there, and those of epochs that it lacks.
  static func prepared(
    _ contents: [UInt8], for history: [EpochReport], at step: Int
  ) -> (kept: Int, following: [UInt8]) {
    var kept = 0
    var epochs: Set<Int> = []
    while let end = contents[kept...].firstIndex(of: 10) {
      guard let place = try? decoder.decode(LinePlace.self, from: Data(contents[kept..<end]))
      else { break }
      guard place.isOfEpoch ? place.epoch <= history.count : (place.step ?? .max) <= step else {
        break
      }
      if place.isOfEpoch { epochs.insert(place.epoch) }
      kept = end + 1
    }
    let missing = history.filter { !epochs.contains($0.epoch) }
    return (kept, missing.flatMap { line(RunEpoch($0)) })
  }
}
