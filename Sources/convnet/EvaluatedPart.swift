import ConvNet

/// The pictures that an evaluation measures, and what they are to the model.
struct EvaluatedPart {
  enum Kind: String, Encodable {
    /// Everything that there is.
    case all
    /// The part that the data has to test on.
    case test
    /// What training held out, or the share that was asked for.
    case heldOut = "held out"
    /// Of data with pictures that were trained on the others, some of which training did not have.
    case notTrainedOn = "not trained on"
  }

  private(set) var dataset: any Dataset
  private(set) var kind: Kind
  /// Pictures among these that the model was trained on; `nil` where that is not known.
  private(set) var trainedOn: Int?
  /// Worth a word to a person.
  private(set) var note: String?

  /// The part of data that says something of a model: by default the pictures that it was not trained on. They are known by
  /// their contents, wherever they lie.
  ///
  /// - Parameter given: the share that was asked for.
  init(of source: DatasetSource, for model: Model, given: Holdout?, threads: Int) throws {
    dataset = try source.load(.test, holdout: given)
    kind = source.hasTestPart ? .test : given.map { $0.share < 1 } == true ? .heldOut : .all
    guard let pictures = model.trainingSummary[Self.key].flatMap(TrainingPictures.init(text:))
    else { return }
    let mayChoose = given == nil && !source.hasTestPart
    switch pictures.relation(to: dataset, threads: threads) {
    case .other: trainedOn = 0
    case .same: try takeHeldOut(by: pictures.holdout, mayChoose: mayChoose)
    case .overlapping(let trained, let heldOut):
      leaveOut(trained, heldOut: heldOut, mayChoose: mayChoose)
    case .overlappingSomewhere:
      note =
        "some of these pictures were trained on or held out, and which cannot be told: the accuracy flatters; evaluate the "
        + "training's data as it was, or other data"
    }
  }

  /// The entry of a model's summary with the pictures of its training.
  static let key = "pictures"

  private mutating func takeHeldOut(by holdout: Holdout?, mayChoose: Bool) throws {
    guard let holdout else { return noteTrainedOn(dataset.count) }
    let part = try holdout.part(.test, of: dataset)
    guard mayChoose else { return noteTrainedOn(dataset.count - part.count) }
    noteChoice(part, "the share of \(dataset.name) that training held out")
    kind = .heldOut
  }

  private mutating func leaveOut(_ trained: [Int], heldOut: [Int], mayChoose: Bool) {
    let (left, known) = (Set(trained), Set(heldOut))
    let rest = (0..<dataset.count).filter { !left.contains($0) }
    guard mayChoose, !trained.isEmpty, !rest.isEmpty else {
      if known.count == dataset.count { kind = .heldOut }
      return noteTrainedOn(trained.count)
    }
    kind = rest.allSatisfy(known.contains) ? .heldOut : .notTrainedOn
    noteChoice(dataset.selecting(rest), "those of \(dataset.name) that were not trained on")
  }

  private mutating func noteTrainedOn(_ count: Int) {
    trainedOn = count
    guard count > 0 else { return }
    note =
      "\(count) of these \(plural(dataset.count, "picture")) \(count == 1 ? "was" : "were") trained on: the accuracy flatters"
  }

  private mutating func noteChoice(_ part: any Dataset, _ what: String) {
    dataset = part
    trainedOn = 0
    note = "\(plural(part.count, "picture")), \(what); --split 1 takes all"
  }
}
