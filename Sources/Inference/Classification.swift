public import ConvNetImages
import ConvNetLayers
import Foundation

/// What a model says of a picture: its class, its labels, or numbers.
public struct Classification: Hashable, Sendable, Codable {
  /// One class or label with its probability; encoded as `{"index":9,"label":"Ankle boot","probability":0.918}`, as the command
  /// prints it.
  public struct RankedClass: Hashable, Sendable, Codable {
    /// The name of the class.
    public var label: String
    /// The place of the class among those of the model, from 0.
    public var index: Int
    /// From 0 to 1.
    public var probability: Float
  }

  /// A number that was predicted; encoded as `{"index":0,"label":"age","value":31.5}`, as the command prints it.
  public struct NamedNumber: Hashable, Sendable, Codable {
    /// The name of the number.
    public var label: String
    /// Its place among those of the model, from 0.
    public var index: Int
    /// In the unit of the data that the model was trained on.
    public var value: Float
  }

  /// What is told of the picture.
  public let targetKind: TargetKind
  /// One a class, 0 to 1, their sum 1; one a label, each by itself; not numbers where there is no answer. None where numbers are
  /// told.
  public let probabilities: [Float]
  /// The numbers that are told, in the unit of the data that the model was trained on; none where it is something else.
  public let numbers: [Float]
  /// How many of the network's scores are infinite or not a number. Where there is one there is no answer: softmax makes
  /// probabilities of finite scores.
  public let nonFiniteCount: Int
  /// What the classes, labels or numbers are called, in the order of ``probabilities`` or ``numbers``.
  public let classNames: [String]

  /// Of probabilities that are known already.
  package init(probabilities: [Double], classNames: [String]) {
    nonFiniteCount = probabilities.count { !$0.isFinite }
    self.classNames = classNames
    targetKind = .classes
    numbers = []
    self.probabilities = probabilities.map { Float($0) }
  }

  package init(
    logits: Span<Float>, classNames: [String], targetKind: TargetKind = .classes,
    scaling: TargetScaling? = nil
  ) {
    nonFiniteCount = logits.indices.count { !logits[$0].isFinite }
    self.classNames = classNames
    self.targetKind = targetKind
    let none = [Float](repeating: .nan, count: logits.count)
    guard targetKind != .numbers else {
      probabilities = []
      numbers =
        nonFiniteCount > 0
        ? none : logits.indices.map { scaling?.restored(logits[$0], at: $0) ?? logits[$0] }
      return
    }
    numbers = []
    guard nonFiniteCount == 0 else {
      probabilities = none
      return
    }
    guard targetKind == .classes else {
      probabilities = logits.indices.map { Float(1 / (1 + exp(-Double(logits[$0])))) }
      return
    }
    var largest = -Float.infinity
    for index in logits.indices { largest = max(largest, logits[index]) }
    var exponentials: [Double] = []
    for index in logits.indices { exponentials.append(exp(Double(logits[index] - largest))) }
    let sum = exponentials.reduce(0, +)
    probabilities = exponentials.map { Float($0 / sum) }
  }

  private enum CodingKeys: CodingKey {
    case probabilities, nonFiniteCount, classNames, targetKind, numbers
  }

  /// Reads what ``encode(to:)`` writes.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    probabilities = try container.decode([Float?].self, forKey: .probabilities).map { $0 ?? .nan }
    nonFiniteCount = try container.decode(Int.self, forKey: .nonFiniteCount)
    classNames = try container.decode([String].self, forKey: .classNames)
    targetKind = try container.decodeIfPresent(TargetKind.self, forKey: .targetKind) ?? .classes
    numbers =
      try container.decodeIfPresent([Float?].self, forKey: .numbers)?.map { $0 ?? .nan } ?? []
  }

  /// Writes the properties under their names, of classes without kind and numbers. JSON has no number that is none: a probability
  /// where there is no answer is null.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(probabilities.map { $0.isFinite ? $0 : nil }, forKey: .probabilities)
    try container.encode(nonFiniteCount, forKey: .nonFiniteCount)
    try container.encode(classNames, forKey: .classNames)
    guard targetKind != .classes else { return }
    try container.encode(targetKind, forKey: .targetKind)
    if targetKind == .numbers {
      try container.encode(numbers.map { $0.isFinite ? $0 : nil }, forKey: .numbers)
    }
  }

  /// The likeliest classes or labels, likeliest first; none where there is no answer.
  ///
  /// - Parameter count: how many at most; below one there are none.
  public func top(_ count: Int) -> [RankedClass] {
    guard nonFiniteCount == 0, count > 0 else { return [] }
    return probabilities.indices.sorted { (probabilities[$0], $1) > (probabilities[$1], $0) }
      .prefix(count).map {
        RankedClass(label: name($0), index: $0, probability: probabilities[$0])
      }
  }

  /// The labels of at least this probability, likeliest first: those that are there.
  public func labels(from threshold: Float = 0.5) -> [RankedClass] {
    top(probabilities.count).filter { $0.probability >= threshold }
  }

  /// The numbers with their names; none where there is no answer.
  public var namedNumbers: [NamedNumber] {
    guard nonFiniteCount == 0 else { return [] }
    return numbers.indices.map { NamedNumber(label: name($0), index: $0, value: numbers[$0]) }
  }

  private func name(_ place: Int) -> String {
    classNames.indices.contains(place) ? classNames[place] : "\(targetKind.noun.one) \(place)"
  }
}

extension Classification.NamedNumber: CustomStringConvertible {
  /// `age 31.5`
  public var description: String { "\(label) \(value)" }
}

extension Classification.RankedClass: CustomStringConvertible {
  /// `Ankle boot 91.8 %`
  public var description: String {
    "\(label) \((Double(probability) * 1000).rounded() / 10) %"
  }
}
