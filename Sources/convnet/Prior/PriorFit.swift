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
  private let firstIteration: Int
  /// Pictures on the way, by their steps.
  private var snapshots: [(iteration: Int, image: Image)] = []
  private var frames: [Image] = []
  private var rows = "iteration,loss,variance,psnr\n"
  private var best: (iteration: Int, value: Double)?
  private var seconds = 0.0
  private var kept = 0.0

  init(
    _ prior: DeepImagePrior, options: PriorOptions, subject: String, purpose: String,
    baseline: String, truth: Image?
  ) {
    self.prior = prior
    self.options = options
    self.subject = subject
    self.purpose = purpose
    self.baseline = baseline
    reference = truth.map { PriorReference($0, channels: prior.problem.channels) }
    firstIteration = prior.iteration
  }

  private static var now: Double { ProcessInfo.processInfo.systemUptime }

  func run() throws {
    readSnapshots()
    let progress = Progress(
      "fitting", unit: "steps", total: prior.settings.iterations, options.shared, after: 1)
    Interruption.deferSignals()
    let begin = Self.now
    kept = begin
    do {
      try prior.run { prior in
        try take(prior)
        progress.update(prior.iteration) { .init(notes: notes) }
        if let signal = Interruption.signal {
          throw Interrupted(signal: signal, outcome: "")
        }
      }
    } catch let error as Interrupted {
      seconds = Self.now - begin
      try writePictures()
      let after = "the picture after \(prior.iteration) steps is \(options.output)"
      throw Interrupted(
        signal: error.signal,
        outcome: options.checkpoint.map { "\(after); --resume goes on with \($0)" }
          ?? "\(after); with --checkpoint it could go on")
    }
    seconds = Self.now - begin
    progress.finish(notes: notes)
    try writePictures()
    try report()
  }

  private var notes: [String] {
    ["loss \(HumanReadable.quantity(prior.loss))"]
      + (lastLikeness.map { ["\(HumanReadable.fixed($0, digits: 2)) dB"] } ?? [])
  }

  private var lastLikeness: Double?

  /// 1, 2, 5 and their tens.
  private static func isShown(_ iteration: Int) -> Bool {
    var rest = iteration
    while rest % 10 == 0, rest > 0 { rest /= 10 }
    return [1, 2, 5].contains(rest)
  }

  /// Frames of an animation, about so many.
  private static let frameCount = 48

  private func take(_ prior: DeepImagePrior) throws {
    let iteration = prior.iteration
    if let reference {
      let likeness = try prior.peakSignalToNoise(of: reference)
      lastLikeness = likeness
      if likeness > best?.value ?? -.infinity { best = (iteration, likeness) }
    }
    if options.csv != nil {
      let numbers = [prior.loss, prior.variance, lastLikeness].map { $0.map { "\($0)" } ?? "" }
      rows += "\(iteration),\(numbers.joined(separator: ","))\n"
    }
    if Self.isShown(iteration), options.strip != nil || options.snapshots != nil {
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
    if let path = options.checkpoint, Self.now - kept > 60 {
      try prior.checkpoint.write(to: path)
      kept = Self.now
    }
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

  /// Those of the fit that is gone on with.
  private func readSnapshots() {
    guard firstIteration > 0, let folder = options.snapshots else { return }
    for iteration in 1...firstIteration where Self.isShown(iteration) {
      let path = Self.path(of: iteration, in: folder)
      guard FileSystem.exists(path), let image = try? Image(contentsOf: path),
        image.height == prior.problem.height, image.width == prior.problem.width
      else { continue }
      snapshots.append((iteration, image))
    }
  }

  // MARK: Results

  private func writePictures() throws {
    // The state first: from it all the rest can be made.
    if let path = options.checkpoint { try prior.checkpoint.write(to: path) }
    guard prior.iteration > 0 else { return }
    try prior.result.writePNG(to: options.output)
    if let path = options.csv { try AtomicFile.write(rows, to: path) }
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
    panels += snapshots.filter { $0.iteration < prior.iteration }.suffix(5).map {
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
    var iterations: Int
    var stoppedEarly: Bool
    /// The step after which the outputs varied least.
    var leastVarianceIteration: Int?
    var loss: Double
    var seconds: Double
    var iterationsPerSecond: Double
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
      + [options.strip, options.animation, options.csv, options.checkpoint].compactMap { $0 }
    let result = try Result(
      iterations: prior.iteration, stoppedEarly: prior.isOverfitting,
      leastVarianceIteration: prior.leastVarianceIteration, loss: prior.loss, seconds: seconds,
      iterationsPerSecond: Double(prior.iteration - firstIteration) / max(seconds, 1e-9),
      peakMemoryBytes: DeepImagePrior.peakMemoryByteCount,
      psnr: likeness?.peakSignalToNoise, ssim: likeness?.structuralSimilarity,
      networkPsnr: reference.map {
        try PictureSimilarity(prior.networkResult, $0.image).peakSignalToNoise
      },
      baselinePsnr: reference.map {
        try PictureSimilarity(problem.baseline, $0.image).peakSignalToNoise
      }, bestPsnr: best?.value, bestIteration: best?.iteration, saved: saved)
    if options.shared.json { return try printJSON(result) }
    let stopped =
      result.stoppedEarly
      ? ", stopped early: the outputs varied least at step \(prior.leastVarianceIteration ?? 0)"
      : ""
    try Console.write(
      wrapping:
        "\(plural(result.iterations, "step")) in \(HumanReadable.duration(seconds)), \(HumanReadable.fixed(result.iterationsPerSecond, digits: 2)) a second\(stopped)"
    )
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
}
