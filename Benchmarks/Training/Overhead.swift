import ConvNet
import Foundation

/// What a training takes beside its engine: every step of a ``Trainer`` in turn with a bare run of the same compiled step.
///
/// The training has what one has: pictures in memory that are cropped and mirrored at random, momentum
/// with weight decay, clipping, an average of the weights, metrics, lines and events, and a checkpoint on the way.
struct Overhead {
  static let steps = 60
  static let batch = 16
  /// The most that the whole may take, of the engine's time.
  static let goal = 1.03

  static func measure(threads: Int) throws -> Bool {
    guard let entry = ModelRegistry["resnet18"] else { return false }
    let pictures = Noise(count: batch * (steps + 10))
    let model = Model(entry.network, seed: 1, classNames: pictures.classNames)
    let trainer = Trainer(
      optimizer: .sgd(momentum: 0.9, weightDecay: 0.0001), schedule: .constant(0.001),
      gradientTransforms: [.clipping(norm: 100)],
      averaging: .exponential(decay: 0.999),
      augmentation: [.randomCrop(), .horizontalReflection()], batchSize: batch, seed: 1,
      compute: ComputeOptions(threads: threads))
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "convnet-overhead-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let run = RunFolder(folder.path)
    try run.create()

    let clock = try StepClock(engineOf: model, trainer)
    var trained = model
    do {
      try trainer.fit(
        &trained, on: pictures, epochs: 1,
        loggers: [RunLog(run, .init(interval: .steps(steps / 2))), clock])
    } catch TrainingError.stopped {}
    let ratio = clock.wholeSeconds / clock.engineSeconds
    print(
      """
      ResNet-18, batch \(batch), \(threads) threads, \(clock.whole.count) steps: the engine \
      \(HumanReadable.duration(clock.engineSeconds / Double(clock.engine.count))) a step, a training \
      \(HumanReadable.duration(clock.wholeSeconds / Double(clock.whole.count))), \
      \(HumanReadable.fixed(ratio, digits: 3)) of it (waiting for pictures \
      \(HumanReadable.percent(clock.waitShare, digits: 2)), medians \
      \(HumanReadable.fixed(clock.medianRatio, digits: 3))); at most \(goal)
      """)
    return ratio <= goal
  }
}

/// Runs the engine alone after every step of a training, and measures both.
private final class StepClock: TrainingLogger {
  private let session: TrainingSession
  private let step: CompiledStep
  private var last: ContinuousClock.Instant?
  private(set) var whole: [Double] = []
  private(set) var engine: [Double] = []
  private(set) var waitShare = 0.0

  init(engineOf model: Model, _ trainer: Trainer) throws {
    session = try TrainingSession(model, trainer: trainer)
    step = try session.step(batch: trainer.batchSize)
  }

  var asksToStop: Bool { whole.count >= Overhead.steps }

  // The means of all steps, since what comes once in a while, such as a checkpoint, counts.
  var wholeSeconds: Double { whole.reduce(0, +) }
  var engineSeconds: Double { engine.reduce(0, +) }
  var medianRatio: Double { whole.sorted()[whole.count / 2] / engine.sorted()[engine.count / 2] }

  func stepEnded(_ report: StepReport, of training: TrainingInProgress) throws {
    let now = ContinuousClock.now
    // The first ones compile and warm up.
    if let last, report.step > 5 { whole.append((now - last) / .seconds(1)) }
    waitShare = report.dataWaitShare
    if let inputs = try training.inputs() { try step.write(inputs, to: "image") }
    try step.write(labels: Tensor([Int32](repeating: 1, count: Overhead.batch)))
    let start = ContinuousClock.now
    try step.run(step: report.step, seed: 1)
    let end = ContinuousClock.now
    if report.step > 5 { engine.append((end - start) / .seconds(1)) }
    last = end
  }
}

/// Colored noise of 256 x 256, in memory.
private struct Noise: Dataset {
  let name = "noise"
  let count: Int
  let classNames = (0..<1000).map { "class \($0)" }
  let imageShape: Shape? = [256, 256, 3]
  private let images: [Image]

  init(count: Int) {
    self.count = count
    var random = SystemRandomNumberGenerator()
    images = (0..<32).map { _ in
      let pixels = (0..<(256 * 256 * 3 / 8)).flatMap { _ in
        withUnsafeBytes(of: random.next()) { Array($0) }
      }
      return Image(height: 256, width: 256, channels: 3, pixels: pixels)
    }
  }

  func label(at index: Int) -> Int { index % 1000 }
  func sample(at index: Int) -> Sample {
    Sample(image: images[index % images.count], label: label(at: index))
  }
}
