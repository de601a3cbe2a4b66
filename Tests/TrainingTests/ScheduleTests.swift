import ConvNetTraining
import Foundation
import Testing

@Suite("Learning rate") struct ScheduleTests {
  private func rates(_ schedule: LearningRateSchedule, errors: [Double]) -> [Float] {
    var state = ScheduleState(schedule)
    return errors.map {
      state.record(error: $0)
      return state.learningRate
    }
  }

  @Test("the plateau divides after epochs without improvement, and counts anew")
  func plateau() {
    let schedule = LearningRateSchedule.plateau(from: 1, factor: 0.5, patience: 2)
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
    #expect(
      LearningRateSchedule.plateau(from: 0.01) == .plateau(from: 0.01, factor: 0.1, patience: 2))
  }

  @Test(
    "a state comes back from JSON as it was, also before the first epoch", arguments: [0, 1, 3])
  func coding(epochs: Int) throws {
    var state = ScheduleState(.plateau(from: 0.01))
    for _ in 0..<epochs { state.record(error: 0.5) }
    let data = try JSONEncoder().encode(state)
    #expect(try JSONDecoder().decode(ScheduleState.self, from: data) == state)
  }
}
