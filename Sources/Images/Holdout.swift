/// A share of a data set that training does not see.
///
/// Of each class the same share is drawn, by a number that depends on the seed and the sample's
/// name alone: the same data gives the same parts, in whatever folder it lies.
public struct Holdout: Hashable, Sendable, Codable {
  /// Above 0, at most 1.
  public var share: Double
  /// Another seed holds out other samples.
  public var seed: UInt64

  /// Of each class, where nothing else is asked for.
  public static let usualShare = 0.1

  /// A share that is checked when it is held out of data.
  public init(share: Double = Self.usualShare, seed: UInt64 = 0) {
    self.share = share
    self.seed = seed
  }
}
