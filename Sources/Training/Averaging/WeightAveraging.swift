import Foundation

/// An average of the weights in the course of a training, which is validated and kept in place of the last weights (B. Polyak, A.
/// Juditsky, "Acceleration of Stochastic Approximation by Averaging", 1992).
///
/// The training itself goes on with the weights as they are. After each update the average takes a share of them, in the same
/// pass through memory:
///
///     average <- average + share (weights - average)
///
/// ```swift
/// /// Every weight that was alike since an update.
/// struct Since: WeightAveraging {
///   static let name = "example.since"
///   var update: Int
///   var statisticsBatches: Int { 0 }
///
///   func share(ofUpdate number: Int) -> Float { 1 / Float(max(1, number - update)) }
/// }
/// ```
public protocol WeightAveraging: TrainingPart {
  /// The share of the new weights in the average after an update, 0 to 1: 1 forgets what was before.
  ///
  /// - Parameter number: of the update, from 1.
  func share(ofUpdate number: Int) -> Float

  /// Batches by which the statistics of batch normalization are estimated for the averaged weights, at the end of each epoch:
  /// the means over so many batches of their statistics, the first of that epoch. 0 takes the running statistics of the
  /// training, which are moving averages themselves, of the weights as they were.
  var statisticsBatches: Int { get }
}

/// A moving average whose old weights count less and less: share = (1 - decay) / (1 - decay^number).
///
/// The divisor frees the average of its beginning, so that it is one of the weights that there were and of nothing else, as D.
/// Kingma and J. Ba, "Adam", 2015, section 8.1, have it: after the first update it is the weights. TensorFlow's
/// ``Beginning/slow`` instead begins at the first weights, with a decay of (1 + number) / (10 + number) where that is less.
public struct ExponentialAverage: WeightAveraging {
  public static let name = "exponentialAverage"

  /// How an average begins.
  public enum Beginning: String, Hashable, Sendable, Codable, CaseIterable {
    /// Freed of it.
    case corrected
    /// At the first weights, with a lower decay for the first updates.
    case slow
  }

  /// The weight of the old average, from 0 to below 1: 0.9999 where Inception v3 was trained. 0 keeps the last weights, and gives
  /// them statistics of their own.
  public var decay: Float
  /// How it begins.
  public var beginning: Beginning
  public var statisticsBatches: Int

  /// An average of about the last 1 / (1 - decay) updates.
  public init(
    decay: Float = 0.999, beginning: Beginning = .corrected, statisticsBatches: Int = 20
  ) {
    self.decay = decay
    self.beginning = beginning
    self.statisticsBatches = statisticsBatches
  }

  public func validate() throws(TrainingError) {
    try require((0..<1).contains(decay), "decay of the average", decay, "from 0 to below 1")
    try requireStatisticsBatches()
  }

  public func share(ofUpdate number: Int) -> Float {
    let (decay, number) = (Double(decay), Double(number))
    return switch beginning {
    case .corrected: Float((1 - decay) / (1 - pow(decay, number)))
    case .slow: Float(1 - min(decay, (1 + number) / (10 + number)))
    }
  }

  public var description: String {
    (decay == 0
      ? "weights as they are"
      : "weights averaged with decay \(decay)\(beginning == .slow ? ", less at the beginning" : "")")
      + statisticsWords
  }
}

/// The mean of the weights after all updates that follow the first so many: share = 1 / (number - skipped).
public struct PolyakAverage: WeightAveraging {
  public static let name = "polyakAverage"

  /// Updates before those that count.
  public var skippedUpdates: Int
  public var statisticsBatches: Int

  /// The mean of all weights, unless the first updates are left out.
  public init(skippedUpdates: Int = 0, statisticsBatches: Int = 20) {
    self.skippedUpdates = skippedUpdates
    self.statisticsBatches = statisticsBatches
  }

  public func validate() throws(TrainingError) {
    try require(skippedUpdates >= 0, "skipped updates", skippedUpdates, "zero or more")
    try requireStatisticsBatches()
  }

  public func share(ofUpdate number: Int) -> Float { 1 / Float(max(1, number - skippedUpdates)) }

  public var description: String {
    "weights averaged alike\(skippedUpdates > 0 ? " after \(skippedUpdates) updates" : "")"
      + statisticsWords
  }
}

extension WeightAveraging {
  func requireStatisticsBatches() throws(TrainingError) {
    try require(
      statisticsBatches >= 0, "batches for statistics", statisticsBatches, "zero or more")
  }

  var statisticsWords: String {
    statisticsBatches > 0
      ? ", statistics of \(statisticsBatches) batches" : ", statistics of the training"
  }
}

extension WeightAveraging where Self == ExponentialAverage {
  /// ``ExponentialAverage``: about the last 1 / (1 - decay) updates.
  public static func exponential(
    decay: Float = 0.999, beginning: ExponentialAverage.Beginning = .corrected,
    statisticsBatches: Int = 20
  ) -> Self {
    ExponentialAverage(decay: decay, beginning: beginning, statisticsBatches: statisticsBatches)
  }
}

extension WeightAveraging where Self == PolyakAverage {
  /// ``PolyakAverage``: the mean of all.
  public static func polyak(skippedUpdates: Int = 0, statisticsBatches: Int = 20) -> Self {
    PolyakAverage(skippedUpdates: skippedUpdates, statisticsBatches: statisticsBatches)
  }
}
