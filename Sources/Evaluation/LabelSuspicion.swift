/// Which labels are probably wrong, by what a model says of pictures that it was not trained on: confident learning (C.
/// Northcutt, L. Jiang, I. Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels", 2021, section 3.1).
///
/// The threshold of a class is the mean probability that its own pictures have of it. A picture is suspected where another
/// class than its own reaches that class's threshold, is the most probable of those that reach theirs, and more probable than
/// the label. So a class of which the model is seldom sure needs less to be believed.
///
/// Two passes: ``add(label:probabilities:)`` of every picture, then ``suspect(sample:label:probabilities:)``.
public struct LabelSuspicion: Sendable {
  /// A label that is probably wrong.
  public struct Suspect: Hashable, Sendable {
    /// In the data set.
    public var sample: Int
    /// The class that the data says.
    public var label: Int
    /// The class that it probably is.
    public var suggested: Int
    /// The probability of the label.
    public var labelProbability: Double
    /// The probability of the other class.
    public var probability: Double

    /// How much less probable the label is, -1 to 1: the most suspect first.
    public var margin: Double { probability - labelProbability }
  }

  private var sums: [Double]
  private var counts: [Int]

  /// Of no pictures yet.
  public init(classes: Int) {
    sums = [Double](repeating: 0, count: classes)
    counts = [Int](repeating: 0, count: classes)
  }

  /// Counts a picture in the threshold of its class; one without an answer is passed over.
  public mutating func add(label: Int, probabilities: [Double]) {
    guard probabilities.allSatisfy(\.isFinite) else { return }
    sums[label] += probabilities[label]
    counts[label] += 1
  }

  /// The probability from which on a class is believed; infinite for one that has no picture.
  public func threshold(of label: Int) -> Double {
    counts[label] == 0 ? .infinity : sums[label] / Double(counts[label])
  }

  /// - Returns: `nil` where nothing speaks against the label.
  public func suspect(sample: Int, label: Int, probabilities: [Double]) -> Suspect? {
    guard probabilities.allSatisfy(\.isFinite) else { return nil }
    var best: Int?
    for (index, probability) in probabilities.enumerated() {
      guard probability >= threshold(of: index) else { continue }
      if best.map({ probability > probabilities[$0] }) ?? true { best = index }
    }
    guard let best, best != label, probabilities[best] > probabilities[label] else { return nil }
    return Suspect(
      sample: sample, label: label, suggested: best, labelProbability: probabilities[label],
      probability: probabilities[best])
  }
}
