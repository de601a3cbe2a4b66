import ConvNetLayers
import ConvNetReports
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

  @Test("the plot shows losses up to half above the first, and marks the proposal")
  func plot() throws {
    let rates = (0..<100).map { Float(pow(10, -5 + 6 * Double($0) / 99)) }
    let sweep = LearningRateSweep(
      rates.map { rate in
        let place = log10(Double(rate))
        return (rate, 2 - tanh(2 * (place + 2)) + (rate > 1 ? 100.0 : 0))
      })
    let proposal = try #require(sweep.proposal)
    let text = try #require(sweep.proposalText)
    #expect(sweep.plot.vertical.upperLimit == 1.5 * sweep.points[0].smoothedLoss)
    #expect(sweep.plot.marks == [.init(Double(proposal), "proposal \(text)")])
    #expect(sweep.plot.drawing.contains(">proposal \(text)</text>"))
    #expect(LearningRateSweep([]).plot.marks.isEmpty)
  }

  @Test(
    "a proposal is told to two digits",
    arguments: [
      (0.1, "0.1"), (0.021544354, "0.022"), (0.00099999, "0.001"), (10, "10"), (2.2e-5, "2.2e-05"),
    ] as [(Float, String)])
  func proposalText(rate: Float, text: String) {
    var sweep = LearningRateSweep([])
    sweep.proposal = rate
    #expect(sweep.proposalText == text)
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
