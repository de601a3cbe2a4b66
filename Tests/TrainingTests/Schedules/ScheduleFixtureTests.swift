import ConvNetTestSupport
import ConvNetTraining
import Foundation
import Testing

@Suite("Schedules beside PyTorch's") struct ScheduleFixtureTests {
  struct Case: Sendable, CustomStringConvertible {
    var name: String
    var schedule: any LearningRateSchedule
    var description: String { name }

    init(_ name: String, _ schedule: any LearningRateSchedule) {
      self.name = name
      self.schedule = schedule
    }
  }

  private static let fixture = fixturePath(
    "schedules.json", beside: URL(fileURLWithPath: #filePath).deletingLastPathComponent().path)

  private static let cases = [
    Case("StepLR", .steps(from: 0.1, factor: 0.96, every: 8)),
    Case("StepLR", .steps(from: 0.1, factor: 0.96, every: 8, time: .steps)),
    Case("MultiStepLR", .milestones(from: 0.1, at: [3, 11])),
    Case("MultiStepLR", .milestones(from: 0.1, at: [3, 11], time: .steps)),
    Case("ExponentialLR", .exponential(from: 0.1, factor: 0.94)),
    Case("ExponentialLR", .exponential(from: 0.1, factor: 0.94, time: .epochs)),
    Case("CosineAnnealingLR", .cosine(from: 0.1, to: 0.002, length: 19)),
    Case("CosineAnnealingLR", .cosine(from: 0.1, to: 0.002, length: 19, time: .steps)),
    Case("PolynomialLR", .polynomial(from: 0.1, power: 2, length: 15)),
    Case("OneCycleLR", .oneCycle(peak: 0.1, length: 20, rise: 0.265, time: .steps)),
    Case(
      "LinearLR, then CosineAnnealingLR",
      CosineDecay(from: 0.1, length: 19).warmedUp(5, from: 0.1)),
    Case(
      "ReduceLROnPlateau",
      .plateau(from: 0.1, factor: 0.5, patience: 2, minimumRate: 0.02, coolDown: 2)),
    Case(
      "ReduceLROnPlateau",
      .plateau(
        from: 0.1, factor: 0.5, patience: 2, measure: .loss, minimumRate: 0.02, coolDown: 2)),
  ]

  /// As in make_schedule_fixtures.py.
  private static let measures: [Double] = [
    5, 4, 4, 4, 3, 3, 3, 3, 3, 3, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1,
  ]

  @Test("twenty rates are theirs, by steps or by epochs", arguments: cases)
  func fixture(_ row: Case) throws {
    let expected = try JSONDecoder().decode(
      [String: [Double]].self, from: Data(fileBytes(Self.fixture)))
    #expect(Set(expected.keys) == Set(Self.cases.map(\.name)))
    let goesByLoss = (row.schedule as? Plateau)?.measure == .loss
    for (place, expected) in try #require(expected[row.name]).enumerated() {
      let measures = Array(Self.measures[..<place])
      // What it must not go by never improves.
      let others = measures.map { _ in 1.0 }
      let rate = row.schedule.learningRate(
        at: TrainingPoint(
          step: place, epoch: place, errors: goesByLoss ? others : measures,
          losses: goesByLoss ? measures : others))
      #expect(abs(Double(rate) - expected) < 1e-7, "\(place)")
    }
  }
}
