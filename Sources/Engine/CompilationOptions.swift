public import ConvNetCompiler
public import ConvNetTensors

/// What a graph is compiled for.
public struct CompilationOptions: Hashable, Sendable {
  public var mode: Mode
  /// The order in which pictures are given: [N, H, W, C] for `channelsLast`, [N, C, H, W] for `channelsFirst`.
  public var inputFormat: DataFormat
  /// Threads that a run uses.
  public var threads: Int

  public init(
    mode: Mode = .inference, inputFormat: DataFormat = .channelsLast,
    threads: Int = Threads.available
  ) {
    self.mode = mode
    self.inputFormat = inputFormat
    self.threads = max(1, threads)
  }
}
