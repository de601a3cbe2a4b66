/// Multiplied by `factor` whenever the error has not improved for `patience` epochs, as the lecture's networks were trained: by a
/// tenth, when the validation error stops improving.
///
/// PyTorch's `ReduceLROnPlateau` counts the epochs that it tolerates: its patience is one less than ours, and its threshold
/// must be set to 0.
public struct Plateau: LearningRateSchedule {
  public static let name = "plateau"

  /// What must improve.
  public enum Measure: String, Hashable, Sendable, Codable, CaseIterable {
    /// 1 - top-1 accuracy of validation; where there is none, the loss of the epoch's steps.
    case error
    /// The loss of validation; where there is none, that of the epoch's steps.
    case loss
  }

  /// The rate at the beginning.
  public var rate: Float
  /// What the rate is multiplied by, between 0 and 1.
  public var factor: Float
  /// In epochs.
  public var patience: Int
  /// By which it goes.
  public var measure: Measure
  /// Below which the rate does not fall; `nil`: a ten-thousandth of the first, below which nothing would move any more.
  public var minimumRate: Float?
  /// Epochs after a change of the rate that count neither for nor against the next.
  public var coolDown: Int

  private static let leastShare: Float = 1e-4

  /// A rate that is divided by ten after two epochs without improvement, where nothing else is said.
  public init(
    from rate: Float, factor: Float = 0.1, patience: Int = 2, measure: Measure = .error,
    minimumRate: Float? = nil, coolDown: Int = 0
  ) {
    self.rate = rate
    self.factor = factor
    self.patience = patience
    self.measure = measure
    self.minimumRate = minimumRate
    self.coolDown = coolDown
  }

  public func validate() throws(TrainingError) {
    try requireRate(rate)
    try require(factor > 0 && factor < 1, "plateau factor", factor, "between 0 and 1")
    try require(patience > 0, "plateau patience", patience, "at least 1 epoch")
    if let minimumRate {
      try require(
        minimumRate >= 0 && minimumRate <= rate, "minimum rate", minimumRate,
        "zero or more, and no more than the learning rate, \(rate)")
    }
    try require(coolDown >= 0, "cool-down", coolDown, "zero epochs or more")
  }

  public func learningRate(at point: TrainingPoint) -> Float {
    let leastRate = minimumRate ?? self.rate * Self.leastShare
    var rate = rate
    var best = Double.infinity
    var (epochsWithoutImprovement, epochsToCoolDown) = (0, 0)
    for value in measure == .error ? point.errors : point.losses {
      if value < best {
        best = value
        epochsWithoutImprovement = 0
      } else {
        epochsWithoutImprovement += 1
      }
      if epochsToCoolDown > 0 {
        epochsToCoolDown -= 1
        epochsWithoutImprovement = 0
      }
      if epochsWithoutImprovement >= patience {
        rate = max(leastRate, rate * factor)
        epochsWithoutImprovement = 0
        epochsToCoolDown = coolDown
      }
    }
    return rate
  }

  public var description: String {
    "learning rate \(rate), times \(factor) after \(patience) epochs without improvement"
      + (measure == .error ? "" : " of the loss")
      + (minimumRate.map { ", at least \($0)" } ?? "")
      + (coolDown > 0 ? ", \(ScheduleTime.epochs.words(coolDown)) of cool-down" : "")
  }
}

extension Plateau {
  private enum CodingKeys: CodingKey {
    case rate, factor, patience, measure, minimumRate, coolDown
  }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      from: try values.decode(Float.self, forKey: .rate),
      factor: try values.decode(Float.self, forKey: .factor),
      patience: try values.decode(Int.self, forKey: .patience),
      measure: try values.decodeIfPresent(Measure.self, forKey: .measure) ?? .error,
      minimumRate: try values.decodeIfPresent(Float.self, forKey: .minimumRate),
      coolDown: try values.decodeIfPresent(Int.self, forKey: .coolDown) ?? 0)
  }

  // What is as usual is left out, as it was before it could be otherwise, so that old checkpoints go on.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(rate, forKey: .rate)
    try values.encode(factor, forKey: .factor)
    try values.encode(patience, forKey: .patience)
    if measure != .error { try values.encode(measure, forKey: .measure) }
    try values.encodeIfPresent(minimumRate, forKey: .minimumRate)
    if coolDown != 0 { try values.encode(coolDown, forKey: .coolDown) }
  }
}

extension LearningRateSchedule where Self == Plateau {
  /// Lower whenever the error stops improving; see ``Plateau``.
  public static func plateau(
    from rate: Float, factor: Float = 0.1, patience: Int = 2, measure: Plateau.Measure = .error,
    minimumRate: Float? = nil, coolDown: Int = 0
  ) -> Self {
    Plateau(
      from: rate, factor: factor, patience: patience, measure: measure, minimumRate: minimumRate,
      coolDown: coolDown)
  }
}
