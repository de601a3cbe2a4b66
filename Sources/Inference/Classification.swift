import ConvNetLayers
import Foundation

/// What a model says of a picture.
public struct Classification: Hashable, Sendable, Codable {
  /// One class with its probability; encoded as `{"index":9,"label":"Ankle boot","probability":0.918}`, as the command prints it.
  /// What a ``Predictor`` gives, with the values inside, is another type, `Prediction`.
  public struct Prediction: Hashable, Sendable, Codable {
    /// The name of the class.
    public var label: String
    /// The place of the class among those of the model, from 0.
    public var index: Int
    /// From 0 to 1.
    public var probability: Float
  }

  /// One a class, 0 to 1, their sum 1; not numbers where there is no answer.
  public let probabilities: [Float]
  /// How many of the network's scores are infinite or not a number. Where there is one there is no answer: softmax makes
  /// probabilities of finite scores.
  public let nonFiniteCount: Int
  /// What the classes are called, in the order of ``probabilities``.
  public let classNames: [String]

  init(logits: Span<Float>, classNames: [String]) {
    var largest = -Float.infinity
    for index in logits.indices { largest = max(largest, logits[index]) }
    nonFiniteCount = logits.indices.count { !logits[$0].isFinite }
    self.classNames = classNames
    guard nonFiniteCount == 0 else {
      probabilities = [Float](repeating: .nan, count: logits.count)
      return
    }
    var exponentials: [Double] = []
    for index in logits.indices { exponentials.append(exp(Double(logits[index] - largest))) }
    let sum = exponentials.reduce(0, +)
    probabilities = exponentials.map { Float($0 / sum) }
  }

  private enum CodingKeys: CodingKey {
    case probabilities, nonFiniteCount, classNames
  }

  /// Reads what ``encode(to:)`` writes.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    probabilities = try container.decode([Float?].self, forKey: .probabilities).map { $0 ?? .nan }
    nonFiniteCount = try container.decode(Int.self, forKey: .nonFiniteCount)
    classNames = try container.decode([String].self, forKey: .classNames)
  }

  /// Writes the properties under their names. JSON has no number that is none: a probability where there is no answer is null.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(probabilities.map { $0.isFinite ? $0 : nil }, forKey: .probabilities)
    try container.encode(nonFiniteCount, forKey: .nonFiniteCount)
    try container.encode(classNames, forKey: .classNames)
  }

  /// The likeliest classes, likeliest first; none where there is no answer.
  ///
  /// - Parameter count: how many at most; below one there are none.
  public func top(_ count: Int) -> [Prediction] {
    guard nonFiniteCount == 0, count > 0 else { return [] }
    return probabilities.indices.sorted { (probabilities[$0], $1) > (probabilities[$1], $0) }
      .prefix(count).map {
        Prediction(
          label: classNames.className($0), index: $0,
          probability: probabilities[$0])
      }
  }
}

extension Classification.Prediction: CustomStringConvertible {
  /// `Ankle boot 91.8 %`
  public var description: String {
    "\(label) \((Double(probability) * 1000).rounded() / 10) %"
  }
}
