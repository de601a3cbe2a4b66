public import ConvNetImages
public import ConvNetTensors

/// Labelled pictures, numbered from 0. Reading a sample changes nothing, so any number of threads
/// may.
public protocol Dataset: Sendable {
  /// For messages: a data set's name, or a folder.
  var name: String { get }
  /// The number of samples.
  var count: Int { get }
  /// What the labels 0, 1, 2, … mean.
  var classNames: [String] { get }
  /// Height, width and channels where all pictures share them; `nil` where they may differ.
  var imageShape: Shape? { get }

  /// The class of a sample, without reading its picture.
  ///
  /// - Precondition: `0..<count` contains `index`.
  func label(at index: Int) -> Int

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

  /// The classes of which there is no sample.
  public var emptyClassNames: [String] {
    var isEmpty = [Bool](repeating: true, count: classNames.count)
    for index in 0..<count { isEmpty[label(at: index)] = false }
    return zip(classNames, isEmpty).filter(\.1).map(\.0)
  }
}

/// A picture and its class.
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
