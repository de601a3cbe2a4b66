/// Multiplied by `factor` whenever the error has not improved for `patience` epochs, as the lecture's networks were trained: by a
/// tenth, when the validation error stops improving.
public struct Plateau: LearningRateSchedule {
  public static let name = "plateau"

  /// The rate at the beginning.
  public var rate: Float
  /// What the rate is multiplied by, between 0 and 1.
  public var factor: Float
  /// In epochs.
  public var patience: Int

  /// A rate that is divided by ten after two epochs without improvement, where nothing else is said.
  public init(from rate: Float, factor: Float = 0.1, patience: Int = 2) {
    self.rate = rate
    self.factor = factor
    self.patience = patience
  }

  public func validate() throws(TrainingError) {
    try require(rate.isFinite && rate > 0, "learning rate", rate, "a finite number above zero")
    try require(factor > 0 && factor < 1, "plateau factor", factor, "between 0 and 1")
    try require(patience > 0, "plateau patience", patience, "at least 1 epoch")
  }

  public func learningRate(at point: TrainingPoint) -> Float {
    var rate = rate
    var best = Double.infinity
    var epochsWithoutImprovement = 0
    for error in point.errors {
      if error < best {
        best = error
        epochsWithoutImprovement = 0
        continue
      }
      epochsWithoutImprovement += 1
      if epochsWithoutImprovement >= patience {
        rate *= factor
        epochsWithoutImprovement = 0
      }
    }
    return rate
  }

  public var description: String {
    "learning rate \(rate), times \(factor) after \(patience) epochs without improvement"
  }
}

extension LearningRateSchedule where Self == Plateau {
  /// Lower whenever the error stops improving; see ``Plateau``.
  public static func plateau(from rate: Float, factor: Float = 0.1, patience: Int = 2) -> Self {
    Plateau(from: rate, factor: factor, patience: patience)
  }
}
