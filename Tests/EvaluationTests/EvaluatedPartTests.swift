import ConvNetDatasets
import ConvNetEvaluation
import ConvNetImages
import ConvNetLayers
import ConvNetTestSupport
import Foundation
import Testing

@Suite("Which pictures an evaluation measures") struct EvaluatedPartTests {
  /// Pictures that differ by their extents, as many of each class.
  private func write(
    _ count: Int, to directory: borrowing TemporaryDirectory, _ folder: String, salt: Int = 0
  ) throws {
    for label in ["a", "b"] {
      for index in 0..<count {
        let image = Image(
          height: 10 + index, width: label == "a" ? 20 + salt : 40 + salt, color: .white)
        try directory.write(image.encodedPNG(), to: "\(folder)/\(label)/\(index).png")
      }
    }
  }

  /// A model that says that it was trained on all but a share of some data.
  private func model(trainedOn source: DatasetSource, share: Double? = nil) throws -> Model {
    var model = Model(
      Network("small", input: .image(height: 4, width: 4, channels: 1)) {
        Flatten()
        Dense(2)
      })
    let holdout = source.trainingHoldout(share: share, seed: 5)
    let (training, validation) = try source.loadParts(holdout: holdout)
    model.trainingSummary = TrainingSummary(
      pictures: TrainingPictures(
        training: training, heldOut: holdout == nil ? nil : validation, holdout: holdout,
        threads: 1))
    return model
  }

  private func source(
    _ directory: borrowing TemporaryDirectory, _ folder: String
  ) throws -> DatasetSource { try DatasetCatalog.source(directory.file(folder)) }

  private func part(
    _ directory: borrowing TemporaryDirectory, _ folder: String, _ model: Model,
    given: Holdout? = nil
  ) throws -> EvaluatedPart {
    try EvaluatedPart(of: source(directory, folder), for: model, given: given, threads: 1)
  }

  @Test("the share that training held out, or all where that is asked for")
  func heldOut() throws {
    let directory = try TemporaryDirectory()
    try write(10, to: directory, "data")
    let model = try model(trainedOn: source(directory, "data"), share: 0.3)
    var part = try part(directory, "data", model)
    let name = part.dataset.name
    #expect(part.kind == .heldOut && part.dataset.count == 6 && part.trainedOn == 0)
    #expect(part.note == .choseHeldOut(count: 6, of: name))
    part = try self.part(directory, "data", model, given: Holdout(share: 1))
    #expect(part.kind == .all && part.dataset.count == 20 && part.trainedOn == 14)
    #expect(part.note == .trainedOn(14, of: 20))
    // Another draw, of pictures that training had.
    part = try self.part(directory, "data", model, given: Holdout(share: 0.5, seed: 9))
    #expect(part.dataset.count == 10 && part.trainedOn.map { $0 > 0 } == true)
  }

  @Test("of pictures among others, those that were not trained on")
  func others() throws {
    let directory = try TemporaryDirectory()
    try write(10, to: directory, "data")
    try write(3, to: directory, "other", salt: 3)
    let model = try model(trainedOn: source(directory, "data"), share: 0.3)
    var part = try part(directory, "other", model)
    #expect(part.kind == .all && part.trainedOn == 0 && part.note == nil)
    try FileManager.default.copyItem(
      atPath: directory.file("other/a/0.png"), toPath: directory.file("data/a/new.png"))
    part = try self.part(directory, "data", model)
    #expect(part.kind == .notTrainedOn && part.dataset.count == 7 && part.trainedOn == 0)
    #expect(part.note == .choseNotTrainedOn(count: 7, of: part.dataset.name))
  }

  @Test("data with a part to test on: that part, with what was trained on told")
  func testPart() throws {
    let directory = try TemporaryDirectory()
    try write(5, to: directory, "data/train")
    try write(4, to: directory, "data/val", salt: 3)
    try FileManager.default.copyItem(
      atPath: directory.file("data/train/a/2.png"), toPath: directory.file("data/val/a/x.png"))
    let model = try model(trainedOn: source(directory, "data"))
    let part = try part(directory, "data", model)
    #expect(part.kind == .test && part.dataset.count == 9 && part.trainedOn == 1)
    #expect(part.note == .trainedOn(1, of: 9))
    #expect(part.note.map { "\($0)" }?.hasPrefix("1 of these 9 pictures was trained on") == true)
    #expect(throws: DatasetError.self) {
      try self.part(directory, "data", model, given: Holdout(share: 0.5))
    }
  }

  @Test("of a model that does not say, everything, and nothing is claimed")
  func unknown() throws {
    let directory = try TemporaryDirectory()
    try write(2, to: directory, "data")
    var model = try model(trainedOn: source(directory, "data"))
    model.trainingSummary?.pictures = nil
    let part = try part(directory, "data", model)
    #expect(part.kind == .all && part.dataset.count == 4 && part.trainedOn == nil)
    #expect(part.note == nil)
  }

  @Test("a tenth is held out of data without a part to test on, where nothing else is asked for")
  func usualShare() throws {
    let directory = try TemporaryDirectory()
    try write(2, to: directory, "whole")
    for part in ["train", "val"] { try write(2, to: directory, "parts/\(part)") }
    let (whole, parts) = (try source(directory, "whole"), try source(directory, "parts"))
    #expect(whole.trainingHoldout(seed: 3) == Holdout(share: 0.1, seed: 3))
    #expect(whole.trainingHoldout(share: 0.5) == Holdout(share: 0.5))
    #expect(parts.trainingHoldout(seed: 3) == nil)
    // Which loading then refuses.
    #expect(parts.trainingHoldout(share: 0.5) == Holdout(share: 0.5))
  }
}
