public import ConvNetCompiler
public import ConvNetTensors

/// What a graph is compiled for.
public struct CompilationOptions: Hashable, Sendable {
  /// Whether it trains.
  public var mode: Mode
  /// The order in which pictures are given: [N, H, W, C] for `channelsLast`, [N, C, H, W] for `channelsFirst`.
  public var inputFormat: DataFormat
  /// On what, and how exactly, it is computed.
  public var compute: ComputeOptions

  /// Options, each with its usual value where none is given.
  public init(
    mode: Mode = .inference, inputFormat: DataFormat = .channelsLast,
    compute: ComputeOptions = .init()
  ) {
    self.mode = mode
    self.inputFormat = inputFormat
    self.compute = compute
  }

  /// The same with default choices of algorithms.
  public init(mode: Mode = .inference, inputFormat: DataFormat = .channelsLast, threads: Int) {
    self.init(mode: mode, inputFormat: inputFormat, compute: ComputeOptions(threads: threads))
  }

  /// Whether what is the same at every run is computed when the graph is compiled, and kept. Of one run it is a part.
  var keepsPreparation: Bool { mode == .training || compute.expectedRuns != 1 }

  /// Whether it is for a part of the batch, of which one thread computes all.
  private var isShard = false

  /// The same for one such part of several.
  var ofShard: CompilationOptions {
    var options = self
    options.threads = 1
    options.isShard = true
    return options
  }

  /// Parts into which kernels cut sums over the batch.
  var parts: Int { compute.isDeterministic && !isShard ? ComputeOptions.fixedParts : threads }

  /// Whether steps may be the library's, whose sums depend on the number of threads.
  var usesLibrary: Bool { compute.kernels != .own && (isShard || !compute.isDeterministic) }

  /// Threads that a run uses.
  public var threads: Int {
    get { compute.threads }
    set { compute.threads = newValue }
  }
}
