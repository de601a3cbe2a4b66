/// How the learning rate changes from epoch to epoch.
public enum LearningRateSchedule: Hashable, Sendable, Codable {
  case constant(Float)
  /// Multiplied by `factor` whenever the validation error has not improved for `patience` epochs,
  /// as the lecture's networks were trained: by a tenth, when the validation error stops improving.
  case plateau(from: Float, factor: Float, patience: Int)

  public static func plateau(from rate: Float) -> LearningRateSchedule {
    .plateau(from: rate, factor: 0.1, patience: 2)
  }

  public var initialRate: Float {
    switch self {
    case .constant(let rate): rate
    case .plateau(let rate, _, _): rate
    }
  }
}

extension LearningRateSchedule: CustomStringConvertible {
  public var description: String {
    switch self {
    case .constant(let rate):
      "learning rate \(rate)"
    case .plateau(let rate, let factor, let patience):
      "learning rate \(rate), times \(factor) after \(patience) epochs without improvement"
    }
  }
}

/// A schedule in the middle of a training: part of a checkpoint.
package struct ScheduleState: Hashable, Sendable, Codable {
  let schedule: LearningRateSchedule
  package private(set) var learningRate: Float
  private var bestError: Double = .infinity
  private var epochsWithoutImprovement = 0

  package init(_ schedule: LearningRateSchedule) {
    self.schedule = schedule
    learningRate = schedule.initialRate
  }

  /// Takes note of the validation error after an epoch.
  package mutating func record(error: Double) {
    guard case .plateau(_, let factor, let patience) = schedule else { return }
    if error < bestError {
      bestError = error
      epochsWithoutImprovement = 0
      return
    }
    epochsWithoutImprovement += 1
    if epochsWithoutImprovement >= patience {
      learningRate *= factor
      epochsWithoutImprovement = 0
    }
  }

  // Infinity has no JSON number: no best error yet is no entry.
  private enum CodingKeys: CodingKey {
    case schedule, learningRate, bestError, epochsWithoutImprovement
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    schedule = try container.decode(LearningRateSchedule.self, forKey: .schedule)
    learningRate = try container.decode(Float.self, forKey: .learningRate)
    bestError = try container.decodeIfPresent(Double.self, forKey: .bestError) ?? .infinity
    epochsWithoutImprovement = try container.decode(Int.self, forKey: .epochsWithoutImprovement)
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(schedule, forKey: .schedule)
    try container.encode(learningRate, forKey: .learningRate)
    try container.encodeIfPresent(bestError.isFinite ? bestError : nil, forKey: .bestError)
    try container.encode(epochsWithoutImprovement, forKey: .epochsWithoutImprovement)
  }
}
