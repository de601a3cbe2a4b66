public import ConvNetImages
public import ConvNetTensors

/// Labelled pictures, numbered from 0. Reading a sample changes nothing, so any number of threads
/// may.
public protocol Dataset: Sendable {
  /// For messages: a data set's name, or a folder.
  var name: String { get }
  /// The number of samples.
  var count: Int { get }
  /// What the classes 0, 1, 2, … are called; of samples that are not told by classes, the names of the labels or the numbers.
  var classNames: [String] { get }
  /// What the samples are told by: classes, where a data set says nothing.
  var targetKind: TargetKind { get }
  /// Height, width and channels where all pictures share them; `nil` where they may differ.
  var imageShape: Shape? { get }

  /// The class of a sample, without reading its picture; 0 where samples are told by labels or numbers.
  ///
  /// - Precondition: `0..<count` contains `index`.
  func label(at index: Int) -> Int

  /// What a sample is told by, one number for each of ``classNames``: of labels 1 for those that are there and 0 for the others,
  /// of numbers the numbers themselves. Of classes, where a data set says nothing, 1 for the class and 0 elsewhere.
  ///
  /// - Precondition: `0..<count` contains `index`.
  func targets(at index: Int) -> [Float]

  /// What a sample is called within its data set, which is what a ``Holdout`` draws by: a path
  /// below the folder, a place in an archive, or else the number.
  ///
  /// - Precondition: `0..<count` contains `index`.
  func sampleName(at index: Int) -> String

  /// How many files, folders or rows were passed over where the data lies, by what they are: an ending that is no picture's, the
  /// litter of file systems.
  var passedOver: [String: Int] { get }

  /// The file of a picture; `nil` where it is none of its own.
  ///
  /// - Precondition: `0..<count` contains `index`.
  func picturePath(at index: Int) -> String?

  /// A picture and its class.
  ///
  /// - Precondition: `0..<count` contains `index`.
  /// - Throws: what reading and decoding throws; the error names the file.
  func sample(at index: Int) throws -> Sample
}

extension Dataset {
  public func sampleName(at index: Int) -> String { "\(index)" }
  public var passedOver: [String: Int] { [:] }
  public func picturePath(at index: Int) -> String? { nil }
  public var targetKind: TargetKind { .classes }

  public func targets(at index: Int) -> [Float] {
    var targets = [Float](repeating: 0, count: classNames.count)
    targets[label(at: index)] = 1
    return targets
  }

  /// The classes, or labels, of which there is no sample.
  public var emptyClassNames: [String] {
    targetKind == .numbers ? [] : zip(classNames, sampleCounts).filter { $0.1 == 0 }.map(\.0)
  }

  /// The labels that every sample has: who says them always is right.
  public var sharedLabelNames: [String] {
    guard targetKind == .labels, count > 0 else { return [] }
    var shared = Array(classNames.indices)
    for index in 0..<count where !shared.isEmpty {
      let targets = targets(at: index)
      shared.removeAll { targets[$0] <= 0.5 }
    }
    return shared.map { classNames[$0] }
  }

  /// Samples of each class or with each label; none of numbers.
  package var sampleCounts: [Int] {
    var counts = [Int](repeating: 0, count: targetKind == .numbers ? 0 : classNames.count)
    for index in 0..<count {
      switch targetKind {
      case .classes: counts[label(at: index)] += 1
      case .labels:
        for (place, target) in targets(at: index).enumerated() where target > 0.5 {
          counts[place] += 1
        }
      case .numbers: break
      }
    }
    return counts
  }

  /// The samples in groups of which every part shall have its share: those of a class; where there are no classes, all.
  package var strata: [[Int]] {
    guard targetKind == .classes else { return [Array(0..<count)] }
    var strata = [[Int]](repeating: [], count: classNames.count)
    for index in 0..<count { strata[label(at: index)].append(index) }
    return strata
  }

  /// What a sample is told by, in words: its class, its labels, or its numbers.
  package func targetText(at index: Int) -> String {
    switch targetKind {
    case .classes: return classNames[label(at: index)]
    case .labels:
      return zip(classNames, targets(at: index)).filter { $0.1 > 0.5 }.map(\.0)
        .joined(separator: ", ")
    case .numbers:
      return zip(classNames, targets(at: index)).map { "\($0) \($1)" }.joined(separator: ", ")
    }
  }
}

/// A picture and its class. Labels and numbers are told by ``Dataset/targets(at:)``.
public struct Sample: Hashable, Sendable {
  /// The picture, of any size, as it was decoded.
  public var image: Image
  /// An index into the data set's class names.
  public var label: Int

  /// A picture of that class.
  public init(image: Image, label: Int) {
    self.image = image
    self.label = label
  }
}

/// The two parts that data sets come in.
public enum DatasetSplit: String, Hashable, Sendable, Codable, CaseIterable {
  /// To train on.
  case train
  /// To measure on: what other collections call validation.
  case test
}

/// A data set whose pictures all lie in memory with the same extents: read without allocating.
package protocol InMemoryDataset: Dataset {
  /// Lends the values of a picture in order [H, W, C].
  func withPixels<Result>(at index: Int, _ body: (Span<UInt8>) -> Result) -> Result
}
