/// Exact sums over samples, so that averages do not depend on how the samples were batched.
///
/// Of samples that are told by labels or numbers, ``samples``, ``nonFiniteCount``, ``skippedCount`` and ``loss`` are what they
/// are of classes, and ``top1`` and ``top5`` say nothing: ``TargetMetrics`` does.
public struct ClassificationMetrics: Hashable, Sendable, Codable {
  /// Samples counted.
  public private(set) var samples = 0
  /// Of these, those with a score that is not finite: no answer. They are no hits, and have no part in the loss.
  public private(set) var nonFiniteCount = 0
  /// Samples that could not be read, and are not counted above.
  public package(set) var skippedCount = 0
  private var lossSum = 0.0
  private var top1Count = 0
  private var top5Count = 0

  /// Of no samples yet.
  public init() {}

  /// All sums: of parts of the data, these are added.
  package var sums: [Double] {
    get {
      [Double(samples), Double(nonFiniteCount), Double(skippedCount), lossSum]
        + [Double(top1Count), Double(top5Count)]
    }
    set {
      (samples, nonFiniteCount, skippedCount) = (
        Int(newValue[0]), Int(newValue[1]), Int(newValue[2])
      )
      (lossSum, top1Count, top5Count) = (newValue[3], Int(newValue[4]), Int(newValue[5]))
    }
  }

  /// The mean cross-entropy, in nats (or what else was made small), of the samples whose scores are finite; not a number where
  /// there are samples and no such.
  public var loss: Double {
    let count = samples - nonFiniteCount
    return count == 0 && samples > 0 ? .nan : lossSum / Double(max(1, count))
  }
  /// The share of samples whose label has the highest score, no other an equal one, and all scores finite, 0 to 1.
  public var top1: Double { Double(top1Count) / Double(max(1, samples)) }
  /// The share of samples whose label is among the five highest scores.
  public var top5: Double { Double(top5Count) / Double(max(1, samples)) }

  /// Adds a batch.
  ///
  /// - Parameters:
  ///   - scores: [batch, classes], higher is likelier: logits or probabilities.
  ///   - labels: the true class of each.
  ///   - meanLoss: of those examples of the batch whose scores are finite.
  public mutating func add(scores: Span<Float>, labels: Span<Int32>, meanLoss: Double) {
    let batch = labels.count
    guard batch > 0 else { return }
    let classes = scores.count / batch
    var finite = 0
    for row in 0..<batch {
      let rank = ScoreRank(
        of: Int(labels[row]), in: scores.extracting(row * classes..<(row + 1) * classes))
      if rank.isFinite { finite += 1 }
      if rank.isHit { top1Count += 1 }
      if rank.isAmongFive { top5Count += 1 }
    }
    samples += batch
    nonFiniteCount += batch - finite
    if finite > 0 { lossSum += meanLoss * Double(finite) }
  }

  /// Adds a batch of samples that have no class.
  ///
  /// - Parameters:
  ///   - nonFinite: of these, without an answer.
  ///   - meanLoss: of the others.
  package mutating func add(samples count: Int, nonFinite: Int, meanLoss: Double) {
    samples += count
    nonFiniteCount += nonFinite
    if nonFinite < count { lossSum += meanLoss * Double(count - nonFinite) }
  }
}
