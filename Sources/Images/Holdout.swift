/// A share of a data set that training does not see.
///
/// Of each class the same share is drawn, by a number that depends on the seed and the sample's
/// name alone: the same data gives the same parts, in whatever folder it lies.
public struct Holdout: Hashable, Sendable, Codable {
  /// Above 0, at most 1.
  public var share: Double
  /// Another seed holds out other samples.
  public var seed: UInt64
  /// Where it was drawn once, what of each class was held out. Pictures that come to the data later then leave the others in
  /// their parts. `nil`: by ``share`` of what there is.
  package var drawn: [Drawn]?

  /// What of a class was held out: the samples with the least numbers.
  package struct Drawn: Hashable, Sendable, Codable {
    /// The greatest number; 0 where nothing was held out.
    package var greatest: UInt64
    /// Samples that have it: of one name there may be several.
    package var count: Int

    package init() { (greatest, count) = (0, 0) }

    package mutating func add(_ number: UInt64) {
      if number > greatest { (greatest, count) = (number, 0) }
      if number == greatest { count += 1 }
    }

    /// How many of ascending numbers are held out.
    package func count(of numbers: [UInt64]) -> Int {
      numbers.count { $0 < greatest } + min(count, numbers.count { $0 == greatest })
    }
  }

  /// Of each class, where nothing else is asked for.
  public static let usualShare = 0.1

  /// A share that is checked when it is held out of data.
  public init(share: Double = Self.usualShare, seed: UInt64 = 0) {
    self.share = share
    self.seed = seed
  }
}
