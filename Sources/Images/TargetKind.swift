/// What a sample is told by, and so what the outputs of a network are that was trained on such.
public enum TargetKind: String, Hashable, Sendable, Codable, CaseIterable {
  /// One class a sample. Outputs are logits, of which softmax makes probabilities.
  case classes
  /// Several labels a sample, each there or not. Outputs are logits, of which a sigmoid makes a probability each.
  case labels
  /// Numbers. Outputs are the numbers, brought to a mean of 0 and a deviation of 1 by a ``TargetScaling``.
  case numbers

  /// What one of them is called.
  package var noun: (one: String, many: String) {
    switch self {
    case .classes: ("class", "classes")
    case .labels: ("label", "labels")
    case .numbers: ("number", "numbers")
    }
  }
}

/// How numbers to predict come to a mean of 0 and a deviation of 1 for training, and back:
///
///     y' = (y - mean) / deviation,  y = mean + deviation y'
///
/// One mean and one deviation a number, in their order.
public struct TargetScaling: Hashable, Sendable, Codable {
  /// Of each number over the samples to train on.
  public var mean: [Float]
  /// The same of its standard deviation, that of the population: above zero.
  public var deviation: [Float]

  /// A scaling by these; both lists are of one length. Finite means and deviations above zero can be undone.
  public init(mean: [Float], deviation: [Float]) {
    self.mean = mean
    self.deviation = deviation
  }

  /// Whether it has a finite mean and a finite deviation above zero for each of so many numbers.
  package func isUsable(of count: Int) -> Bool {
    mean.count == count && deviation.count == count && mean.allSatisfy(\.isFinite)
      && deviation.allSatisfy { $0.isFinite && $0 > 0 }
  }

  /// What a network is to give for a number.
  ///
  /// - Precondition: there is a number at that place.
  public func standardized(_ value: Float, at place: Int) -> Float {
    (value - mean[place]) / deviation[place]
  }

  /// The number that a network's output means.
  ///
  /// - Precondition: there is a number at that place.
  public func restored(_ output: Float, at place: Int) -> Float {
    mean[place] + deviation[place] * output
  }
}
