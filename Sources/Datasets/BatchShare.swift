/// Which part of every batch is read: all of it, or that of one of several processes that train together.
public struct BatchShare: Hashable, Sendable {
  /// Of the process, from 0.
  public let rank: Int
  /// Processes.
  public let count: Int

  /// All of it.
  public static let whole = BatchShare(rank: 0, of: 1)

  /// - Precondition: `0..<count` contains the rank; another ends the process.
  public init(rank: Int, of count: Int) {
    precondition(0..<count ~= rank, "a rank is from 0 to below the number of processes")
    (self.rank, self.count) = (rank, count)
  }

  /// The places of a batch of so many samples that are this part's: no two parts differ by more than one.
  package func places(of samples: Int) -> Range<Int> {
    samples * rank / count..<samples * (rank + 1) / count
  }

  /// The samples of the largest part.
  func capacity(of samples: Int) -> Int { (samples + count - 1) / count }
}
