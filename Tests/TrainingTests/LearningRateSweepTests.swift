import ConvNetLayers
import ConvNetTraining
import Foundation
import Testing

@Suite("Sweep of the learning rate") struct LearningRateSweepTests {
  @Test("the rate of the steepest fall of the smoothed loss is proposed")
  func steepest() {
    // A loss that falls around 0.01, by the rate's logarithm, and grows from 1 on.
    let rates = (0..<100).map { Float(pow(10, -5 + 6 * Double($0) / 99)) }
    let sweep = LearningRateSweep(
      rates.map { rate in
        let place = log10(Double(rate))
        return (rate, 2 - tanh(2 * (place + 2)) + (rate > 1 ? Double(rate) : 0))
      })
    #expect(sweep.points.count == 100)
    // The moving average is some steps behind.
    #expect((0.01...0.1).contains(sweep.proposal ?? 0))
    #expect(abs(sweep.points[0].smoothedLoss - sweep.points[0].loss) < 1e-9)
  }

  @Test("a loss that does not fall speaks for no rate")
  func rising() {
    #expect(LearningRateSweep((1...50).map { (Float($0), Double($0)) }).proposal == nil)
    #expect(LearningRateSweep([]).proposal == nil)
  }

  @Test("a sweep leaves the model as it is, ends where the loss explodes, and is the same again")
  func swept() throws {
    let model = Model(smallNetwork(), seed: 1)
    let data = try syntheticData(count: 64, extent: 8)
    let first = try momentumTrainer.findLearningRate(for: model, on: data, from: 1e-4...1e4)
    #expect(first.points.count < 100)
    #expect(first.proposal != nil)
    #expect(first.points[0].rate == 1e-4)
    #expect(try first == momentumTrainer.findLearningRate(for: model, on: data, from: 1e-4...1e4))
    #expect(throws: TrainingError.self) {
      try momentumTrainer.findLearningRate(for: model, on: data, steps: 3)
    }
    #expect(throws: TrainingError.self) {
      try momentumTrainer.findLearningRate(for: model, on: data, from: 0...1)
    }
  }
}
