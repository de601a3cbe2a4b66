public import ConvNetEvaluation

/// What an epoch brought.
public struct EpochReport: Hashable, Sendable, Codable {
  /// From 1.
  public var epoch: Int
  /// Steps of all epochs up to its end; `nil` in files of earlier versions.
  public var step: Int?
  /// Of the epoch's last step.
  public var learningRate: Float
  /// Over the training samples, each measured before the step that it was part of.
  public var training: ClassificationMetrics
  /// Over the samples of validation after the epoch; `nil` where there are none.
  public var validation: ClassificationMetrics?
  /// Of the training samples, where they are told by labels or numbers: how well they were, each before its step. `nil` of
  /// classes.
  public var trainingTargets: TargetMetrics?
  /// The same of the samples of validation, after the epoch.
  public var validationTargets: TargetMetrics?
  /// Of training, validation not counted.
  public var seconds: Double
  /// Of those, spent waiting for data.
  public var dataWaitSeconds: Double
  /// Training samples that could not be read so far and were replaced by others.
  public var skippedCount: Int
  /// When the epoch ended, in seconds since 1970.
  public var endTime: Double
  /// Of several processes: how each spent the time of training, as far as this process knows of it; `nil` of one alone.
  public var processes: [ProcessTimes]?

  /// The share of the time that was spent waiting for data, 0 to 1.
  public var dataWaitShare: Double { dataWaitSeconds / max(seconds, 1e-9) }

  /// What schedules go by: 1 - top-1 accuracy of validation, of labels 1 - mean average precision, of numbers the loss; where
  /// there is no validation, the loss of the epoch's steps, which still falls when every answer is right.
  package var error: Double {
    guard let validation else { return training.loss }
    switch validationTargets {
    case .labels(let labels): return labels.meanAveragePrecision.map { 1 - $0 } ?? validation.loss
    case .numbers: return validation.loss
    case nil: return 1 - validation.top1
    }
  }

  /// Training samples a second, reading and decoding included, validation not.
  public var imagesPerSecond: Double { Double(training.samples) / max(seconds, 1e-9) }

  package init(
    epoch: Int, step: Int? = nil, learningRate: Float, training: ClassificationMetrics,
    validation: ClassificationMetrics?, trainingTargets: TargetMetrics? = nil,
    validationTargets: TargetMetrics? = nil, seconds: Double, dataWaitSeconds: Double,
    skippedCount: Int, endTime: Double, processes: [ProcessTimes]? = nil
  ) {
    self.epoch = epoch
    self.step = step
    self.learningRate = learningRate
    self.training = training
    self.validation = validation
    self.trainingTargets = trainingTargets
    self.validationTargets = validationTargets
    self.seconds = seconds
    self.dataWaitSeconds = dataWaitSeconds
    self.skippedCount = skippedCount
    self.endTime = endTime
    self.processes = processes
  }
}

extension EpochReport: CustomStringConvertible {
  public var description: String {
    func percent(_ share: Double) -> String { "\((share * 1000).rounded() / 10) %" }
    func texts(_ targets: TargetMetrics) -> String {
      targets.figures.map(\.description).joined(separator: ", ")
    }
    var text = "epoch \(epoch): loss \((training.loss * 10_000).rounded() / 10_000), "
    if let trainingTargets {
      text += texts(trainingTargets)
      if let validationTargets { text += ", validation \(texts(validationTargets))" }
    } else {
      text += "accuracy \(percent(training.top1))"
      if let validation { text += ", validation accuracy \(percent(validation.top1))" }
    }
    // Six digits: 0.0001 and not 0.000100000005, the nearest single-precision number.
    let rate = Double((Double(learningRate) * 1e9).rounded()) / 1e9
    return text + ", learning rate \(rate), \(Int(imagesPerSecond)) images/s"
  }
}
