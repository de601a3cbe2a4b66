import ConvNet
import Foundation

/// A fit at work: its progress, what is kept on the way, and what is told in the end.
final class PriorFit {
  private let prior: DeepImagePrior
  private let options: PriorOptions
  private let subject: String
  private let purpose: String
  private let baseline: String
  private let reference: PriorReference?
  /// The state that is gone on with; `nil` for a fit that begins.
  private let begun: PriorCheckpoint?
  /// Pictures on the way, by their steps.
  private var snapshots: [(iteration: Int, image: Image)] = []
  private var frames: [Image] = []
  private var table: PriorTable
  private var best: (iteration: Int, likeness: Double)?
  private var seconds = 0.0
  /// When the state was kept last.
  private var keptTime = 0.0

  /// - Parameters:
  ///   - begun: the state that is gone on with.
  ///   - table: of its steps.
  init(
    _ prior: DeepImagePrior, options: PriorOptions, subject: String, purpose: String,
    baseline: String, truth: Image?, begun: PriorCheckpoint?, table: PriorTable
  ) {
    self.prior = prior
    self.options = options
    self.subject = subject
    self.purpose = purpose
    self.baseline = baseline
    reference = truth.map { PriorReference($0, channels: prior.problem.channels) }
    self.begun = begun
    self.table = table
    best = truth == nil ? nil : table.best
  }

  private var firstIteration: Int { begun?.iteration ?? 0 }

  private static var now: Double { ProcessInfo.processInfo.systemUptime }

  func run() throws {
    readSnapshots()
    if let path = options.csv, table.count < firstIteration {
      options.shared.note(
        "\(path) has \(table.count) of the first \(plural(firstIteration, "step")); what is not in it cannot be told any more"
      )
    }
    // The steps of this process alone: those before took other time.
    let progress = Progress(
      "fitting", unit: "steps", total: max(0, prior.settings.iterations - firstIteration),
      options.shared, after: 1)
    Interruption.deferSignals()
    let begin = Self.now
    keptTime = begin
    do {
      try prior.run { prior in
        try take(prior)
        progress.update(prior.iteration - firstIteration) { .init(notes: notes) }
        if let signal = Interruption.signal {
          throw Interrupted(signal: signal, outcome: "")
        }
      }
    } catch let error as Interrupted {
      try writePictures()
      let after = "the picture after \(prior.iteration) steps is \(options.output)"
      throw Interrupted(
        signal: error.signal,
        outcome: options.checkpoint.map { "\(after); --resume goes on with \($0)" }
          ?? "\(after); with --checkpoint it could go on")
    }
    seconds = Self.now - begin
    if prior.iteration < prior.settings.iterations {
      // The line stays as it is: not all steps were needed.
      Console.leaveLine()
    } else {
      progress.finish(notes: notes)
    }
    try writePictures()
    try report()
  }

  private var notes: [String] {
    (firstIteration > 0 ? ["step \(prior.iteration)"] : [])
      + ["loss \(HumanReadable.quantity(prior.loss))"]
      + (lastLikeness.map { ["\(HumanReadable.fixed($0, digits: 2)) dB"] } ?? [])
  }

  private var lastLikeness: Double?

  /// 1, 2, 5 and their tens.
  private static func isShown(_ iteration: Int) -> Bool {
    var rest = iteration
    while rest % 10 == 0, rest > 0 { rest /= 10 }
    return [1, 2, 5].contains(rest)
  }

  /// Pictures on the way that the strip shows at most.
  private static let shownCount = 5

  /// Frames of an animation, about so many.
  private static let frameCount = 48

  private func take(_ prior: DeepImagePrior) throws {
    let iteration = prior.iteration
    if let reference {
      let likeness = try prior.peakSignalToNoise(of: reference)
      lastLikeness = likeness
      if likeness > best?.likeness ?? -.infinity { best = (iteration, likeness) }
    }
    if options.csv != nil {
      table.append(
        iteration, loss: prior.loss, variance: prior.variance, likeness: lastLikeness)
    }
    if Self.isShown(iteration),
      options.strip != nil || options.snapshots != nil || options.checkpoint != nil
    {
      let image = prior.result
      snapshots.append((iteration, image))
      if let folder = options.snapshots {
        try image.writePNG(to: Self.path(of: iteration, in: folder))
      }
    }
    if options.animation != nil,
      iteration % max(1, prior.settings.iterations / Self.frameCount) == 0 || iteration == 1
    {
      frames.append(prior.result)
    }
    if let path = options.checkpoint, Self.now - keptTime > 60 {
      // Before the state, which does not have the rows up to it.
      try writeTable()
      try writeState(to: path)
      keptTime = Self.now
    }
  }

  private func writeTable() throws {
    if let path = options.csv { try AtomicFile.write(table.text, to: path) }
  }

  /// The state, with the pictures of the strip.
  private func writeState(to path: String) throws {
    var checkpoint = prior.checkpoint
    // One more than is shown: that of the last step is the result.
    for snapshot in snapshots.suffix(Self.shownCount + 1) {
      checkpoint.pictures[snapshot.iteration] = snapshot.image
    }
    try checkpoint.write(to: path)
  }

  /// All that are shown, from the first to a last one.
  static func shownIterations(to last: Int) -> [Int] {
    sequence(first: 1) { $0 * 10 }.prefix { $0 <= last }
      .flatMap { [$0, 2 * $0, 5 * $0] }.filter { $0 <= last }
  }

  static func path(of iteration: Int, in folder: String) -> String {
    let digits = String(iteration)
    return folder + "/" + String(repeating: "0", count: max(0, 6 - digits.count)) + digits + ".png"
  }

  /// Those of the fit that is gone on with: of its state, and of its folder.
  private func readSnapshots() {
    guard let begun else { return }
    for iteration in Self.shownIterations(to: firstIteration) {
      let image =
        begun.pictures[iteration]
        ?? options.snapshots.flatMap {
          try? Image(contentsOf: Self.path(of: iteration, in: $0))
        }
      guard let image, image.height == prior.problem.height, image.width == prior.problem.width
      else { continue }
      snapshots.append((iteration, image))
    }
  }

  // MARK: Results

  private func writePictures() throws {
    // The rows are nowhere else; all the rest can be made from the state.
    try writeTable()
    if let path = options.checkpoint { try writeState(to: path) }
    guard prior.iteration > 0 else { return }
    try prior.result.writePNG(to: options.output)
    if let path = options.animation {
      let shown = frames + [prior.result]
      try AnimatedPicture(
        shown.enumerated().map { index, image in
          .init(image, milliseconds: index == shown.count - 1 ? 2500 : 120)
        }
      ).writePNG(to: path)
    }
    if let path = options.strip { try stripFigure().writeFile(to: path) }
  }

  private func stripFigure() throws -> PictureSheet {
    func label(_ text: String, _ image: Image) -> String {
      guard let reference, let likeness = try? PictureSimilarity(image, reference.image) else {
        return text
      }
      return "\(text)\n\(Self.decibels(likeness.peakSignalToNoise))"
    }
    let problem = prior.problem
    var panels = [
      PictureSheet.Panel(problem.baseline, label(baseline, problem.baseline))
    ]
    panels += snapshots.filter { $0.iteration < prior.iteration }.suffix(Self.shownCount).map {
      .init($0.image, label("after \(plural($0.iteration, "step"))", $0.image))
    }
    panels.append(
      .init(prior.result, label("result, \(prior.iteration) steps", prior.result)))
    if let reference { panels.append(.init(reference.image, "the true picture")) }
    return PictureSheet(
      "\(subject), \(purpose) by a deep image prior",
      subtitle: reference == nil
        ? "averages of the network's outputs"
        : "averages of the network's outputs, and peak signal-to-noise ratios", panels: panels,
      columns: min(4, panels.count), side: min(192, max(128, problem.height, problem.width)))
  }

  private static func decibels(_ value: Double) -> String {
    value.isFinite ? "\(HumanReadable.fixed(value, digits: 2)) dB" : "the same"
  }

  private struct Result: Encodable {
    /// Of the fit, and of them those that this process took.
    var iterations: Int
    var iterationsRun: Int
    var stoppedEarly: Bool
    /// The step after which the outputs varied least.
    var leastVarianceIteration: Int?
    /// Of the last step; none where this process took none.
    @Nullable var loss: Double?
    var seconds: Double
    @Nullable var iterationsPerSecond: Double?
    var peakMemoryBytes: Int
    /// Of the result; of what the network alone has; of what was given.
    var psnr: Double?
    var ssim: Double?
    var networkPsnr: Double?
    var baselinePsnr: Double?
    /// Of the averages on the way, the best, and after which step.
    var bestPsnr: Double?
    var bestIteration: Int?
    var saved: [String]
  }

  private func report() throws {
    let problem = prior.problem
    let likeness = try reference.map { try PictureSimilarity(prior.result, $0.image) }
    let saved =
      [options.output]
      + [
        options.strip, options.animation, options.snapshots, options.csv, options.checkpoint,
      ].compactMap { $0 }
    let run = prior.iteration - firstIteration
    let result = try Result(
      iterations: prior.iteration, iterationsRun: run, stoppedEarly: prior.isOverfitting,
      leastVarianceIteration: prior.leastVarianceIteration,
      loss: run > 0 ? prior.loss : nil, seconds: seconds,
      iterationsPerSecond: run > 0 ? Double(run) / max(seconds, 1e-9) : nil,
      peakMemoryBytes: DeepImagePrior.peakMemoryByteCount,
      psnr: likeness?.peakSignalToNoise, ssim: likeness?.structuralSimilarity,
      networkPsnr: reference.map {
        try PictureSimilarity(prior.networkResult, $0.image).peakSignalToNoise
      },
      baselinePsnr: reference.map {
        try PictureSimilarity(problem.baseline, $0.image).peakSignalToNoise
      }, bestPsnr: best?.likeness, bestIteration: best?.iteration, saved: saved)
    if options.shared.json { return try printJSON(result) }
    try Console.write(wrapping: effort(result))
    if let psnr = result.psnr {
      var text = Self.decibels(psnr)
      if let ssim = result.ssim {
        text += ", structural similarity \(HumanReadable.fixed(ssim, digits: 3))"
      }
      if let network = result.networkPsnr, problem.keepsKnownPixels {
        text += "; the network alone \(Self.decibels(network))"
      }
      if let before = result.baselinePsnr { text += "; \(baseline) \(Self.decibels(before))" }
      if let best = result.bestPsnr, let at = result.bestIteration {
        text += "; the best of the network on the way \(Self.decibels(best)), at step \(at)"
      }
      try Console.write(wrapping: text)
    }
    try print("saved \(saved.joined(separator: ", "))")
  }

  /// What was done, and how fast.
  private func effort(_ result: Result) -> String {
    let all = plural(result.iterations, "step")
    let stopped =
      result.stoppedEarly
      ? ", stopped early: the outputs varied least at step \(result.leastVarianceIteration ?? 0)"
      : ""
    guard let rate = result.iterationsPerSecond else {
      let limit = prior.settings.iterations
      return "nothing was left to do: the fit has \(all)\(stopped); "
        + (result.iterations < limit
          ? "a larger --patience goes on"
          : "--iterations is \(limit), and with more than \(result.iterations) it goes on")
    }
    let part = firstIteration > 0 ? ", the last \(result.iterationsRun) of them" : ""
    return "\(all)\(part) in \(HumanReadable.duration(result.seconds)), "
      + "\(HumanReadable.fixed(rate, digits: 2)) a second\(stopped)"
  }
}
