import Foundation

/// What scores say of a classifier, picture by picture: accuracy, confusion, calibration, mistakes. Exact sums, in the
/// order of the pictures.
///
/// A score that is not finite is no answer: no hit, no part in the loss. An equal score of another class counts as higher: ties
/// are no hits.
public struct Assessment: Hashable, Sendable, Codable {
  /// A picture that was taken for something else.
  public struct Mistake: Hashable, Sendable, Codable {
    /// In the data set.
    public var sample: Int
    /// The class that it has.
    public var label: Int
    /// The class that it was taken for.
    public var predicted: Int
    /// The probability of that, 0 to 1.
    public var confidence: Double
  }

  /// Pictures whose highest probability lies in one of equal intervals.
  public struct Bin: Hashable, Sendable, Codable {
    /// Pictures.
    public var count = 0
    /// Of these, those that are right.
    public var hits = 0
    /// The sum of their highest probabilities.
    public var confidence = 0.0

    /// The share that is right.
    public var accuracy: Double { Double(hits) / Double(max(1, count)) }
    /// The mean of the highest probabilities.
    public var meanConfidence: Double { confidence / Double(max(1, count)) }
  }

  /// Precision, recall and their harmonic mean of one class, 0 to 1; not a number where there is nothing to divide by.
  public struct ClassScore: Hashable, Sendable {
    /// Pictures of the class.
    public var count: Int
    /// Of the pictures that were taken for it, those that are of it.
    public var precision: Double
    /// Of its pictures, those that were taken for it.
    public var recall: Double
    /// The harmonic mean of both.
    public var f1: Double
  }

  /// Pictures counted.
  public private(set) var samples = 0
  /// Of these, those without an answer.
  public private(set) var nonFiniteCount = 0
  /// Pictures whose class has the highest score.
  public private(set) var top1Count = 0
  /// Pictures whose class has one of the five highest.
  public private(set) var top5Count = 0
  /// `confusion[label][predicted]`, of pictures with an answer.
  public private(set) var confusion: ConfusionMatrix
  /// Whether each picture was right, in order.
  public private(set) var hits: [Bool] = []
  /// By the highest probability, 15 intervals from 0 to 1.
  public private(set) var bins = [Bin](repeating: Bin(), count: 15)
  /// The mistakes of highest confidence first, no more than ``mistakeLimit``.
  public private(set) var mistakes: [Mistake] = []
  private var lossSum = 0.0

  /// Mistakes that are kept.
  public static let mistakeLimit = 60

  /// Of no pictures yet.
  public init(classes: Int) {
    confusion = ConfusionMatrix(classCount: classes)
  }

  /// Counts a picture.
  ///
  /// - Parameters:
  ///   - probabilities: one a class.
  ///   - loss: the negative logarithm of the label's probability, which may be too small to be one.
  public mutating func add(sample: Int, label: Int, probabilities: [Double], loss: Double) {
    samples += 1
    guard probabilities.allSatisfy(\.isFinite), !loss.isNaN else {
      nonFiniteCount += 1
      hits.append(false)
      return
    }
    let rank = ScoreRank(of: label, in: probabilities.span)
    let (best, isHit) = (rank.predicted, rank.isHit)
    hits.append(isHit)
    top1Count += isHit ? 1 : 0
    top5Count += rank.isAmongFive ? 1 : 0
    lossSum += loss
    confusion.add(label: label, predicted: best)
    let confidence = probabilities[best]
    let bin = min(bins.count - 1, max(0, Int(confidence * Double(bins.count))))
    bins[bin].count += 1
    bins[bin].hits += isHit ? 1 : 0
    bins[bin].confidence += confidence
    guard !isHit else { return }
    let place = mistakes.firstIndex { $0.confidence < confidence } ?? mistakes.count
    guard place < Self.mistakeLimit else { return }
    mistakes.insert(
      Mistake(sample: sample, label: label, predicted: best, confidence: confidence), at: place)
    if mistakes.count > Self.mistakeLimit { mistakes.removeLast() }
  }

  /// The share of pictures whose class has the highest score, 0 to 1.
  public var top1: Double { Double(top1Count) / Double(max(1, samples)) }
  /// The share of pictures whose class is among the five highest.
  public var top5: Double { Double(top5Count) / Double(max(1, samples)) }
  /// The mean cross-entropy in nats of pictures with an answer; not a number where there are none such.
  public var loss: Double {
    let count = samples - nonFiniteCount
    return count == 0 && samples > 0 ? .nan : lossSum / Double(max(1, count))
  }

  /// The interval of a share that 95 of 100 such measurements cover (E. B. Wilson, "Probable inference, the law of succession,
  /// and statistical inference", 1927): with z = 1.96, (p + z^2 / 2n ± z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n).
  public static func interval(of count: Int, among total: Int) -> ClosedRange<Double> {
    guard total > 0 else { return 0...1 }
    let z = 1.959963984540054
    let (n, p) = (Double(total), Double(count) / Double(total))
    let center = p + z * z / (2 * n)
    let half = z * (p * (1 - p) / n + z * z / (4 * n * n)).squareRoot()
    let scale = 1 + z * z / n
    let lower = count == 0 ? 0 : max(0, (center - half) / scale)
    return lower...(count == total ? 1 : min(1, (center + half) / scale))
  }

  /// The interval of ``top1``.
  public var top1Interval: ClosedRange<Double> { Self.interval(of: top1Count, among: samples) }
  /// The interval of ``top5``.
  public var top5Interval: ClosedRange<Double> { Self.interval(of: top5Count, among: samples) }

  /// The expected calibration error: the mean over pictures of how far accuracy and confidence of their interval differ (C. Guo
  /// et al., "On Calibration of Modern Neural Networks", 2017, equation 3), with 15 intervals.
  public var calibrationError: Double {
    let total = bins.reduce(0) { $0 + $1.count }
    return bins.reduce(0.0) {
      $0 + Double($1.count) * abs($1.accuracy - $1.meanConfidence)
    } / Double(max(1, total))
  }

  /// One a class, in order.
  public var classScores: [ClassScore] {
    let none = [Int](repeating: 0, count: confusion.classCount)
    var (counts, taken, hits) = (none, none, none)
    for pair in confusion.pairs {
      counts[pair.label] += pair.count
      taken[pair.predicted] += pair.count
      if pair.label == pair.predicted { hits[pair.label] = pair.count }
    }
    return counts.indices.map { label in
      let (count, taken, hits) = (counts[label], taken[label], Double(hits[label]))
      return ClassScore(
        count: count, precision: taken == 0 ? .nan : hits / Double(taken),
        recall: count == 0 ? .nan : hits / Double(count),
        f1: count + taken == 0 ? .nan : 2 * hits / Double(count + taken))
    }
  }
}

/// Whether two classifiers, measured on the same pictures, differ: the exact test of Q. McNemar ("Note on the sampling error of
/// the difference between correlated proportions or percentages", 1947) on pictures that only one of them has right.
public struct McNemarTest: Hashable, Sendable {
  /// Pictures that only the first has right.
  public let onlyFirst: Int
  /// Pictures that only the second has right.
  public let onlySecond: Int

  /// - Precondition: both are of the same pictures.
  public init(_ first: Assessment, _ second: Assessment) {
    self.init(
      onlyFirst: zip(first.hits, second.hits).count { $0 && !$1 },
      onlySecond: zip(first.hits, second.hits).count { !$0 && $1 })
  }

  /// Of counts.
  public init(onlyFirst: Int, onlySecond: Int) {
    self.onlyFirst = onlyFirst
    self.onlySecond = onlySecond
  }

  /// The probability of so unequal counts, or more so, if both were as good: two-sided, of the binomial distribution with 1/2.
  public var pValue: Double {
    let n = onlyFirst + onlySecond
    guard n > 0 else { return 1 }
    let total = Double(n)
    var sum = 0.0
    for k in 0...min(onlyFirst, onlySecond) {
      let k = Double(k)
      let ways: Double = lgamma(total + 1) - lgamma(k + 1) - lgamma(total - k + 1)
      sum += exp(ways - total * log(2.0))
    }
    return min(1, 2 * sum)
  }
}

extension Assessment {
  /// The pairs of classes that are taken for each other most often, those of most pictures first.
  public func worstConfusions(_ names: [String], limit: Int) -> [Evaluation.Confusion] {
    Evaluation.worst(of: confusion, names, limit: limit)
  }
}
