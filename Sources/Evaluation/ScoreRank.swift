/// Where the class of a sample stands among its scores: the one rule of every accuracy here.
///
/// An equal score of another class counts as higher. So ties are no hits, and a network that says the same of all classes is
/// never right. A score that is not finite leaves no order among the others: there is no answer.
package struct ScoreRank: Hashable, Sendable {
  /// Whether all scores are finite.
  package let isFinite: Bool
  /// Other classes whose score is as high or higher.
  package let better: Int
  /// The class of the highest score; of equals the first that is not the sample's, since a tie is no hit.
  package let predicted: Int

  /// - Parameters:
  ///   - label: the class of the sample.
  ///   - scores: one a class.
  package init<Number: BinaryFloatingPoint>(of label: Int, in scores: Span<Number>) {
    let own = scores[label]
    var (better, best, isFinite) = (0, label == 0 ? 1 : 0, own.isFinite)
    for index in scores.indices where index != label {
      let score = scores[index]
      if score >= own { better += 1 }
      if score > scores[best] { best = index }
      isFinite = isFinite && score.isFinite
    }
    self.isFinite = isFinite
    self.better = better
    predicted = better == 0 ? label : best
  }

  /// Whether the sample's class has the highest score.
  package var isHit: Bool { isFinite && better == 0 }
  /// Whether it has one of the five highest.
  package var isAmongFive: Bool { isFinite && better < 5 }
}
