public import ConvNetFiles
import ConvNetImages
import ConvNetTensors

/// Data in k parts of about the same size and classes, each of which is once what the others are tested on.
///
/// Which part a sample is in depends on the seed, its name, class and group, and on which others there are; not on where the data
/// lies. Samples of one group, such as the pictures of one patient, are never in two parts.
public struct DatasetFolds: Hashable, Sendable {
  /// How many parts.
  public let count: Int
  /// The part of each sample, from 0.
  public let parts: [Int]

  /// Divides data.
  ///
  /// Without groups, each class is dealt out in the order of its draws: parts differ by one sample of a class, and by one in
  /// all. With groups, the largest first, each goes where its classes are rarest: to the part p of the least sum over classes
  ///
  ///     n[group, class] count[p, class] / total[class]^2
  ///
  /// - Parameters:
  ///   - count: from 2 to the number of samples, or of groups.
  ///   - groups: one a sample; `nil` for a sample that is a group of its own.
  /// - Throws: ``FoldsError``.
  public init(
    of dataset: any Dataset, count: Int, seed: UInt64 = 0, groups: [String?]? = nil
  ) throws(FoldsError) {
    let places = Array(0..<dataset.count)
    if let groups, groups.count != dataset.count {
      throw .groupCount(groups.count, samples: dataset.count)
    }
    guard count >= 2 else { throw .count(count) }
    let labels = places.map { dataset.label(at: $0) }
    let draws = places.map { Holdout.draw(dataset.sampleName(at: $0), seed: seed) }
    var parts = [Int](repeating: 0, count: dataset.count)
    if let groups {
      let lots = Self.lots(groups, names: places.map { dataset.sampleName(at: $0) }, seed: seed)
      guard lots.count >= count else {
        throw .tooFew(count: count, of: lots.count, areGroups: true)
      }
      Self.deal(lots, labels, classes: dataset.classNames.count, count: count, into: &parts)
    } else {
      guard dataset.count >= count else {
        throw .tooFew(count: count, of: dataset.count, areGroups: false)
      }
      var next = 0
      for members in Dictionary(grouping: places, by: { labels[$0] }).sorted(by: { $0.key < $1.key }
      ) {
        for place in members.value.sorted(by: { (draws[$0], $0) < (draws[$1], $1) }) {
          parts[place] = next % count
          next += 1
        }
      }
    }
    self.count = count
    self.parts = parts
  }

  /// Samples that stay together, and the draw that decides between lots alike.
  private struct Lot {
    var members: [Int]
    var draw: UInt64
  }

  private static func lots(_ groups: [String?], names: [String], seed: UInt64) -> [Lot] {
    var lots: [Lot] = []
    var known: [String: Int] = [:]
    for (place, group) in groups.enumerated() {
      guard let group else {
        lots.append(Lot(members: [place], draw: Holdout.draw(names[place], seed: seed)))
        continue
      }
      if let index = known[group] {
        lots[index].members.append(place)
      } else {
        known[group] = lots.count
        lots.append(Lot(members: [place], draw: Holdout.draw(group, seed: seed)))
      }
    }
    return lots.sorted {
      ($1.members.count, $0.draw, $0.members[0]) < ($0.members.count, $1.draw, $1.members[0])
    }
  }

  private static func deal(
    _ lots: [Lot], _ labels: [Int], classes: Int, count: Int, into parts: inout [Int]
  ) {
    var totals = [Double](repeating: 0, count: classes)
    for label in labels { totals[label] += 1 }
    var counts = [[Double]](repeating: [Double](repeating: 0, count: classes), count: count)
    var sizes = [Int](repeating: 0, count: count)
    for lot in lots {
      var own: [Int: Double] = [:]
      for place in lot.members { own[labels[place], default: 0] += 1 }
      // In the order of the classes, so that sums are the same in every process.
      let sorted = own.sorted { $0.key < $1.key }
      let costs = counts.map { part in
        sorted.reduce(0.0) { $0 + $1.value * part[$1.key] / (totals[$1.key] * totals[$1.key]) }
      }
      let best =
        (0..<count).min { (costs[$0], sizes[$0], $0) < (costs[$1], sizes[$1], $1) } ?? 0
      for (label, number) in sorted { counts[best][label] += number }
      sizes[best] += lot.members.count
      for place in lot.members { parts[place] = best }
    }
  }

  /// A part to test on, or the others to train on.
  ///
  /// - Precondition: the data is that of the folds, and `0..<count` contains `fold`.
  public func part(
    _ split: DatasetSplit, fold: Int, of dataset: any Dataset
  ) -> any Dataset {
    dataset.selecting(parts.indices.filter { (parts[$0] == fold) == (split == .test) })
  }
}

/// Why data cannot be divided into parts.
public enum FoldsError: Error, Hashable, Sendable {
  /// Fewer than two parts.
  case count(Int)
  /// There are fewer samples, or groups, than parts.
  case tooFew(count: Int, of: Int, areGroups: Bool)
  /// There is not a group a sample.
  case groupCount(Int, samples: Int)
}

extension FoldsError: ReadableError {
  public var description: String {
    switch self {
    case .count(let count): "\(plural(count, "part")) cannot test each other; take 2 or more"
    case .tooFew(let count, let number, let areGroups):
      "\(plural(number, areGroups ? "group" : "picture")) cannot be in \(count) parts; take fewer parts"
    case .groupCount(let count, let samples):
      "there are \(plural(count, "group")) for \(plural(samples, "picture")); give one for each"
    }
  }
}
