public import ConvNetEvaluation

/// What a step brought, and where the training is after it.
public struct StepReport: Hashable, Sendable {
  /// From 1.
  public var epoch: Int
  /// Epochs of the whole training.
  public var epochs: Int
  /// Steps of all epochs so far, this one included.
  public var step: Int
  /// Samples of this epoch so far.
  public var samples: Int
  /// Samples of the whole epoch.
  public var totalSamples: Int
  /// Of this step's samples, before its update: what the training makes small.
  public var loss: Double
  /// Of this step.
  public var learningRate: Float
  /// The length of this step's gradient by all parameters, before gradient transforms.
  public var gradientNorm: Double
  /// Over the samples of this epoch so far.
  public var metrics: ClassificationMetrics
  /// Of the same, where they are told by labels or numbers; `nil` of classes.
  public var targets: TargetMetrics?
  /// Of this epoch so far.
  public var seconds: Double
  /// Of those, spent waiting for data.
  public var dataWaitSeconds: Double

  /// The share of this epoch's time so far that was spent waiting for data, 0 to 1.
  public var dataWaitShare: Double { dataWaitSeconds / max(seconds, 1e-9) }

  /// Samples a second in this epoch so far.
  public var imagesPerSecond: Double { Double(samples) / max(seconds, 1e-9) }
}
