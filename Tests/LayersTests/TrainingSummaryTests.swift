import ConvNetImages
import ConvNetLayers
import Foundation
import Testing

@Suite("Summary of a training") struct TrainingSummaryTests {
  private static let pictures = TrainingPictures(
    holdout: Holdout(share: 0.25, seed: 3), count: 5, digest: .max, trained: [1, 2, 3],
    heldOut: [1 << 39])

  private static let whole = TrainingSummary(
    data: "pictures \"ü\"", epochs: 3, batchSize: 16, seed: .max, top1: 0.1, heldOutShare: 0.25,
    pictures: pictures, optimizer: "an optimizer", schedule: "a schedule", objective: "a loss",
    notes: ["epochs": "of the moon", "by": "me"])

  private func decoded(_ json: String) throws -> TrainingSummary {
    try JSONDecoder().decode(TrainingSummary.self, from: Data(json.utf8))
  }

  @Test("comes back from JSON as it was", arguments: [TrainingSummary(), whole])
  func roundTrip(summary: TrainingSummary) throws {
    let text = String(decoding: try JSONEncoder().encode(summary), as: UTF8.self)
    #expect(try decoded(text) == summary)
  }

  @Test("a dictionary of texts, as files had it earlier, is read")
  func texts() throws {
    let pictures = try JSONEncoder().encode(Self.pictures)
    let old = [
      "split": "0.25", "pictures": String(decoding: pictures, as: UTF8.self), "data": "mnist",
      "epochs": "12", "top1": "0.875", "batchSize": "32", "seed": "18446744073709551615",
      "by": "me",
    ]
    let summary = try decoded(String(decoding: JSONEncoder().encode(old), as: UTF8.self))
    #expect(
      summary
        == TrainingSummary(
          data: "mnist", epochs: 12, batchSize: 32, seed: .max, top1: 0.875, heldOutShare: 0.25,
          pictures: Self.pictures, notes: ["by": "me"]))
  }

  @Test("a text that is not what its field is stays a note, and nothing is lost")
  func otherTexts() throws {
    let summary = try decoded(
      #"{"epochs": "many", "top1": "92 %", "pictures": "of cats", "notes": "short", "seed": "-1"}"#)
    #expect(
      summary.notes == [
        "epochs": "many", "top1": "92 %", "pictures": "of cats", "notes": "short", "seed": "-1",
      ])
    #expect(summary == TrainingSummary(notes: summary.notes))
    #expect("\(summary)".contains("epochs many") && "\(summary)".contains("top1 92 %"))
  }

  @Test("fields that this version does not know do no harm")
  func unknown() throws {
    let summary = try decoded(#"{"epochs": 2, "machine": "mine", "cost": 3, "rates": [1, 2]}"#)
    #expect(summary == TrainingSummary(epochs: 2, notes: ["machine": "mine"]))
    #expect(try decoded(#"{"epochs": null}"#) == TrainingSummary())
  }

  @Test(
    "fields of another type are refused",
    arguments: [
      "[1, 2]", "\"text\"", "7", #"{"epochs": [3]}"#, #"{"epochs": 1.5}"#, #"{"epochs": 1e99}"#,
      #"{"seed": -1}"#, #"{"batchSize": {"a": 1}}"#, #"{"top1": true}"#, #"{"data": 5}"#,
      #"{"pictures": 5}"#, #"{"pictures": {"count": 1}}"#, #"{"notes": {"a": 1}}"#,
      #"{"optimizer": {}}"#,
    ])
  func damaged(json: String) {
    #expect(throws: DecodingError.self) { try decoded(json) }
  }

  @Test("numbers that are not finite are left out of a file, and printed as they are")
  func nonFinite() throws {
    let summary = TrainingSummary(epochs: 1, top1: .nan, heldOutShare: .infinity)
    #expect(try decoded(String(decoding: JSONEncoder().encode(summary), as: UTF8.self)).epochs == 1)
    #expect("\(summary)" == "1 epoch, a share of inf held out, top-1 accuracy nan %")
  }

  @Test("as text it is one line of what is known")
  func description() {
    #expect(
      "\(Self.whole)" == "3 epochs, data pictures \"ü\", a share of 0.25 held out, batch size 16, "
        + "seed 18446744073709551615, an optimizer, a schedule, a loss, top-1 accuracy 10.0 %, by me, "
        + "epochs of the moon")
    #expect("\(TrainingSummary())".isEmpty)
  }
}
