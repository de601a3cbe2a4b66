import CKernels
import ConvNetCompiler
public import ConvNetEngine
import ConvNetFiles
import ConvNetGraphs
public import ConvNetImages
import ConvNetLayers
import ConvNetTensors
import ConvNetTraining

/// A picture found by a network that knows no other (D. Ulyanov, A. Vedaldi, V. Lempitsky, "Deep Image Prior", 2018): parameters
/// that begin at random are fitted so that what the network makes of a fixed input looks, where it was observed, like the
/// picture. Its structure takes up what is natural long before noise, and fills in what is missing.
///
/// ```swift
/// let noisy = try Image(contentsOf: "noisy.png")
/// let prior = try DeepImagePrior(.denoising(noisy), settings: .denoising)
/// try prior.run()
/// try prior.result.writePNG(to: "clean.png")
/// ```
///
/// A run of the same seed gives the same picture, up to the order of sums on other numbers of threads. Belongs to one thread at a
/// time.
public final class DeepImagePrior {
  /// What is known of the picture.
  public let problem: PriorProblem
  /// How it is looked for.
  public let settings: PriorSettings
  /// Steps so far.
  public private(set) var iteration: Int
  /// Of the last step, before its update: the mean over all observed numbers of the squared difference, where a pixel is known;
  /// not a number before the first.
  public private(set) var loss = Double.nan
  /// The mean variance of the numbers of the last outputs, where the settings have a rule for stopping; `nil` before there are
  /// as many outputs as its window has.
  public private(set) var variance: Double?

  private var executable: Executable
  private let store: ParameterStore
  private let optimizer: OptimizerState
  private let parameters: [OptimizedParameter]
  private let parameterCount: Int
  private let threads: Int
  /// What the network is given, without what is added to it.
  private let base: [Float]
  /// Channels first, from 0 to 1.
  private var average: [Float]
  private var outputs: OutputVariance?
  /// Where the variance was least, and how large it was.
  private var least: (iteration: Int, variance: Double)?

  /// Builds the network and compiles its step.
  ///
  /// - Parameters:
  ///   - guide: what the network is given where the settings say a picture; of the extents of the one that is looked for.
  ///   - checkpoint: where to go on.
  /// - Throws: ``InsightError`` for settings that make no sense, for a guide of other extents, for a picture that is too large
  ///   for memory, and for a checkpoint of another picture or other settings; ``GraphError``, ``EngineError``.
  public init(
    _ problem: PriorProblem, settings: PriorSettings = .denoising, guide: Image? = nil,
    resuming checkpoint: PriorCheckpoint? = nil, compute: ComputeOptions = .init()
  ) throws {
    var settings = settings
    if settings.input == .picture, let guide {
      settings.network.inputChannels = min(3, guide.channels)
    }
    try settings.validate()
    try checkpoint?.requireFit(problem, settings)
    self.problem = problem
    self.settings = settings
    threads = compute.threads
    let height = settings.network.paddedExtent(problem.height)
    let width = settings.network.paddedExtent(problem.width)
    if settings.input == .picture { try Self.requireFit(guide, problem) }
    let step = try PriorStep(problem, settings, height: height, width: width)
    let adam = Adam(decayForm: .coupled)
    try checkpoint?.requireParameters(of: step.graph, slots: adam.slots)
    let store = try ParameterStore(
      checkpoint?.parameters ?? step.beginnings(seed: settings.seed))
    let optimizer = try OptimizerState(
      adam, graph: step.graph, slots: checkpoint?.slots ?? [:],
      updateCount: checkpoint?.iteration ?? 0)
    var executable = try Self.compiled(step, store, compute, problem)
    for (name, tensor) in step.inputs { try executable.write(tensor, to: name) }
    // After what needs most: that tells what would fit.
    base = try Self.input(settings, problem, guide, height: height, width: width)
    var parameters: [OptimizedParameter] = []
    for gradient in step.gradients {
      parameters.append(
        try executable.withUnsafeOutput(gradient.output) {
          optimizer.parameter(gradient.parameter, kind: gradient.kind, gradient: $0, in: store)
        })
    }
    self.store = store
    self.optimizer = optimizer
    self.executable = executable
    self.parameters = parameters
    parameterCount = step.parameterCount
    iteration = checkpoint?.iteration ?? 0
    loss = checkpoint?.loss ?? .nan
    let count = problem.channels * problem.height * problem.width
    average = checkpoint?.average ?? [Float](repeating: 0, count: count)
    if let rule = settings.stopping {
      outputs =
        checkpoint?.outputs(window: rule.window, count: count)
        ?? OutputVariance(window: rule.window, count: count)
      least = checkpoint?.least
    }
  }

  private static func compiled(
    _ step: PriorStep, _ store: ParameterStore, _ compute: ComputeOptions, _ problem: PriorProblem
  ) throws -> Executable {
    do {
      return try Executable(
        step.graph, training: store,
        options: CompilationOptions(
          mode: .training, inputFormat: .channelsFirst, compute: compute))
    } catch let error as EngineError {
      if let larger = tooLarge(error, problem) { throw larger }
      throw error
    }
  }

  /// The state as it is, to be kept.
  public var checkpoint: PriorCheckpoint {
    PriorCheckpoint(
      problem, settings, iteration: iteration, loss: loss, parameters: store.values,
      slots: optimizer.slots, average: average, outputs: outputs, least: least)
  }

  /// The largest resident memory of the process so far, in bytes.
  public static var peakMemoryByteCount: Int { Int(ck_peak_memory()) }

  // MARK: Steps

  /// One step: the loss, its gradient, and Adam's update.
  ///
  /// - Returns: the loss before the update.
  /// - Throws: ``InsightError/setting(name:value:requirement:)`` where the loss is not finite; ``EngineError``.
  @discardableResult
  public func step() throws -> Double {
    try executable.withInput(Network.inputName, of: Float.self) { input in
      NormalQuantiles.perturb(
        &input, base, deviation: settings.perturbation, seed: settings.seed, step: iteration,
        threads: threads)
    }
    try executable.run(step: iteration, seed: settings.seed)
    loss = try executable.withOutput(PriorStep.lossName) { Double($0[0]) }
    guard loss.isFinite else {
      throw InsightError.setting(
        name: "the loss after \(iteration) steps", value: "\(loss)",
        requirement: "a finite number; try a smaller learning rate")
    }
    executable.share(workOn: parameterCount) { [optimizer, parameters, settings] task, tasks in
      optimizer.update(
        parameters, learningRate: settings.learningRate, task: task, tasks: tasks)
    }
    optimizer.finishUpdate()
    iteration += 1
    try executable.withOutput(PriorStep.pictureName) { take($0) }
    return loss
  }

  private func take(_ output: Span<Float>) {
    let weight = iteration == 1 ? 0 : settings.averaging
    average.withUnsafeMutableBufferPointer { average in
      for index in average.indices {
        average[index] = weight * average[index] + (1 - weight) * output[index]
      }
    }
    variance = outputs?.append(output)
    if let variance, variance < least?.variance ?? .infinity { least = (iteration, variance) }
  }

  /// Whether the rule of the settings says to stop here.
  public var isOverfitting: Bool {
    guard let rule = settings.stopping, let least else { return false }
    return iteration - least.iteration >= rule.patience
  }

  /// Whether there is no more to do.
  public var isFinished: Bool { iteration >= settings.iterations || isOverfitting }

  /// Takes steps until there are no more to do.
  ///
  /// - Parameter progress: called after each step; what it throws ends the run, which may go on later.
  public func run(_ progress: (DeepImagePrior) throws -> Void = { _ in }) throws {
    while !isFinished {
      try step()
      try progress(self)
    }
  }

  // MARK: Pictures

  /// The step after which the outputs' variance was least so far; `nil` where it is not looked at.
  public var leastVarianceIteration: Int? { least?.iteration }

  /// The picture that was found: the average of the last outputs, with known pixels as they are where the problem says so.
  public var result: Image { problem.withKnownPixels(networkResult) }

  /// The same as the network alone has it.
  public var networkResult: Image {
    let (height, width, channels) = (problem.height, problem.width, problem.channels)
    var pixels = [UInt8](repeating: 0, count: average.count)
    for channel in 0..<channels {
      for pixel in 0..<height * width {
        let value = average[channel * height * width + pixel]
        pixels[pixel * channels + channel] = UInt8((min(max(value, 0), 1) * 255).rounded())
      }
    }
    return Image(height: height, width: width, channels: channels, pixels: pixels)
  }

  /// Peak signal-to-noise ratio of the average of the last outputs, as it is, against a picture of the same extents.
  ///
  /// - Throws: ``InsightError/extents(what:actual:expected:)`` for other extents.
  public func peakSignalToNoise(of reference: PriorReference) throws -> Double {
    guard reference.planes.count == average.count else {
      throw InsightError.extents(
        what: "the reference", actual: [reference.image.width, reference.image.height],
        expected: [problem.width, problem.height])
    }
    return PictureSimilarity.peakSignalToNoise(average, reference.planes)
  }

  // MARK: Input

  private static func input(
    _ settings: PriorSettings, _ problem: PriorProblem, _ guide: Image?, height: Int, width: Int
  ) throws -> [Float] {
    let count = height * width
    try Memory.require(
      4 * count * settings.network.inputChannels, for: "the input of the network")
    switch settings.input {
    case .noise:
      var numbers = RandomNumbers(RandomKey(seed: settings.seed, purpose: .input))
      return (0..<count * settings.network.inputChannels).map { _ in 0.1 * numbers.uniform() }
    case .meshGrid:
      func share(_ place: Int, _ extent: Int) -> Float { Float(place) / Float(extent - 1) }
      return (0..<count).map { share($0 % width, width) }
        + (0..<count).map { share($0 / width, height) }
    case .picture:
      guard let guide else { return [] }
      let planes = PriorProblem.planes(
        of: guide.converted(toChannels: settings.network.inputChannels))
      // Beyond the picture its last row and column go on.
      return planes.withSpan { planes in
        (0..<count * settings.network.inputChannels).map { index in
          let row = min(index % count / width, guide.height - 1)
          let column = min(index % width, guide.width - 1)
          return planes[(index / count * guide.height + row) * guide.width + column]
        }
      }
    }
  }

  /// - Throws: ``InsightError`` where there is no picture to be the input, or it has other extents.
  private static func requireFit(_ guide: Image?, _ problem: PriorProblem) throws {
    guard let guide else {
      throw InsightError.setting(
        name: "the input", value: "missing", requirement: "a picture of the same scene")
    }
    guard guide.height == problem.height, guide.width == problem.width else {
      throw InsightError.extents(
        what: "the picture that is the input", actual: [guide.width, guide.height],
        expected: [problem.width, problem.height])
    }
  }

  /// What is to be said of a picture for whose step there is no memory.
  private static func tooLarge(_ error: EngineError, _ problem: PriorProblem) -> InsightError? {
    guard case .outOfMemory(let byteCount) = error.problem else { return nil }
    // Memory grows with the pixels.
    var (low, high) = (0.0, 1.0)
    for _ in 0..<12 {
      let middle = (low + high) / 2
      if Memory.has(Int(Double(byteCount) * middle)) { low = middle } else { high = middle }
    }
    let share = low.squareRoot()
    return .tooLarge(
      height: problem.observed.height, width: problem.observed.width, byteCount: byteCount,
      fits: [
        Int(Double(problem.observed.width) * share), Int(Double(problem.observed.height) * share),
      ])
  }
}

/// A picture that results are compared with, ready to be compared with often.
public struct PriorReference: Sendable {
  /// The picture.
  public let image: Image
  let planes: [Float]

  /// A reference for pictures of so many channels.
  public init(_ image: Image, channels: Int) {
    self.image = image.converted(toChannels: channels)
    planes = PriorProblem.planes(of: self.image).elements
  }
}
