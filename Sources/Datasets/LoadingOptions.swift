/// How a ``BatchLoader`` works; what it delivers does not depend on this, but for bad samples.
public struct LoadingOptions: Hashable, Sendable {
  /// Threads that read, decode and augment; `nil` for as many as there is work for: one for pictures
  /// that lie in memory, otherwise one a processor.
  public var workers: Int?
  /// Batches that may be ready before they are asked for, at least 1.
  public var prefetch: Int
  /// Decoded pictures are kept for the next epoch until they take so many bytes.
  public var cacheByteCount: Int
  public var badSamples: BadSamplePolicy

  public init(
    workers: Int? = nil, prefetch: Int = 3, cacheByteCount: Int = 0,
    badSamples: BadSamplePolicy = .stop
  ) {
    self.workers = workers
    self.prefetch = prefetch
    self.cacheByteCount = cacheByteCount
    self.badSamples = badSamples
  }
}

/// What happens where a picture cannot be read or decoded.
public enum BadSamplePolicy: String, Hashable, Sendable, Codable, CaseIterable {
  /// The epoch ends with the error, which names the file.
  case stop
  /// The next good sample of the epoch's order takes its place, so that batches keep their size:
  /// for training.
  case replace
  /// The batch has a sample less: for measuring.
  case leaveOut
}

/// A sample that could not be read, and why.
public struct SkippedSample: Hashable, Sendable, Codable {
  /// In the data set.
  public var index: Int
  /// The error's description, which names the file.
  public var reason: String
}
