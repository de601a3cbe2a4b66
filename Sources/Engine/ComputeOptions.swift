public import ConvNetCompiler
public import ConvNetFiles

/// On what, and how exactly, a network is computed.
public struct ComputeOptions: Hashable, Sendable {
  /// Threads that a run uses at most, 1 to 1024: a small network at a small batch is done sooner by one. Compiling for another
  /// number throws ``EngineError``.
  public var threads: Int
  /// How the algorithm of each convolution is chosen.
  public var tuning: Tuning
  /// Whether convolutions are computed as they are written. Otherwise those of 3x3, 5x5, 1x3 and 1x7 may use Winograd's minimal
  /// filtering, which does a half to a sixth of the multiplications and is less precise: `docs/performance.md` has the error.
  public var isExact: Bool
  /// How often a compiled network is going to run, where that is known and few; `nil` for many. Weights are not transformed
  /// where that takes longer than it saves. Of a network that runs once, weights are packed just before they are used, and the
  /// next layers' packed weights take their memory.
  public var expectedRuns: Int?
  /// What a training step computes again instead of keeping it in memory.
  public var recomputation: Recomputation
  /// Whether results are the same to the last bit for any number of threads: sums over the batch are cut into so many parts,
  /// whoever computes them. Our own kernels alone compute what several threads share, chosen by rule: ``tuning`` is not looked
  /// at. Other processors, other instructions and other versions may give other last digits.
  public var isDeterministic = false

  /// How the weights of dense layers are kept, in inference only.
  public var denseWeights: DenseWeights

  /// Whose kernels compute; to compare them. Where the environment says `CONVNET_LIBRARY=off`, our own alone.
  package var kernels = KernelLibrary.kernels

  /// Whether measurements choose algorithms: what is fastest depends on the number of threads.
  var isMeasured: Bool { tuning != .off && !isDeterministic }

  /// Parts of a sum, where results are not to depend on the number of threads: as many threads share it at most.
  package static let fixedParts = 8

  /// Where measurements are remembered. Default: `CONVNET_CACHE`, or the folder `convnet` where the system keeps caches.
  public var cacheFolder: String

  /// Options, each with its usual value where none is given.
  public init(
    threads: Int = Threads.preferred, tuning: Tuning = .off, isExact: Bool = false,
    expectedRuns: Int? = nil, denseWeights: DenseWeights = .float32,
    recomputation: Recomputation = .normalizations,
    cacheFolder: String = AlgorithmTable.cacheFolder
  ) {
    self.threads = threads
    self.tuning = tuning
    self.isExact = isExact
    self.expectedRuns = expectedRuns
    self.denseWeights = denseWeights
    self.recomputation = recomputation
    self.cacheFolder = cacheFolder
  }

  /// How the algorithm of each convolution is chosen.
  public enum Tuning: String, Hashable, Sendable, Codable, CaseIterable {
    /// By rule: the same at every run.
    case off
    /// As measured earlier, by the table in the cache folder; by rule where that is silent.
    case cached
    /// By measuring, once for each convolution; the table remembers.
    case full
  }

  /// Whose kernels may be used.
  package enum Kernels: String, Hashable, Sendable {
    case any
    /// Our own, and none of the library's.
    case own
    /// For convolutions the library's.
    case library
  }

  /// How the weights of dense layers are kept. A layer reads each of its weights once, so that at small batches memory sets its
  /// time: fewer bits are faster, by as much as they are fewer. They are converted when a network is compiled. Inputs, biases,
  /// products and sums are in single precision in each case.
  ///
  /// The errors below are of a weight; `docs/performance.md` has those of whole networks.
  public enum DenseWeights: String, Hashable, Sendable, Codable, CaseIterable {
    /// As they are.
    case float32
    /// Rounded to 8 bits of significand: half the memory, an error of at most 2^-8 of the weight.
    case bfloat16
    /// Whole steps from -127 to 127: a quarter of the memory, and an error of at most half a step. Each output has its own step,
    /// 1/127 of the largest magnitude among its weights. An output whose weights are not all finite is not a number.
    case int8
  }
}
