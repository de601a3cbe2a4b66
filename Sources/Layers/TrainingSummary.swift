import ConvNetFiles
public import ConvNetImages
import Foundation

/// How a model was trained, as its file says it; what is not known is `nil`.
///
/// A `Trainer` fills in what it knows after every epoch. ``heldOutShare``, ``pictures`` and ``notes`` are for who calls it.
public struct TrainingSummary: Hashable, Sendable {
  /// The data, as it was named.
  public var data: String?
  /// Finished epochs.
  public var epochs: Int?
  /// The epoch, from 1, whose parameters these are, where that was chosen as the best.
  public var bestEpoch: Int?
  /// Samples of a step.
  public var batchSize: Int?
  /// Of shuffling, augmentation and dropout.
  public var seed: UInt64?
  /// Of the best epoch or the last, 0 to 1: of its validation, or of its own steps where there was none.
  public var top1: Double?
  /// The same of labels and numbers, in words; `nil` of classes.
  public var outcome: String?
  /// The share of each class that was held out to validate on, 0 to 1.
  public var heldOutShare: Double?
  /// What tells the pictures of the training again.
  public var pictures: TrainingPictures?
  /// As the optimizer describes itself.
  public var optimizer: String?
  /// As the schedule describes itself.
  public var schedule: String?
  /// As the objective describes itself.
  public var objective: String?
  /// What people wrote besides, by names of their own.
  public var notes: [String: String]

  /// A summary of what is given; the rest is not known.
  public init(
    data: String? = nil, epochs: Int? = nil, bestEpoch: Int? = nil, batchSize: Int? = nil,
    seed: UInt64? = nil,
    top1: Double? = nil, outcome: String? = nil, heldOutShare: Double? = nil,
    pictures: TrainingPictures? = nil,
    optimizer: String? = nil, schedule: String? = nil, objective: String? = nil,
    notes: [String: String] = [:]
  ) {
    self.data = data
    self.epochs = epochs
    self.bestEpoch = bestEpoch
    self.batchSize = batchSize
    self.seed = seed
    self.top1 = top1
    self.outcome = outcome
    self.heldOutShare = heldOutShare
    self.pictures = pictures
    self.optimizer = optimizer
    self.schedule = schedule
    self.objective = objective
    self.notes = notes
  }
}

extension TrainingSummary: Codable {
  private enum Field: String, CodingKey, CaseIterable {
    case data, epochs, bestEpoch, batchSize, seed, top1, outcome, heldOutShare, pictures,
      optimizer, schedule, objective, notes
    /// What the share was called when the summary was a dictionary of texts.
    case split
  }

  /// Any name, also one that this version does not know.
  private struct Name: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  /// Reads what ``encode(to:)`` wrote, or the dictionary of texts that files had earlier. A text in a field that is none, or
  /// under a name that is not known, becomes one of ``notes``; other fields that are not known are passed over.
  ///
  /// - Throws: `DecodingError` where a field is of another type.
  public init(from decoder: any Decoder) throws {
    self.init()
    let values = try decoder.container(keyedBy: Name.self)
    let known = Set(Field.allCases.map(\.rawValue))
    for name in values.allKeys where !known.contains(name.stringValue) {
      if let text = try? values.decode(String.self, forKey: name) { notes[name.stringValue] = text }
    }
    var texts: [String: String] = [:]
    func value<Value: Decodable>(_ field: Field, _ parse: (String) -> Value?) throws -> Value? {
      let name = Name(stringValue: field.rawValue)
      guard values.contains(name), try !values.decodeNil(forKey: name) else { return nil }
      guard let text = try? values.decode(String.self, forKey: name) else {
        return try values.decode(Value.self, forKey: name)
      }
      let value = parse(text)
      if value == nil { texts[field.rawValue] = text }
      return value
    }
    data = try value(.data) { $0 }
    epochs = try value(.epochs) { Int($0) }
    bestEpoch = try value(.bestEpoch) { Int($0) }
    batchSize = try value(.batchSize) { Int($0) }
    seed = try value(.seed) { UInt64($0) }
    top1 = try value(.top1) { Double($0) }
    outcome = try value(.outcome) { $0 }
    heldOutShare = try value(.heldOutShare) { Double($0) }
    if let share = try value(.split, { Double($0) }) { heldOutShare = share }
    pictures = try value(.pictures) {
      try? JSONDecoder().decode(TrainingPictures.self, from: Data($0.utf8))
    }
    optimizer = try value(.optimizer) { $0 }
    schedule = try value(.schedule) { $0 }
    objective = try value(.objective) { $0 }
    let own: [String: String]? = try value(.notes) { _ in nil }
    notes.merge(own ?? [:]) { $1 }
    notes.merge(texts) { $1 }
  }

  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Field.self)
    try values.encodeIfPresent(data, forKey: .data)
    try values.encodeIfPresent(epochs, forKey: .epochs)
    try values.encodeIfPresent(bestEpoch, forKey: .bestEpoch)
    try values.encodeIfPresent(batchSize, forKey: .batchSize)
    try values.encodeIfPresent(seed, forKey: .seed)
    // JSON has no number for what is not finite.
    try values.encodeIfPresent(top1.flatMap { $0.isFinite ? $0 : nil }, forKey: .top1)
    try values.encodeIfPresent(outcome, forKey: .outcome)
    try values.encodeIfPresent(
      heldOutShare.flatMap { $0.isFinite ? $0 : nil }, forKey: .heldOutShare)
    try values.encodeIfPresent(pictures, forKey: .pictures)
    try values.encodeIfPresent(optimizer, forKey: .optimizer)
    try values.encodeIfPresent(schedule, forKey: .schedule)
    try values.encodeIfPresent(objective, forKey: .objective)
    if !notes.isEmpty { try values.encode(notes, forKey: .notes) }
  }
}

extension TrainingSummary: CustomStringConvertible {
  /// One line: what is known, but for the pictures.
  public var description: String {
    var parts: [String] = []
    if let epochs {
      parts.append(
        plural(epochs, "epoch") + (bestEpoch.map { ", parameters of epoch \($0), the best" } ?? ""))
    }
    if let data { parts.append("data \(data)") }
    if let heldOutShare { parts.append("a share of \(heldOutShare) held out") }
    if let batchSize { parts.append("batch size \(batchSize)") }
    if let seed { parts.append("seed \(seed)") }
    parts += [optimizer, schedule, objective].compactMap(\.self)
    if let outcome { parts.append(outcome) }
    if let top1 { parts.append("top-1 accuracy \((top1 * 10_000).rounded() / 100) %") }
    parts += notes.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
    return parts.joined(separator: ", ")
  }
}
