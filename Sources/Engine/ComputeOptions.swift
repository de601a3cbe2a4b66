/// On what, and how exactly, a network is computed.
public struct ComputeOptions: Hashable, Sendable {
  /// Threads that a run uses.
  public var threads: Int
  public var tuning: Tuning
  /// Whether convolutions are computed as they are written. Otherwise those of 3x3, 5x5, 1x3 and 1x7 may use Winograd's minimal
  /// filtering, which does a half to a sixth of the multiplications and is less precise: `docs/performance.md` has the error.
  public var isExact: Bool

  /// Where measurements are remembered. Default: `CONVNET_CACHE`, or the folder `convnet` where the system keeps caches.
  public var cacheFolder: String

  public init(
    threads: Int = Threads.available, tuning: Tuning = .off, isExact: Bool = false,
    cacheFolder: String = AlgorithmTable.cacheFolder
  ) {
    self.threads = max(1, threads)
    self.tuning = tuning
    self.isExact = isExact
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
}
