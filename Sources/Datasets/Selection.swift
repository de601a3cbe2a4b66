import ConvNetImages
public import ConvNetTensors

/// Some samples of another data set, perhaps with other numbers for their classes.
public struct Selection<Base: Dataset>: Dataset {
  let base: Base
  public let classNames: [String]
  /// The samples' places in `base`; `nil` for all.
  private let indices: [Int]?
  /// The new number of each class of `base`; `nil` where they stay.
  private let labels: [Int]?

  init(_ base: Base, indices: [Int]? = nil, classNames: [String]? = nil, labels: [Int]? = nil) {
    self.base = base
    self.indices = indices
    self.labels = labels
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
  /// WordNet numbers too; `nil` where a class is not among them.
  package func numbered(as names: [String]) -> (any Dataset)? {
    if names == classNames { return self }
    let numbers = ClassPlaces(names)
    let labels = classNames.compactMap { numbers[$0] }
    guard labels.count == classNames.count else { return nil }
    return Selection(self, classNames: names, labels: labels)
  }
}
