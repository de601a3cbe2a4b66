/// How well several labels a picture are told: counts at a threshold, and how well each label's probability ranks the pictures.
public struct LabelMetrics: Hashable, Sendable, Codable {
  /// What is said of one label, of all pictures with an answer. A share of nothing is 0.
  public struct LabelScore: Hashable, Sendable {
    /// Pictures that have the label.
    public var count: Int
    /// Of the pictures that are said to have it, those that do.
    public var precision: Double
    /// Of the pictures that have it, those that are said to.
    public var recall: Double
    /// The harmonic mean of both: 2 TP / (2 TP + FP + FN).
    public var f1: Double
    /// How well the label's probability ranks the pictures: see ``averagePrecision(of:_:)``. `nil` where no picture has the
    /// label, or ranks were not kept.
    public var averagePrecision: Double?
  }

  /// From this probability on a label is said to be there.
  public let threshold: Float
  /// Pictures with an answer.
  public private(set) var samples = 0
  private var truePositives: [Int]
  private var falsePositives: [Int]
  private var falseNegatives: [Int]
  /// One a label, where ranks were kept.
  package var averagePrecisions: [Double?]?

  /// Of no pictures yet.
  ///
  /// - Parameter count: labels.
  public init(count: Int, threshold: Float = 0.5) {
    self.threshold = threshold
    truePositives = [Int](repeating: 0, count: count)
    falsePositives = truePositives
    falseNegatives = truePositives
  }

  /// Adds a picture.
  ///
  /// - Parameters:
  ///   - probabilities: one a label, finite.
  ///   - targets: above 0.5 where the label is there, in the same order.
  public mutating func add(probabilities: Span<Float>, targets: Span<Float>) {
    samples += 1
    for label in truePositives.indices {
      switch (probabilities[label] >= threshold, targets[label] > 0.5) {
      case (true, true): truePositives[label] += 1
      case (true, false): falsePositives[label] += 1
      case (false, true): falseNegatives[label] += 1
      case (false, false): break
      }
    }
  }

  /// One a label, in order.
  public var labels: [LabelScore] {
    truePositives.indices.map { label in
      let (hits, wrong, missed) = (
        truePositives[label], falsePositives[label], falseNegatives[label]
      )
      return LabelScore(
        count: hits + missed, precision: share(hits, of: hits + wrong),
        recall: share(hits, of: hits + missed), f1: share(2 * hits, of: 2 * hits + wrong + missed),
        averagePrecision: averagePrecisions?[label])
    }
  }

  /// Of all answers together: 2 TP / (2 TP + FP + FN) of the sums over the labels.
  public var microF1: Double {
    let hits = truePositives.reduce(0, +)
    return share(
      2 * hits, of: 2 * hits + falsePositives.reduce(0, +) + falseNegatives.reduce(0, +))
  }

  /// The mean of the labels' F1, each counting the same.
  public var macroF1: Double {
    labels.reduce(0) { $0 + $1.f1 } / Double(max(1, truePositives.count))
  }

  /// The mean of the labels' average precisions, of those that a picture has; `nil` where ranks were not kept, or no label is
  /// there.
  public var meanAveragePrecision: Double? {
    guard let known = averagePrecisions?.compactMap(\.self), !known.isEmpty else { return nil }
    return known.reduce(0, +) / Double(known.count)
  }

  /// The average precision of some scores: with pictures in the order of falling scores, P the share of the pictures so far that
  /// have the label and R the share of those with the label that have come,
  ///
  ///     AP = sum over k of (R[k] - R[k-1]) P[k]
  ///
  /// where k goes through the different scores, so that equal ones have no order: scikit-learn's `average_precision_score`, but
  /// that it has 0 where there is no positive.
  ///
  /// - Parameters:
  ///   - scores: finite, the higher, the likelier.
  ///   - isPositive: of as many.
  /// - Returns: 0 to 1; `nil` where none is positive.
  public static func averagePrecision(of scores: [Float], _ isPositive: [Bool]) -> Double? {
    let positives = isPositive.count(where: \.self)
    guard positives > 0 else { return nil }
    let order = scores.indices.sorted { scores[$0] > scores[$1] }
    var (sum, hits, hitsBefore) = (0.0, 0, 0)
    for (place, index) in order.enumerated() {
      if isPositive[index] { hits += 1 }
      if place + 1 < order.count, scores[order[place + 1]] == scores[index] { continue }
      sum += Double(hits - hitsBefore) / Double(positives) * Double(hits) / Double(place + 1)
      hitsBefore = hits
    }
    return sum
  }
}

private func share(_ part: Int, of whole: Int) -> Double {
  whole == 0 ? 0 : Double(part) / Double(whole)
}
