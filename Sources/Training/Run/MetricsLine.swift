import ConvNetEvaluation

/// A line of metrics.jsonl.
struct MetricsLine: Encodable {
  var epoch: Int
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
