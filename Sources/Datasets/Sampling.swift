import ConvNetTensors

/// Which samples an epoch of a training goes through, and how often.
public enum Sampling: String, Hashable, Sendable, Codable, CaseIterable {
  /// Every sample once.
  case every
  /// As many samples as there are, of each class that has any equally many, but for a rest that goes to the first classes:
  /// samples of rare classes come several times, augmented anew each time, and of frequent ones some stay out, others at each
  /// epoch. Only of samples that are told by classes.
  case balanced
}

extension Sampling {
  /// The order of an epoch. An entry is the number of a sample, and, where it comes another time in the same epoch, the number of
  /// samples more for each time before: what random numbers are keyed by.
  ///
  /// - Parameter seed: of a training, whose order no thread and no batch size changes.
  func order(of dataset: any Dataset, seed: UInt64, epoch: Int) -> [Int] {
    let epoch = UInt32(truncatingIfNeeded: epoch)
    let count = dataset.count
    let shuffle = RandomKey(seed: seed, purpose: .shuffling, epoch: epoch)
    guard self == .balanced else { return permutation(of: count, key: shuffle) }
    var classes = [[Int]](repeating: [], count: dataset.classNames.count)
    for index in 0..<count { classes[dataset.label(at: index)].append(index) }
    let present = classes.enumerated().filter { !$0.element.isEmpty }
    var drawn: [Int] = []
    drawn.reserveCapacity(count)
    for (place, (label, samples)) in present.enumerated() {
      let wanted = count / present.count + (place < count % present.count ? 1 : 0)
      var round = 0
      var taken = 0
      while taken < wanted {
        // Each round is a shuffle of its own, of all samples of the class.
        let order = permutation(
          of: samples.count,
          key: RandomKey(
            seed: seed, purpose: .shuffling, epoch: epoch,
            index: UInt32(truncatingIfNeeded: 1 + label + round * classes.count)))
        for sample in order.prefix(wanted - taken) { drawn.append(samples[sample] + round * count) }
        taken += min(order.count, wanted - taken)
        round += 1
      }
    }
    return permutation(of: drawn.count, key: shuffle).map { drawn[$0] }
  }
}

extension Dataset {
  /// Weights of the classes by which all together weigh the same, in the order of the class names: N / (C n), of N samples, of
  /// which n are of the class, and C classes that have any. A class without samples has 1.
  public var balancedClassWeights: [Float] {
    let counts = sampleCounts
    let present = counts.count { $0 > 0 }
    return counts.map { $0 == 0 ? 1 : Float(Double(count) / (Double(present) * Double($0))) }
  }

  /// What a label that is there weighs beside one that is not, by which both weigh the same in the loss: (N - n) / n, of N
  /// samples, n of which have the label. A label that none or all have has 1.
  public var balancedPositiveWeights: [Float] {
    sampleCounts.map { 0 < $0 && $0 < count ? Float(Double(count - $0) / Double($0)) : 1 }
  }
}
