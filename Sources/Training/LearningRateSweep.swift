public import ConvNetDatasets
import ConvNetEvaluation
import ConvNetImages
public import ConvNetLayers
public import ConvNetReports
import Foundation

/// How the loss goes while the learning rate grows from step to step, and what rate that speaks for.
///
/// The rates grow exponentially. Where they are too small nothing falls, then the loss falls faster and faster, and beyond what
/// the network bears it grows (L. Smith, "Cyclical Learning Rates for Training Neural Networks", 2017, section 3.3).
public struct LearningRateSweep: Hashable, Sendable, Codable {
  /// A step of the sweep.
  public struct Point: Hashable, Sendable, Codable {
    /// Of the step.
    public var rate: Float
    /// Of the step's batch, before its update.
    public var loss: Double
    /// The moving average of the losses so far, freed of its beginning: (1 - 0.9) sum over k of 0.9^k loss / (1 - 0.9^n).
    public var smoothedLoss: Double
  }

  /// In the order of the steps, until the smoothed loss was four times its least, or a number was not finite.
  public var points: [Point]
  /// The rate at which the smoothed loss fell fastest by the rate's logarithm before its least; `nil` where it did not fall.
  public var proposal: Float?

  /// - Parameter losses: with the rate of each step.
  package init(_ losses: [(rate: Float, loss: Double)]) {
    points = []
    var average = 0.0
    for (place, step) in losses.enumerated() {
      average = Self.memory * average + (1 - Self.memory) * step.loss
      points.append(
        Point(
          rate: step.rate, loss: step.loss,
          smoothedLoss: average / (1 - pow(Self.memory, Double(place + 1)))))
    }
    proposal = Self.proposal(points)
  }

  private static let memory = 0.9
  /// Steps to each side of one whose slope is measured.
  private static let reach = 3

  private static func proposal(_ points: [Point]) -> Float? {
    let losses = points.map(\.smoothedLoss)
    guard let least = losses.indices.min(by: { losses[$0] < losses[$1] }) else { return nil }
    let places = reach..<max(reach, min(least + 1, points.count - reach))
    func slope(_ place: Int) -> Double {
      let (before, after) = (points[place - reach], points[place + reach])
      return (after.smoothedLoss - before.smoothedLoss)
        / (log(Double(after.rate)) - log(Double(before.rate)))
    }
    guard let steepest = places.min(by: { slope($0) < slope($1) }), slope(steepest) < 0 else {
      return nil
    }
    return points[steepest].rate
  }

  /// Whether the sweep has seen enough.
  fileprivate static func isOver(_ points: [Point]) -> Bool {
    guard let last = points.last, points.count > 2 * reach,
      let least = points.map(\.smoothedLoss).min()
    else { return false }
    return last.smoothedLoss > 4 * least
  }

  /// The proposal as an option may have it, to two significant digits: the curve says no more.
  package var proposalText: String? {
    guard let proposal, let rounded = Double(String(format: "%.1e", Double(proposal))) else {
      return nil
    }
    let text = "\(rounded)"
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }

  /// The losses over the rates, up to half above the first: beside those of the rates that are too large, the fall could not be
  /// seen. The proposal is marked.
  public var plot: LinePlot {
    let first = points.first?.smoothedLoss ?? 0
    var marks: [LinePlot.Mark] = []
    if let proposal, let proposalText {
      marks.append(.init(Double(proposal), "proposal \(proposalText)"))
    }
    return LinePlot(
      "Loss while the learning rate grows", horizontal: Axis("learning rate", scale: .logarithmic),
      vertical: Axis("loss", upperLimit: first > 0 ? 1.5 * first : nil),
      series: [
        .init("smoothed", points: points.map { .init(Double($0.rate), $0.smoothedLoss) }),
        .init("step", points: points.map { .init(Double($0.rate), $0.loss) }),
      ], marks: marks)
  }
}

/// From one rate to another, times the same factor at each step.
private struct ExponentialSweep: LearningRateSchedule {
  static let name = "exponentialSweep"
  var range: ClosedRange<Float>
  var steps: Int

  func learningRate(at point: TrainingPoint) -> Float {
    let share = Float(point.step) / Float(max(1, steps - 1))
    return range.lowerBound * powf(range.upperBound / range.lowerBound, share)
  }

  var description: String {
    "a sweep of the learning rate from \(range.lowerBound) to \(range.upperBound)"
  }
}

extension Trainer {
  /// Trains a copy of a model for some steps while the learning rate grows, and says what rate that speaks for.
  ///
  /// All else is as in a training: optimizer, gradient transforms, objective, groups, augmentation, batch size, seed.
  ///
  /// - Parameters:
  ///   - model: begins here, and stays as it is.
  ///   - range: of the rates, above zero.
  ///   - steps: that would be taken at most, ten or more.
  ///   - tell: told after every step; where it throws, the sweep ends with that.
  /// - Throws: ``TrainingError`` for settings that make no sense, and where already the first steps make no finite number; what
  ///   reading the data throws.
  public func findLearningRate(
    for model: Model, on training: any Dataset, from range: ClosedRange<Float> = 1e-5...10,
    steps: Int = 100, progress tell: (LearningRateSweep.Point) throws -> Void = { _ in }
  ) throws -> LearningRateSweep {
    guard range.lowerBound > 0, range.upperBound.isFinite, range.lowerBound < range.upperBound
    else {
      throw TrainingError.invalidSetting(
        name: "the range of learning rates", value: "\(range)",
        requirement: "from above zero to a larger finite number")
    }
    guard 10...1_000_000 ~= steps else {
      throw TrainingError.invalidSetting(
        name: "the steps of a sweep", value: "\(steps)", requirement: "from 10 to 1000000")
    }
    var trainer = self
    trainer.schedule = ExponentialSweep(range: range, steps: steps)
    try trainer.validate(epochs: 1)
    var model = model
    let names = model.classNames.isEmpty ? training.classNames : model.classNames
    try trainer.takeTargets(of: training, for: &model)
    let training = try model.numbering(training, as: names, isComplete: true)
    try trainer.requireSides(for: model)
    let loader = try trainer.makeLoader(of: training, for: &model)
    let session = try TrainingSession(model, trainer: trainer)
    var losses: [(rate: Float, loss: Double)] = []
    var sweep = LearningRateSweep([])
    sweeping: for epoch in 0... {
      loader.start(epoch: epoch)
      while let batch = try loader.next() {
        let step = try session.step(for: batch)
        try step.write(batch, to: model.inputName)
        do {
          losses.append((trainer.schedule.learningRate(at: session.point), try session.run(step)))
        } catch TrainingError.nonFinite where losses.count > 1 {
          break sweeping
        }
        sweep = LearningRateSweep(losses)
        if let point = sweep.points.last { try tell(point) }
        try Task.checkCancellation()
        if losses.count == steps || LearningRateSweep.isOver(sweep.points) { break sweeping }
      }
    }
    return sweep
  }
}
