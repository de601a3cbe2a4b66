/// How well numbers are predicted, in the unit of the data.
public struct NumberMetrics: Hashable, Sendable, Codable {
  /// The errors of one number.
  public struct NumberScore: Hashable, Sendable {
    /// The mean of |prediction - truth|.
    public var meanAbsoluteError: Double
    /// The square root of the mean of (prediction - truth)^2.
    public var rootMeanSquaredError: Double
    /// R^2 = 1 - sum of (prediction - truth)^2 / sum of (truth - mean truth)^2: 1 where all is right, 0 where the mean would do
    /// as well, below that where it would do better. Where the truth never changes it is 1 of no error, else 0, as scikit-learn's
    /// `r2_score` has it; `nil` of fewer than two pictures.
    public var determination: Double?
  }

  private struct Sums: Hashable, Codable {
    var absolute = 0.0
    var squared = 0.0
    var mean = 0.0
    /// Of the squared distances of the truth from its mean.
    var spread = 0.0
  }

  /// Pictures with an answer.
  public private(set) var samples = 0
  private var sums: [Sums]

  /// Of no pictures yet.
  ///
  /// - Parameter count: numbers of a picture.
  public init(count: Int) {
    sums = [Sums](repeating: Sums(), count: count)
  }

  /// Adds a picture: finite predictions and what is true, in one order and in the unit of the data.
  public mutating func add(predictions: Span<Float>, targets: Span<Float>) {
    samples += 1
    for place in sums.indices {
      let (prediction, truth) = (Double(predictions[place]), Double(targets[place]))
      sums[place].absolute += abs(prediction - truth)
      sums[place].squared += (prediction - truth) * (prediction - truth)
      // B. Welford, 1962: a difference of sums would lose the spread of numbers far from zero.
      let distance = truth - sums[place].mean
      sums[place].mean += distance / Double(samples)
      sums[place].spread += distance * (truth - sums[place].mean)
    }
  }

  /// One a number, in order.
  public var numbers: [NumberScore] {
    let count = Double(max(1, samples))
    return sums.map { sums in
      NumberScore(
        meanAbsoluteError: sums.absolute / count,
        rootMeanSquaredError: (sums.squared / count).squareRoot(),
        determination: samples < 2
          ? nil
          : sums.spread > 0 ? 1 - sums.squared / sums.spread : sums.squared == 0 ? 1 : 0)
    }
  }

  /// The mean of R^2 over the numbers; `nil` of fewer than two pictures.
  public var meanDetermination: Double? {
    let known = numbers.compactMap(\.determination)
    return known.isEmpty ? nil : known.reduce(0, +) / Double(known.count)
  }
}
