public import ConvNetImages
import ConvNetTensors

extension Holdout {
  /// One part of a data set: `test` has the held-out share of each class, rounded, but at least one
  /// sample of a class that has two, and not all of it unless the share is 1; `train` has the rest. Samples that are told by
  /// labels or numbers are drawn from as if they were of one class.
  /// Samples keep their order.
  ///
  /// - Throws: ``DatasetError`` where the share is out of its range or the part has no sample.
  public func part(_ split: DatasetSplit, of dataset: any Dataset) throws -> any Dataset {
    guard share > 0, share <= 1 else {
      throw DatasetError(dataset: dataset.name, problem: .share(share))
    }
    var chosen: [Int] = []
    for (label, members) in dataset.strata.enumerated() {
      let drawn = members.map { (draw: draw(dataset.sampleName(at: $0)), index: $0) }
        .sorted { ($0.draw, $0.index) < ($1.draw, $1.index) }
      let known = self.drawn.map { label < $0.count ? $0[label] : Drawn() }
      let count = known?.count(of: drawn.map(\.draw)) ?? heldOut(of: drawn.count)
      chosen += (split == .test ? drawn[..<count] : drawn[count...]).map(\.index)
    }
    guard !chosen.isEmpty else {
      throw DatasetError(dataset: dataset.name, problem: .emptyPart(split, share: share))
    }
    return dataset.selecting(chosen.sorted())
  }

  /// The same, of data that may grow: pictures that are there already stay in their parts.
  ///
  /// - Parameter part: what it held out.
  package func kept(by part: any Dataset) -> Holdout {
    var holdout = self
    holdout.drawn = part.strata.map { members in
      var drawn = Drawn()
      for index in members { drawn.add(draw(part.sampleName(at: index))) }
      return drawn
    }
    return holdout
  }

  private func heldOut(of count: Int) -> Int {
    if share == 1 { return count }
    let rounded = Int((Double(count) * share).rounded())
    return count < 2 ? 0 : min(max(rounded, 1), count - 1)
  }

  private func draw(_ name: String) -> UInt64 { Self.draw(name, seed: seed) }

  /// The number that a name draws.
  static func draw(_ name: String, seed: UInt64) -> UInt64 {
    var hash = FNVHash()
    hash.combine(name.utf8)
    var numbers = RandomNumbers(
      RandomKey(
        seed: seed, purpose: .split, epoch: UInt32(truncatingIfNeeded: hash.value >> 32),
        index: UInt32(truncatingIfNeeded: hash.value)))
    return numbers.next()
  }
}
