/// How often each class was taken for each: a row of counts a class, a count for what it was taken for.
///
/// Takes memory for the pairs that occurred, of which there are no more than pictures, not for all that there could be: of 20,000
/// classes those would be 400 million.
public struct ConfusionMatrix: Hashable, Sendable {
  /// Rows, and the counts of each.
  public let classCount: Int
  /// By ``key(_:_:)``; none is zero.
  private var counts: [Int: Int] = [:]

  /// Nothing counted yet.
  ///
  /// - Precondition: `classCount` is from 0 to 2^31; another ends the process.
  public init(classCount: Int) {
    guard 0...1 << 31 ~= classCount else {
      fatalError("a confusion matrix of \(classCount) classes; at most 2^31 are possible")
    }
    self.classCount = classCount
  }

  private func key(_ label: Int, _ predicted: Int) -> Int {
    guard 0..<classCount ~= label, 0..<classCount ~= predicted else {
      fatalError("class \(label) taken for class \(predicted), of \(classCount) classes")
    }
    return label * classCount + predicted
  }

  /// Counts a picture of class `label` that was taken for class `predicted`.
  ///
  /// - Precondition: both are classes; another number ends the process.
  public mutating func add(label: Int, predicted: Int) {
    counts[key(label, predicted), default: 0] += 1
  }

  /// A class that was taken for one, perhaps for itself.
  struct Pair {
    var label: Int
    var predicted: Int
    var count: Int
  }

  /// Those that occurred, in the order of rows and columns.
  var pairs: [Pair] {
    counts.sorted { $0.key < $1.key }.map {
      Pair(label: $0.key / classCount, predicted: $0.key % classCount, count: $0.value)
    }
  }
}

/// Its rows: `confusion[label][predicted]`.
extension ConfusionMatrix: RandomAccessCollection {
  /// The first class.
  public var startIndex: Int { 0 }
  /// Behind the last class.
  public var endIndex: Int { classCount }

  /// How often pictures of class `label` were taken for each class, in order.
  public subscript(label: Int) -> [Int] {
    (0..<classCount).map { counts[key(label, $0), default: 0] }
  }
}

/// As the number of classes and the pairs that occurred, three numbers each.
extension ConfusionMatrix: Codable {
  private enum CodingKeys: String, CodingKey { case classCount, pairs }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(classCount, forKey: .classCount)
    try container.encode(pairs.flatMap { [$0.label, $0.predicted, $0.count] }, forKey: .pairs)
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    func damaged(_ key: CodingKeys, _ text: String) -> DecodingError {
      .dataCorruptedError(forKey: key, in: container, debugDescription: text)
    }
    let classCount = try container.decode(Int.self, forKey: .classCount)
    guard 0...1 << 31 ~= classCount else {
      throw damaged(.classCount, "\(classCount) classes, must be from 0 to 2^31")
    }
    self.init(classCount: classCount)
    let numbers = try container.decode([Int].self, forKey: .pairs)
    guard numbers.count % 3 == 0 else {
      throw damaged(.pairs, "\(numbers.count) numbers, must be three a pair")
    }
    for start in stride(from: 0, to: numbers.count, by: 3) {
      let (label, predicted, count) = (numbers[start], numbers[start + 1], numbers[start + 2])
      guard 0..<classCount ~= label, 0..<classCount ~= predicted, 1...1 << 53 ~= count,
        counts.updateValue(count, forKey: key(label, predicted)) == nil
      else {
        throw damaged(.pairs, "class \(label) taken for class \(predicted) \(count) times")
      }
    }
  }
}
