public import ConvNetImages
public import ConvNetTensors

/// Some samples of another data set, perhaps with other numbers for their classes, or with numbers to predict that are scaled.
public struct Selection<Base: Dataset>: Dataset {
  let base: Base
  public let classNames: [String]
  /// The samples' places in `base`; `nil` for all.
  private let indices: [Int]?
  /// The new number of each class of `base`; `nil` where they stay.
  private let labels: [Int]?
  /// Where `base` has each target; `nil` where it has not, or for one that nobody has. Empty where they stay.
  private let places: [Int?]
  private let scaling: TargetScaling?

  init(
    _ base: Base, indices: [Int]? = nil, classNames: [String]? = nil, labels: [Int]? = nil,
    places: [Int?] = [], scaling: TargetScaling? = nil
  ) {
    self.base = base
    self.indices = indices
    self.labels = labels
    self.places = places
    self.scaling = scaling
    self.classNames = classNames ?? base.classNames
  }

  private func place(_ index: Int) -> Int { indices?[index] ?? index }

  public var name: String { base.name }
  public var count: Int { indices?.count ?? base.count }
  public var imageShape: Shape? { base.imageShape }

  public func label(at index: Int) -> Int {
    let label = base.label(at: place(index))
    return labels?[label] ?? label
  }

  public var targetKind: TargetKind { base.targetKind }

  public func targets(at index: Int) -> [Float] {
    // One for the class has moved with its label.
    guard targetKind != .classes else { return oneHot(label(at: index)) }
    var targets = base.targets(at: place(index))
    if !places.isEmpty { targets = places.map { place in place.map { targets[$0] } ?? 0 } }
    guard let scaling else { return targets }
    return targets.indices.map { scaling.standardized(targets[$0], at: $0) }
  }

  private func oneHot(_ label: Int) -> [Float] {
    classNames.indices.map { $0 == label ? 1 : 0 }
  }

  public var passedOver: [String: Int] { base.passedOver }
  public func sampleName(at index: Int) -> String { base.sampleName(at: place(index)) }
  public func picturePath(at index: Int) -> String? { base.picturePath(at: place(index)) }

  public func sample(at index: Int) throws -> Sample {
    var sample = try base.sample(at: place(index))
    sample.label = label(at: index)
    return sample
  }
}

// A loader takes pictures from memory or from files by these protocols, so that a selection must
// have what its base has.
extension Selection: InMemoryDataset where Base: InMemoryDataset {
  package func withPixels<Result>(at index: Int, _ body: (Span<UInt8>) -> Result) -> Result {
    base.withPixels(at: place(index), body)
  }
}

extension Selection: EncodedDataset where Base: EncodedDataset {
  package func readEncoded(at index: Int, into bytes: inout [UInt8]) throws -> String {
    try base.readEncoded(at: place(index), into: &bytes)
  }

  package func readBeginning(
    at index: Int, byteCount: Int, into bytes: inout [UInt8]
  ) throws {
    try base.readBeginning(at: place(index), byteCount: byteCount, into: &bytes)
  }
}

extension Dataset {
  /// The samples at some places, in their order.
  package func selecting(_ indices: [Int]) -> any Dataset { Selection(self, indices: indices) }

  /// The same samples with their classes numbered as in `names`, found by name, those of ImageNet by their
  /// WordNet numbers too; `nil` where a class is not among them. Of labels the same; of numbers those of these names, `nil` where
  /// one is not among the data's.
  package func numbered(as names: [String]) -> (any Dataset)? {
    if names == classNames { return self }
    let numbers = ClassPlaces(names)
    if targetKind != .classes {
      let own = Dictionary(zip(classNames, classNames.indices)) { first, _ in first }
      let places = names.map { own[$0] }
      let isWhole =
        targetKind == .numbers
        ? !places.contains(nil) : classNames.allSatisfy { numbers[$0] != nil }
      return isWhole ? Selection(self, classNames: names, places: places) : nil
    }
    let labels = classNames.compactMap { numbers[$0] }
    guard labels.count == classNames.count else { return nil }
    return Selection(self, classNames: names, labels: labels)
  }

  /// The same samples, whose numbers to predict are standardized.
  package func standardized(by scaling: TargetScaling) -> any Dataset {
    Selection(self, scaling: scaling)
  }
}

extension TargetScaling {
  /// The mean and the standard deviation of each number over all samples, summed in double precision.
  ///
  /// - Throws: ``DatasetError`` where a number is the same in all samples, or is not finite: it cannot be learned.
  public init(of dataset: any Dataset) throws(DatasetError) {
    let count = dataset.classNames.count
    var (sums, squares) = (
      [Double](repeating: 0, count: count), [Double](repeating: 0, count: count)
    )
    for index in 0..<dataset.count {
      for (place, target) in dataset.targets(at: index).enumerated() {
        sums[place] += Double(target)
      }
    }
    let means = sums.map { $0 / Double(max(1, dataset.count)) }
    for index in 0..<dataset.count {
      for (place, target) in dataset.targets(at: index).enumerated() {
        squares[place] += (Double(target) - means[place]) * (Double(target) - means[place])
      }
    }
    self.init(
      mean: means.map { Float($0) },
      deviation: squares.map { Float(($0 / Double(max(1, dataset.count))).squareRoot()) })
    for (place, name) in dataset.classNames.enumerated() {
      guard mean[place].isFinite, deviation[place].isFinite, deviation[place] > 0 else {
        throw DatasetError(
          dataset: dataset.name, problem: .constantNumber(name: name, value: mean[place]))
      }
    }
  }
}
