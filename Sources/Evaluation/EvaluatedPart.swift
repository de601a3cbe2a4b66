public import ConvNetDatasets
public import ConvNetFiles
public import ConvNetImages
public import ConvNetLayers

/// The pictures that an evaluation measures, and what they are to the model.
///
/// ```swift
/// let part = try EvaluatedPart(of: DatasetCatalog.source("pictures"), for: model)
/// let evaluation = try Evaluation(of: model, on: part.dataset)
/// ```
public struct EvaluatedPart: Sendable {
  /// Which of the pictures of some data these are.
  public enum Kind: String, Hashable, Sendable, Codable {
    /// Everything that there is.
    case all
    /// The part that the data has to test on.
    case test
    /// What training held out, or the share that was asked for.
    case heldOut = "held out"
    /// Of data with pictures that were trained on the others, some of which training did not have.
    case notTrainedOn = "not trained on"
  }

  /// What is worth a word to a person.
  public enum Note: Hashable, Sendable {
    /// So many of the pictures were trained on: the accuracy flatters.
    case trainedOn(Int, of: Int)
    /// Some were trained on or held out, and it cannot be told which.
    case unknown
    /// Of all pictures of this data those were chosen that training held out.
    case choseHeldOut(count: Int, of: String)
    /// Of all pictures of this data those were chosen that were not trained on.
    case choseNotTrainedOn(count: Int, of: String)
  }

  /// The pictures, to be given to ``Evaluation``.
  public private(set) var dataset: any Dataset
  /// Which of the data's pictures they are.
  public private(set) var kind: Kind
  /// Pictures among these that the model was trained on; `nil` where that is not known.
  public private(set) var trainedOn: Int?
  /// What a person should be told of them; `nil` where nothing is unusual.
  public private(set) var note: Note?

  /// The part of data that says something of a model: by default the pictures that it was not trained on. They are known by
  /// their contents, wherever they lie; the beginning of each is read.
  ///
  /// - Parameters:
  ///   - given: the share to measure instead; all of it is everything that there is.
  ///   - threads: that read.
  /// - Throws: as ``DatasetSource/load(_:holdout:)``.
  public init(
    of source: DatasetSource, for model: Model, given: Holdout? = nil,
    threads: Int = Threads.available
  ) throws {
    dataset = try source.load(.test, holdout: given)
    kind = source.hasTestPart ? .test : given.map { $0.share < 1 } == true ? .heldOut : .all
    guard let pictures = model.trainingSummary?.pictures else { return }
    let mayChoose = given == nil && !source.hasTestPart
    switch pictures.relation(to: dataset, threads: threads) {
    case .other: trainedOn = 0
    case .same: try takeHeldOut(by: pictures.holdout, mayChoose: mayChoose)
    case .overlapping(let trained, let heldOut):
      leaveOut(trained, heldOut: heldOut, mayChoose: mayChoose)
    case .overlappingSomewhere: note = .unknown
    }
  }

  private mutating func takeHeldOut(by holdout: Holdout?, mayChoose: Bool) throws {
    guard let holdout else { return noteTrainedOn(dataset.count) }
    let part = try holdout.part(.test, of: dataset)
    guard mayChoose else { return noteTrainedOn(dataset.count - part.count) }
    choose(part, .heldOut, .choseHeldOut(count: part.count, of: dataset.name))
  }

  private mutating func leaveOut(_ trained: [Int], heldOut: [Int], mayChoose: Bool) {
    let (left, known) = (Set(trained), Set(heldOut))
    let rest = (0..<dataset.count).filter { !left.contains($0) }
    guard mayChoose, !trained.isEmpty, !rest.isEmpty else {
      if known.count == dataset.count { kind = .heldOut }
      return noteTrainedOn(trained.count)
    }
    choose(
      dataset.selecting(rest), rest.allSatisfy(known.contains) ? .heldOut : .notTrainedOn,
      .choseNotTrainedOn(count: rest.count, of: dataset.name))
  }

  private mutating func noteTrainedOn(_ count: Int) {
    trainedOn = count
    if count > 0 { note = .trainedOn(count, of: dataset.count) }
  }

  private mutating func choose(_ part: any Dataset, _ kind: Kind, _ note: Note) {
    dataset = part
    self.kind = kind
    trainedOn = 0
    self.note = note
  }
}

extension EvaluatedPart.Note: CustomStringConvertible {
  public var description: String {
    switch self {
    case .trainedOn(let count, let all):
      "\(count) of these \(plural(all, "picture")) \(count == 1 ? "was" : "were") trained on: the accuracy flatters"
    case .unknown:
      "some of these pictures were trained on or held out, and which cannot be told: the accuracy flatters; evaluate the "
        + "training's data as it was, or other data"
    case .choseHeldOut(let count, let data):
      "\(plural(count, "picture")), the share of \(data) that training held out"
    case .choseNotTrainedOn(let count, let data):
      "\(plural(count, "picture")), those of \(data) that were not trained on"
    }
  }
}
