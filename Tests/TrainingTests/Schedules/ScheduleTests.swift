import ConvNetTraining
import ConvNetLayers
import Foundation
import Testing

@Suite("Learning rate") struct ScheduleTests {
  /// The rates of the epochs that follow each of the errors.
  private func rates(_ schedule: any LearningRateSchedule, errors: [Double]) -> [Float] {
    errors.indices.map { last in
      schedule.learningRate(
        at: TrainingPoint(step: 10 * last, epoch: last + 1, errors: Array(errors[...last])))
    }
  }

  @Test("the plateau divides after epochs without improvement, and counts anew")
  func plateau() {
    let schedule = Plateau(from: 1, factor: 0.5, patience: 2)
    #expect(
      rates(schedule, errors: [0.5, 0.4, 0.4, 0.3, 0.3, 0.35, 0.31, 0.3, 0.29, 0.2])
        == [1, 1, 1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.25])
  }

  @Test("an error that is not a number is no improvement")
  func notANumber() {
    #expect(
      rates(.plateau(from: 1, factor: 0.5, patience: 1), errors: [.nan, 0.5, .nan]) == [
        0.5, 0.5, 0.25,
      ])
  }

  @Test("a constant rate stays")
  func constant() {
    #expect(rates(.constant(0.1), errors: [0.5, 0.6, 0.7]) == [0.1, 0.1, 0.1])
  }

  @Test("the default is the lecture's: a tenth, after two epochs")
  func defaults() {
    #expect(Plateau(from: 0.01) == Plateau(from: 0.01, factor: 0.1, patience: 2))
  }

  @Test("a plateau without a minimum of its own ends at a ten-thousandth, one with 0 falls on")
  func minimum() throws {
    let point = TrainingPoint(epoch: 200, errors: [Double](repeating: 0.5, count: 200))
    #expect(abs(Plateau(from: 0.02).learningRate(at: point) - 2e-6) < 1e-12)
    #expect(Plateau(from: 0.02, minimumRate: 0).learningRate(at: point) == 0)
    #expect(Plateau(from: 0.02, minimumRate: 0.001).learningRate(at: point) == 0.001)
    for schedule in [Plateau(from: 0.02), Plateau(from: 0.02, minimumRate: 0)] {
      let read = try JSONDecoder().decode(Plateau.self, from: JSONEncoder().encode(schedule))
      #expect(read == schedule)
    }
  }

  @Test("before the first epoch has ended it is the rate that was given")
  func beginning() {
    #expect(ConstantRate(0.1).learningRate(at: TrainingPoint()) == 0.1)
    #expect(Plateau(from: 0.2).learningRate(at: TrainingPoint()) == 0.2)
  }

  @Test("a schedule of one's own gives every step its rate, and a resumed training the same")
  func own() throws {
    let data = try syntheticData(count: 50, extent: 8)
    var trainer = momentumTrainer
    trainer.schedule = WarmUp(rate: 0.05, epochs: 2)
    func trained(to epochs: Int, from checkpoint: Checkpoint? = nil) throws -> (Model, Checkpoint?)
    {
      var model = Model(smallNetwork(), seed: 1)
      var last: Checkpoint?
      try trainer.fit(&model, on: data, epochs: epochs, resuming: checkpoint) { last = $1 }
      return (model, last)
    }
    let (whole, checkpoint) = try trained(to: 3)
    // Of 50 samples the fourth step of an epoch follows 48.
    let rates: [Float] = [0.48, 0.98, 1].map { 0.05 * $0 }
    let told = try #require(checkpoint).history.map(\.learningRate)
    for (rate, expected) in zip(told, rates) { #expect(abs(rate - expected) < 1e-6) }
    let (_, half) = try trained(to: 1)
    #expect(try trained(to: 3, from: half).0.parameters == whole.parameters)
  }

  @Test("a rate that is none stops the training before its step", arguments: [.nan, -1] as [Float])
  func noRate(rate: Float) throws {
    var trainer = momentumTrainer
    trainer.schedule = Sudden(rate: rate, step: 3)
    var model = Model(smallNetwork())
    let error = #expect(throws: TrainingError.self) {
      try trainer.fit(&model, on: syntheticData(count: 80, extent: 8), epochs: 1)
    }
    #expect(error.map { "\($0)".contains("learning rate is \(rate)") } == true)
    #expect(error.map { "\($0)".contains("step 3") } == true)
  }
}

/// From zero to the rate in the first epochs, then constant.
private struct WarmUp: LearningRateSchedule {
  static let name = "test.warmUp"
  var rate: Float
  var epochs: Double

  func learningRate(at point: TrainingPoint) -> Float {
    rate * Float(min(1, point.progress / epochs))
  }
}

private struct Sudden: LearningRateSchedule {
  static let name = "test.sudden"
  var rate: Float
  var step: Int

  func learningRate(at point: TrainingPoint) -> Float { point.step < step ? 0.01 : rate }
}
