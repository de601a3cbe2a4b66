public import ConvNetFiles

/// How a ``BatchLoader`` works; what it delivers does not depend on this, but for bad samples.
public struct LoadingOptions: Hashable, Sendable {
  /// Threads that read, decode and augment; `nil` for as many as there is work for: one for pictures
  /// that lie in memory, otherwise one a processor. From 1 to 1024.
  public var workers: Int?
  /// Batches that may be ready before they are asked for, from 1 to 1024.
  public var prefetch: Int
  /// Decoded pictures are kept for the next epoch until they take so many bytes.
  public var cacheByteCount: Int
  /// What happens where a picture cannot be read.
  public var badSamples: BadSamplePolicy

  /// Options, each with its usual value where none is given.
  public init(
    workers: Int? = nil, prefetch: Int = 3, cacheByteCount: Int = 0,
    badSamples: BadSamplePolicy = .stop
  ) {
    self.workers = workers
    self.prefetch = prefetch
    self.cacheByteCount = cacheByteCount
    self.badSamples = badSamples
  }

  /// Checks the settings, before anything is read.
  ///
  /// - Throws: ``LoadingError`` with the first that is out of its range.
  public func validate() throws(LoadingError) {
    let counts = 1...1024
    if let workers, !counts.contains(workers) {
      throw LoadingError(setting: .workers, value: workers, requirement: "from 1 to 1024")
    }
    guard counts.contains(prefetch) else {
      throw LoadingError(setting: .prefetch, value: prefetch, requirement: "from 1 to 1024")
    }
    guard cacheByteCount >= 0 else {
      throw LoadingError(
        setting: .cache, value: cacheByteCount, requirement: "zero bytes or more")
    }
  }
}

/// A setting of ``LoadingOptions`` that is out of its range.
public struct LoadingError: ReadableError, Hashable, Sendable {
  /// A setting, by the name that errors call it.
  public enum Setting: String, Hashable, Sendable {
    /// ``LoadingOptions/workers``.
    case workers
    /// ``LoadingOptions/prefetch``.
    case prefetch
    /// ``LoadingOptions/cacheByteCount``.
    case cache
    /// Samples of a batch.
    case batchSize
  }

  /// Which one it is.
  public var setting: Setting
  /// What it was set to.
  public var value: Int
  /// What it must be, in words.
  public var requirement: String

  public var description: String {
    "\(setting == .batchSize ? "batch size" : setting.rawValue) is \(value), must be \(requirement)"
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

  package init(index: Int, reason: String) {
    self.index = index
    self.reason = reason
  }
}
