/// Exact sums over samples, so that averages do not depend on how the samples were batched.
public struct ClassificationMetrics: Hashable, Sendable, Codable {
  /// Samples counted.
  public private(set) var samples = 0
  private var lossSum = 0.0
  private var top1Count = 0
  private var top5Count = 0

  public init() {}

  /// The mean cross-entropy, in nats.
  public var loss: Double { lossSum / Double(max(1, samples)) }
  /// The share of samples whose label has the highest score, 0 to 1.
  public var top1: Double { Double(top1Count) / Double(max(1, samples)) }
  /// The share of samples whose label is among the five highest scores.
  public var top5: Double { Double(top5Count) / Double(max(1, samples)) }

  /// Adds a batch.
  ///
  /// - Parameters:
  ///   - scores: [batch, classes], higher is likelier: logits or probabilities.
  ///   - labels: the true class of each.
  ///   - meanLoss: of the batch.
  public mutating func add(scores: Span<Float>, labels: Span<Int32>, meanLoss: Double) {
    let batch = labels.count
    guard batch > 0 else { return }
    let classes = scores.count / batch
    for row in 0..<batch {
      let label = Int(labels[row])
      let own = scores[row * classes + label]
      // An equal score before the label counts as better, so that constant scores are right once in
      // `classes`. A score that is not a number is never right.
      var better = 0
      for column in 0..<classes {
        let score = scores[row * classes + column]
        if score > own || (score == own && column < label) { better += 1 }
      }
      guard !own.isNaN else { continue }
      if better == 0 { top1Count += 1 }
      if better < 5 { top5Count += 1 }
    }
    samples += batch
    lossSum += meanLoss * Double(batch)
  }
}
