import ConvNet

/// A protocol is a value: which views of a picture are scored, and what of their scores is averaged. This one looks at the whole
/// picture, and at a 3x3 grid of windows of an enlarged one with reflections, which together count as much as the whole.
enum ViewsOfOnesOwn: Example {
  static let wholeAndGrid = Views(
    "whole and grid",
    [
      .init(scales: [.original], windows: [.whole]),
      .init(scales: [.shorterSide(16)], windows: [.grid(3)], reflects: true),
    ], average: .probabilities)

  static func run() throws -> String {
    var model = try Model(validating: DatasetFromMemory.network, seed: 2)
    let trainer = Trainer(
      optimizer: .sgd(momentum: 0.9), schedule: .constant(0.05), batchSize: 16)
    try trainer.fit(&model, on: Stripes(count: 256), epochs: 4)
    let evaluation = try ProtocolEvaluation(
      of: [.init("stripes", model, views: [wholeAndGrid])], on: Stripes(count: 100, seed: 1))
    let score = evaluation.scores[0]
    guard score.passes == 19, score.assessment.top1 > 0.8 else {
      throw Unexpected(what: "\(score.passes) views, accuracy \(score.assessment.top1)")
    }
    let interval = score.assessment.top1Interval
    return "accuracy \(score.assessment.top1) of \(score.passes) views a picture, at 95 % from "
      + "\(interval.lowerBound) to \(interval.upperBound)"
  }
}
