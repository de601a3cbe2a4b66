import ConvNetEvaluation
import ConvNetFiles
import Foundation

/// A line of metrics.jsonl of an epoch.
struct MetricsLine: Encodable {
  var kind = "epoch"
  var epoch: Int
  var step: Int?
  var learningRate: Float
  var trainingLoss: Double
  var trainingTop1: Double
  var validationLoss: Double?
  var validationTop1: Double?
  var validationTop5: Double?
  /// Of the pictures to validate on: left out because they cannot be read, and with scores that are not finite.
  var validationSkipped: Int?
  var validationNonFinite: Int?
  var seconds: Double
  var imagesPerSecond: Double
  var dataWaitShare: Double
  var skipped: Int

  init(_ report: EpochReport) {
    epoch = report.epoch
    step = report.step
    learningRate = report.learningRate
    trainingLoss = report.training.loss
    trainingTop1 = report.training.top1
    validationLoss = report.validation?.loss
    validationTop1 = report.validation?.top1
    validationTop5 = report.validation?.top5
    validationSkipped = report.validation?.skippedCount
    validationNonFinite = report.validation?.nonFiniteCount
    seconds = report.seconds
    imagesPerSecond = report.imagesPerSecond
    dataWaitShare = report.dataWaitShare
    skipped = report.skippedCount
  }
}

/// A line of a step.
struct StepLine: Encodable {
  var kind = "step"
  var epoch: Int
  var step: Int
  var samples: Int
  var loss: Double
  var learningRate: Float
  var gradientNorm: Double
  var imagesPerSecond: Double

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

/// What a line says of its place, whichever kind it is of; the first versions wrote lines of epochs alone.
private struct LinePlace: Decodable {
  var kind: String?
  var epoch: Int
  var step: Int?
}

enum MetricsLines {
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
    let decoder = JSONDecoder()
    while let end = contents[kept...].firstIndex(of: 10) {
      guard let place = try? decoder.decode(LinePlace.self, from: Data(contents[kept..<end]))
      else { break }
      let isEpoch = place.kind != "step"
      guard isEpoch ? place.epoch <= history.count : (place.step ?? .max) <= step else { break }
      if isEpoch { epochs.insert(place.epoch) }
      kept = end + 1
    }
    let missing = history.filter { !epochs.contains($0.epoch) }
    return (kept, missing.flatMap { line(MetricsLine($0)) })
  }
}
