import ConvNetDatasets
import ConvNetEvaluation
import ConvNetImages
import ConvNetLayers
import ConvNetTestSupport
import ConvNetTraining
import Testing

@Suite("What a training says of itself") struct FittedSummaryTests {
  /// Of `count` pictures, some held out.
  private func pictures(_ count: Int) -> TrainingPictures {
    TrainingPictures(
      holdout: Holdout(share: 0.5), count: count, digest: 1, trained: [1], heldOut: [2])
  }

  @Test("after every epoch, in the model and in its checkpoint")
  func fitted() throws {
    let directory = try TemporaryDirectory()
    var model = Model(smallNetwork(), seed: 1)
    model.trainingSummary = TrainingSummary(
      data: "before", epochs: 99, heldOutShare: 0.5, pictures: pictures(32), notes: ["by": "me"])
    var last: EpochReport?
    try momentumTrainer.fit(
      &model, on: syntheticData(count: 24, extent: 8),
      validating: syntheticData(count: 8, extent: 8), epochs: 2
    ) { report, checkpoint in
      last = report
      try checkpoint.save(to: directory.file("checkpoint"))
      let kept = try Checkpoint(loading: directory.file("checkpoint")).model().trainingSummary
      #expect(kept?.epochs == report.epoch && kept?.notes == ["by": "me"])
    }
    let expected = TrainingSummary(
      data: "bars", epochs: 2, batchSize: 16, seed: 7, top1: last?.validation?.top1,
      heldOutShare: 0.5, pictures: pictures(32), optimizer: "\(momentumTrainer.optimizer)",
      schedule: "\(momentumTrainer.schedule)", objective: "\(momentumTrainer.objective)",
      notes: ["by": "me"])
    #expect(model.trainingSummary == expected)
    // A training that goes on finds it in the checkpoint, also where no epoch is left.
    var other = Model(smallNetwork(), seed: 5)
    try momentumTrainer.fit(
      &other, on: syntheticData(count: 24, extent: 8),
      validating: syntheticData(count: 8, extent: 8), epochs: 2,
      resuming: Checkpoint(loading: directory.file("checkpoint"))
    ) { _, _ in }
    #expect(other.trainingSummary == expected)
  }

  @Test("pictures that another training left in the model are not taken for this one's")
  func stale() throws {
    for (count, isKept) in [(24, true), (32, true), (25, false)] {
      var model = Model(smallNetwork(), seed: 1)
      model.trainingSummary = TrainingSummary(heldOutShare: 0.5, pictures: pictures(count))
      try momentumTrainer.fit(
        &model, on: syntheticData(count: 24, extent: 8),
        validating: syntheticData(count: 8, extent: 8), epochs: 1)
      #expect((model.trainingSummary?.pictures != nil) == isKept)
      #expect((model.trainingSummary?.heldOutShare != nil) == isKept)
    }
  }

  @Test("a training that ends in its first epoch leaves what there was")
  func stopped() throws {
    var model = Model(smallNetwork(), seed: 1)
    model.trainingSummary = TrainingSummary(data: "before", epochs: 3)
    #expect(throws: TrainingError.self) {
      try momentumTrainer.fit(
        &model, on: syntheticData(count: 24, extent: 8), epochs: 1, until: { true }
      ) { _, _ in }
    }
    #expect(model.trainingSummary == TrainingSummary(data: "before", epochs: 3))
  }
}
