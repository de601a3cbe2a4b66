import CKernels
public import ConvNetCompiler
public import ConvNetEngine
import ConvNetFiles
import ConvNetGraphs
import ConvNetInference
public import ConvNetLayers
import ConvNetTensors
import Synchronization

/// Throughput and memory of a network at one batch size: of inference, or of whole training steps,
/// the optimizer's update included. The input is random numbers; nothing is loaded or decoded.
public struct Benchmark: Sendable {
  /// The network's name.
  public let modelName: String
  /// Examples of a run.
  public let batch: Int
  /// Runs at the same time, each on a part of the threads.
  public let requests: Int
  /// Of every measured step, ascending; of several requests, what each took of the time that they had together.
  public let stepSeconds: [Double]
  /// The time that compiling took, before the first run.
  public let compileSeconds: Double
  /// Bytes of the weights that the compiled network keeps.
  public let weightByteCount: Int
  /// Of inputs, outputs and every intermediate value, of all requests.
  public let activationByteCount: Int
  /// The largest resident memory of the process until the profile.
  public let peakMemoryByteCount: Int
  /// What the engine's steps took, where asked for: of three to twenty runs. The optimizer's update is no step of these.
  public let profile: ExecutionProfile?

  /// Compiles, warms up, and measures for some seconds (at least five steps). Training takes the parameters' memory where the
  /// caller keeps no model.
  ///
  /// - Parameters:
  ///   - requests: how many batches are computed at the same time, as a service does, each on a part of the threads and with the
  ///     same weights. More than one for inference alone, and without a profile, which is of one.
  ///   - profiling: whether to measure the machine's peaks and every step as well, which takes as long again and
  ///     half a second.
  public init(
    _ model: consuming Model, batch: Int, mode: Mode, requests: Int = 1,
    compute: ComputeOptions = .init(), seconds: Double = 3, profiling: Bool = false
  ) throws {
    modelName = model.graph.name
    self.batch = batch
    self.requests = mode == .inference && !profiling ? max(1, requests) : 1
    var compute = compute
    compute.threads = max(1, compute.threads / self.requests)
    let clock = ContinuousClock()
    let start = clock.now
    let trainer = Trainer(
      optimizer: .sgd(momentum: 0.9, weightDecay: 0.0005), schedule: .constant(1e-4),
      batchSize: batch, compute: compute)
    let description = model.withoutParameters
    let (session, step) = try Self.compile(consume model, batch: batch, mode: mode, trainer)
    compileSeconds = (clock.now - start) / .seconds(1)
    activationByteCount = self.requests * step.executable.activationByteCount

    try Self.fillInputs(of: &step.executable, model: description)
    if self.requests > 1 {
      stepSeconds = try Self.timesAtOnce(step, self.requests, seconds, model: description)
    } else {
      stepSeconds = try Self.times(for: seconds) {
        if let session { try session.run(step) } else { try step.executable.run() }
      }.sorted()
    }
    weightByteCount = step.executable.weightByteCount
    // Before the peaks are measured, which takes memory.
    peakMemoryByteCount = Int(ck_peak_memory())
    guard profiling else {
      profile = nil
      return
    }
    let peaks = try MachinePeaks.measured(threads: compute.threads)
    let runs = Int(min(20, max(3, seconds / stepSeconds[stepSeconds.count / 2])))
    profile = try step.executable.profile(runs: runs, peaks: peaks)
  }

  /// Warms up, and runs for some seconds.
  private static func times(for seconds: Double, _ run: () throws -> Void) throws -> [Double] {
    for _ in 0..<3 { try run() }
    let clock = ContinuousClock()
    var times: [Double] = []
    let end = clock.now + .seconds(seconds)
    while times.count < 5 || clock.now < end {
      let start = clock.now
      try run()
      times.append((clock.now - start) / .seconds(1))
    }
    return times
  }

  /// The same of several requests at once, ascending; each time is shared out among them.
  private static func timesAtOnce(
    _ step: CompiledStep, _ count: Int, _ seconds: Double, model: Model
  ) throws -> [Double] {
    let requests = try (0..<count).map { _ in
      var executable = try step.executable.duplicate()
      try fillInputs(of: &executable, model: model)
      return Request(executable)
    }
    return try Threads.share(count, among: count, for: "requests", initial: [Double]()) {
      index, taken in
      taken += try requests[index].executable.withLock { executable in
        try times(for: seconds) { try executable.run() }
      }
    }.joined().map { $0 / Double(count) }.sorted()
  }

  /// What one thread at a time computes a request with.
  private final class Request: Sendable {
    let executable: Mutex<Executable>

    init(_ executable: consuming Executable) {
      self.executable = Mutex(executable)
    }
  }

  private static func compile(
    _ model: consuming Model, batch: Int, mode: Mode, _ trainer: Trainer
  ) throws -> (TrainingSession?, CompiledStep) {
    switch mode {
    case .inference:
      return (
        nil,
        CompiledStep(
          try model.executable(batch: batch, compute: trainer.compute), batch: batch)
      )
    case .training:
      let session = try TrainingSession(consume model, trainer: trainer)
      return (session, try session.makeStep(batch: batch))
    }
  }

  private static func fillInputs(of executable: inout Executable, model: Model) throws {
    var random = RandomNumbers(RandomKey(seed: 0, purpose: .input))
    try executable.withInput(model.inputName, of: Float.self) { image in
      for index in image.indices { image[index] = random.uniform() }
    }
    guard executable.inputShape(TrainingGraph.labelsName) != nil else { return }
    try executable.withInput(TrainingGraph.labelsName, of: Int32.self) { labels in
      for index in labels.indices { labels[index] = Int32(index % model.classCount) }
    }
  }

  /// The rate that `percentile` (0 to 1) of the steps do not exceed.
  public func imagesPerSecond(percentile: Double) -> Double {
    let place = Int((Double(stepSeconds.count - 1) * (1 - percentile)).rounded())
    return Double(batch) / stepSeconds[place]
  }
}
