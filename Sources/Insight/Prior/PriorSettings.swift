import ConvNetFiles
import ConvNetGraphs

/// How a picture is fitted by a network that is begun anew for it.
public struct PriorSettings: Hashable, Sendable, Codable {
  /// What the network is given.
  public enum Input: String, Hashable, Sendable, Codable, CaseIterable {
    /// Uniform numbers from 0 to 0.1, of as many channels as the network says.
    case noise
    /// Two channels: the column, and the row, from 0 to 1. For large holes, with a network without ways across.
    case meshGrid = "mesh-grid"
    /// Another picture of the same scene, in its own channels.
    case picture
  }

  /// The network.
  public var network: PriorNetwork
  /// What it is given.
  public var input: Input
  /// The standard deviation of what is added to the input at each step, drawn anew.
  public var perturbation: Float
  /// Adam's rate.
  public var learningRate: Float
  /// The weight of the old average of outputs at each step, from 0, the last output alone, to below 1.
  public var averaging: Float
  /// Steps at most.
  public var iterations: Int
  /// When to stop earlier; `nil` for never.
  public var stopping: OverfittingRule?
  /// Of the input, the parameters' beginnings and the perturbations. Other seeds find other pictures, where much is unknown.
  public var seed: UInt64

  /// Settings, those of the paper's denoising where nothing else is said.
  public init(
    network: PriorNetwork = PriorNetwork(), input: Input = .noise, perturbation: Float = 1 / 30,
    learningRate: Float = 0.01, averaging: Float = 0.99, iterations: Int = 2400,
    stopping: OverfittingRule? = nil, seed: UInt64 = 0
  ) {
    self.network = network
    self.input = input
    self.perturbation = perturbation
    self.learningRate = learningRate
    self.averaging = averaging
    self.iterations = iterations
    self.stopping = stopping
    self.seed = seed
  }

  /// As the paper's supplement has them for Gaussian noise: 2400 steps, stopped early.
  public static let denoising = PriorSettings(stopping: OverfittingRule())
  /// For missing text or pixels, 6000 steps: what is missing cannot be fitted, so nothing is stopped early.
  public static let inpainting = PriorSettings(
    network: PriorNetwork(skip: [128, 128, 128, 128, 128], upsampling: .nearest),
    perturbation: 0.03, iterations: 6000)
  /// For large holes: a mesh grid, and no ways across.
  public static let largeHoles = PriorSettings(
    network: PriorNetwork(
      skip: [0, 0, 0, 0, 0], upsampling: .nearest, inputChannels: 2), input: .meshGrid,
    perturbation: 0.03, iterations: 5000)
  /// For half of the pixels missing. The rate is ten times the authors', who take 11000 steps.
  public static let restoration = PriorSettings(perturbation: 0.03, iterations: 3000)
  /// For a picture in bad light beside one taken with a flash, which is the input: 600 steps. The rate is a tenth of the
  /// authors', which does not always find the colors.
  public static let flash = PriorSettings(
    network: PriorNetwork(inputChannels: 3), input: .picture, perturbation: 0, iterations: 600)

  /// For pictures that are to become larger by a factor: 2000 steps, 4000 from a factor of 8 on.
  public static func superResolution(factor: Int) -> PriorSettings {
    factor < 8
      ? PriorSettings(perturbation: 0.03, iterations: 2000)
      : PriorSettings(perturbation: 0.05, iterations: 4000)
  }

  /// - Throws: ``InsightError/setting(name:value:requirement:)`` for the first that makes no sense.
  public func validate() throws {
    try network.validate()
    func require(
      _ holds: Bool, _ name: String, _ value: some CustomStringConvertible, _ rule: String
    )
      throws
    {
      guard holds else {
        throw InsightError.setting(name: name, value: "\(value)", requirement: rule)
      }
    }
    try require(
      perturbation.isFinite && perturbation >= 0, "the perturbation", perturbation,
      "a finite number, zero or more")
    try require(
      learningRate.isFinite && learningRate > 0, "the learning rate", learningRate,
      "a finite number above zero")
    try require((0..<1).contains(averaging), "averaging", averaging, "from 0 to below 1")
    try require(1...10_000_000 ~= iterations, "iterations", iterations, "from 1 to 10000000")
    if let stopping {
      try require(2...10_000 ~= stopping.window, "the window", stopping.window, "from 2 to 10000")
      try require(stopping.patience > 0, "patience", stopping.patience, "above zero")
    }
    if input == .meshGrid {
      try require(
        network.inputChannels == 2, "the input's channels", network.inputChannels,
        "2 for a mesh grid")
    }
  }
}

/// When a fit begins to take up what is no picture, told without a picture to compare with (H. Wang, T. Li, Z. Zhuang, T. Chen,
/// H. Liang, J. Sun, "Early Stopping for Deep Image Prior", 2021, section 2.2).
///
/// The variance of the last W outputs x,
///
///     VAR(t) = 1/W sum over w < W of |x(t - w) - mean of the W outputs|^2,
///
/// falls while the outputs approach the picture, is least near it, and rises when they begin to follow the noise. Where P steps
/// bring no smaller one the fit ends. The paper takes the output at the least. Here the average of the outputs at the end is the
/// result: it lacks what they do not share, so that it is nearest to the picture some hundred steps later.
public struct OverfittingRule: Hashable, Sendable, Codable {
  /// W: outputs whose variance is taken.
  public var window: Int
  /// P: steps to wait for a smaller one.
  public var patience: Int

  /// The paper's rule, where nothing else is said.
  public init(window: Int = 100, patience: Int = 1000) {
    self.window = window
    self.patience = patience
  }
}

/// The variance of the last outputs. These are kept in 16 bits, whose sums are exact however long the fit.
package struct OutputVariance: Sendable {
  let window: Int
  /// Numbers of an output.
  let count: Int
  /// One output after the other; the oldest is overwritten.
  private(set) var outputs: [UInt16] = []
  /// Outputs so far.
  private(set) var total = 0
  private var sums: [UInt32]
  private var squares = 0.0

  package init(window: Int, count: Int) {
    self.window = window
    self.count = count
    sums = [UInt32](repeating: 0, count: count)
  }

  /// Goes on with outputs that were kept.
  init(window: Int, count: Int, outputs: [UInt16], total: Int) {
    self.init(window: window, count: count)
    self.outputs = outputs
    self.total = total
    for (index, level) in outputs.enumerated() {
      sums[index % count] += UInt32(level)
      squares += Double(level) * Double(level)
    }
  }

  private static let levels: Float = 65535

  /// Takes an output, of numbers from 0 to 1.
  ///
  /// - Returns: the mean over all numbers of their variance; `nil` before there are as many outputs as the window has.
  package mutating func append(_ output: Span<Float>) -> Double? {
    let first = total % window * count
    let isFull = outputs.count == window * count
    if !isFull { outputs.append(contentsOf: repeatElement(0, count: count)) }
    var change = 0.0
    for index in 0..<count {
      let level = UInt16((min(max(output[index], 0), 1) * Self.levels).rounded())
      let old = outputs[first + index]
      outputs[first + index] = level
      sums[index] = sums[index] &+ UInt32(level) &- UInt32(old)
      change += Double(level) * Double(level) - Double(old) * Double(old)
    }
    squares += change
    total += 1
    guard outputs.count == window * count else { return nil }
    let squaredSums = sums.reduce(0.0) { $0 + Double($1) * Double($1) }
    let scale = Double(Self.levels) * Double(Self.levels) * Double(count)
    return (squares / Double(window) - squaredSums / Double(window * window)) / scale
  }
}
