import ConvNetTraining
import Foundation
import Testing

@Suite("Schedules, computed by hand") struct ScheduleFormulaTests {
  private func rates(
    _ schedule: any LearningRateSchedule, at progress: [Double]
  ) -> [Double] {
    progress.map {
      let epoch = Int($0)
      return Double(
        schedule.learningRate(
          at: TrainingPoint(step: Int($0 * 10), epoch: epoch, epochShare: $0 - Double(epoch))))
    }
  }

  private func expect(_ values: [Double], _ expected: [Double]) {
    #expect(values.count == expected.count)
    for (value, expected) in zip(values, expected) { #expect(abs(value - expected) < 1e-6) }
  }

  @Test("within an epoch some go on and some wait")
  func within() {
    let half = 0.5.squareRoot()
    expect(
      rates(.exponential(from: 1, factor: 0.5), at: [0, 0.5, 1, 1.5]), [1, half, 0.5, half / 2])
    expect(
      rates(.exponential(from: 1, factor: 0.5, time: .epochs), at: [0, 0.5, 1, 1.9]),
      [1, 1, 0.5, 0.5])
    expect(
      rates(.exponential(from: 1, factor: 0.25, every: 10, time: .steps), at: [0, 0.5, 1]),
      [1, 0.5, 0.25])
    expect(rates(.steps(from: 1, factor: 0.5, every: 2), at: [0, 1.9, 2, 4.5]), [1, 1, 0.5, 0.25])
    expect(
      rates(.milestones(from: 1, at: [1, 3]), at: [0.9, 1, 2.9, 3, 9]), [1, 0.1, 0.1, 0.01, 0.01])
    expect(rates(.cosine(from: 1, length: 2), at: [0, 0.5, 1, 2]), [1, 0.5 + half / 2, 0.5, 0])
    expect(
      rates(.cosine(from: 1, length: 2, time: .epochs), at: [0, 0.5, 1.5, 2]), [1, 1, 0.5, 0])
    expect(rates(.polynomial(from: 1, length: 4), at: [0, 1, 3.5, 4]), [1, 0.75, 0.125, 0])
    expect(
      rates(
        .oneCycle(peak: 1, length: 4, rise: 0.5, firstDivisor: 4, lastDivisor: 2),
        at: [0, 1, 2, 3, 4]),
      [0.25, 0.625, 1, 0.5625, 0.125])
  }

  @Test(
    "what ends earlier than the training stays at its last rate",
    arguments: [
      (.cosine(from: 1, to: 0.25, length: 2), 0.25),
      (.polynomial(from: 1, to: 0.125, power: 3, length: 2), 0.125),
      (.oneCycle(peak: 1, length: 2, firstDivisor: 2, lastDivisor: 4), 0.125),
    ] as [(any LearningRateSchedule, Double)])
  func ends(schedule: any LearningRateSchedule, last: Double) throws {
    expect(rates(schedule, at: [2, 3, 100]), [last, last, last])
    try schedule.validate(epochs: 100)
    try schedule.validate(epochs: 1)
  }

  @Test("a warm-up comes before any schedule, whose own time begins with the training")
  func warmUp() {
    expect(rates(ConstantRate(2).warmedUp(2), at: [0, 0.5, 1, 2, 5]), [0, 0.5, 1, 2, 2])
    expect(
      rates(StepDecay(from: 1, factor: 0.5, every: 1).warmedUp(2, from: 0.5), at: [0, 1, 2, 3]),
      [0.5, 0.375, 0.25, 0.125])
    expect(
      rates(ConstantRate(1).warmedUp(5, time: .steps), at: [0, 0.1, 0.4, 0.5]), [0, 0.2, 0.8, 1])
    expect(rates(ConstantRate(1).warmedUp(2, time: .epochs), at: [0.9, 1.9, 2]), [0, 0.5, 1])
  }

  @Test("a warm-up that is no shorter than the training is refused, with both lengths")
  func tooLong() throws {
    let schedule = ConstantRate(1).warmedUp(5)
    try schedule.validate(epochs: 6)
    let error = #expect(throws: TrainingError.self) { try schedule.validate(epochs: 5) }
    let text = error.map { "\($0)" } ?? ""
    #expect(text.contains("5 epochs") && text.contains("warm-up"))
    var trainer = momentumTrainer
    trainer.schedule = schedule
    #expect(throws: TrainingError.self) { try trainer.validate(epochs: 5) }
    try trainer.validate(epochs: 6)
    // Around another.
    #expect(throws: TrainingError.self) {
      try LowBeginning(before: schedule).validate(epochs: 5)
    }
  }

  @Test("a low beginning ends after the first epoch whose training error is below its limit")
  func lowBeginning() {
    let schedule = LowBeginning(before: Milestones(from: 1, at: [3]))
    func rate(_ errors: [Double]) -> Float {
      schedule.learningRate(at: TrainingPoint(epoch: errors.count, trainingErrors: errors))
    }
    #expect(rate([]) == 0.1)
    #expect(rate([0.85]) == 0.1)
    #expect(rate([0.85, 0.79]) == 1)
    #expect(rate([0.85, 0.79, 0.9]) == 0.1)
    #expect(
      rate([0.85, 0.79, 0.9])
        == Milestones(from: 1, at: [3]).learningRate(at: TrainingPoint(epoch: 3)))
  }

  @Test(
    "settings that make no sense are refused",
    arguments: [
      .steps(from: 0, factor: 0.5, every: 1), .steps(from: 1, factor: 0, every: 1),
      .steps(from: 1, factor: 1.5, every: 1), .steps(from: 1, factor: 0.5, every: 0),
      .milestones(from: .nan, at: [1]), .milestones(from: 1, at: [2, 1]),
      .milestones(from: 1, at: [0]), .exponential(from: 1, factor: -1),
      .exponential(from: 1, factor: 0.5, every: 0), .cosine(from: 1, to: 2, length: 1),
      .cosine(from: 1, length: 0), .cosine(from: 1, to: .nan, length: 1),
      .polynomial(from: 1, power: 0, length: 1), .oneCycle(peak: 1, length: 1, rise: 1),
      .oneCycle(peak: 1, length: 1, firstDivisor: 0.5), .plateau(from: 1, minimumRate: 2),
      .plateau(from: 1, coolDown: -1), ConstantRate(1).warmedUp(0),
      ConstantRate(1).warmedUp(1, from: 2), ConstantRate(-1).warmedUp(1),
      LowBeginning(0, before: ConstantRate(1)), LowBeginning(before: ConstantRate(-1)),
    ] as [any LearningRateSchedule])
  func refused(schedule: any LearningRateSchedule) {
    #expect(throws: TrainingError.self) { try schedule.validate() }
  }

  @Test(
    "settings are written and read again, a plain plateau as it always was",
    arguments: [
      .steps(from: 1, factor: 0.5, every: 3), .milestones(from: 1, at: [1, 2], time: .steps),
      .exponential(from: 1, factor: 0.9), .cosine(from: 1, length: 3),
      .polynomial(from: 1, length: 2), .oneCycle(peak: 1, length: 2),
      .plateau(from: 1, measure: .loss, minimumRate: 0.1, coolDown: 1),
      ConstantRate(1).warmedUp(2), LowBeginning(before: Plateau(from: 1)),
    ] as [any LearningRateSchedule])
  func coding(schedule: any LearningRateSchedule) throws {
    func again<Part: LearningRateSchedule>(_ part: Part) throws -> Bool {
      try JSONDecoder().decode(Part.self, from: JSONEncoder().encode(part)) == part
    }
    #expect(try again(schedule))
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    #expect(
      String(decoding: try encoder.encode(Plateau(from: 1, factor: 0.5)), as: UTF8.self)
        == #"{"factor":0.5,"patience":2,"rate":1}"#)
  }
}
