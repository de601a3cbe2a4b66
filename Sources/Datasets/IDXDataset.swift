import ConvNetImages
import ConvNetFiles
public import ConvNetTensors
import Foundation

/// Pictures and labels that two IDX files hold, or two tensors: all in memory, as bytes.
public struct IDXDataset: InMemoryDataset {
  public let name: String
  public let classNames: [String]
  /// `uint8` of shape [N, H, W, C].
  private let images: Tensor
  private let labels: [UInt8]
  private let height: Int
  private let width: Int
  private let channels: Int

  /// - Parameters:
  ///   - images: `uint8` of shape [N, H, W] or [N, H, W, C], C 1, 3 or 4.
  ///   - labels: `uint8` of shape [N].
  ///   - classNames: `nil` for "0", "1", … up to the largest label.
  /// - Throws: ``DatasetError`` where the two do not fit, are empty, or a label has no name.
  public init(
    name: String, images: Tensor, labels: Tensor, classNames: [String]? = nil
  ) throws(DatasetError) {
    func fail(_ problem: DatasetError.Problem) -> DatasetError {
      DatasetError(dataset: name, problem: problem)
    }
    for (part, tensor) in [("images", images), ("labels", labels)]
    where tensor.elementType != .uint8 {
      throw fail(.elementType(path: part, actual: tensor.elementType.rawValue))
    }
    let shape = images.shape
    guard shape.rank == 3 || (shape.rank == 4 && [1, 3, 4].contains(shape[3])) else {
      throw fail(.imageRank(path: "images", shape: shape.description))
    }
    guard labels.shape == [shape[0]] else {
      throw fail(.countMismatch(images: shape[0], labels: labels.count))
    }
    guard images.count > 0 else { throw fail(.empty) }
    self.labels = labels.elements(of: UInt8.self)
    let largest = Int(self.labels.max() ?? 0)
    let names = classNames ?? (0...largest).map(String.init)
    if let index = self.labels.firstIndex(where: { Int($0) >= names.count }) {
      throw fail(.label(index: index, value: Int(self.labels[index]), classes: names.count))
    }
    self.name = name
    self.classNames = names
    self.images = images
    height = shape[1]
    width = shape[2]
    channels = shape.rank == 4 ? shape[3] : 1
  }

  /// Reads a pair of IDX files, compressed or not.
  ///
  /// - Throws: ``FileError``, ``IDXError``; ``DatasetError`` as
  ///   ``init(name:images:labels:classNames:)``.
  public init(
    name: String, images: String, labels: String, classNames: [String]? = nil
  ) throws {
    try self.init(
      name: name, images: Tensor(idx: images), labels: Tensor(idx: labels), classNames: classNames)
  }

  public var count: Int { labels.count }
  public var imageShape: Shape? { [height, width, channels] }

  public func label(at index: Int) -> Int { Int(labels[index]) }

  public func sample(at index: Int) -> Sample {
    let pixels = withPixels(at: index) { span in span.withUnsafeBufferPointer { [UInt8]($0) } }
    return Sample(
      image: Image(height: height, width: width, channels: channels, pixels: pixels),
      label: label(at: index))
  }

  package func withPixels<Result>(at index: Int, _ body: (Span<UInt8>) -> Result) -> Result {
    guard 0..<count ~= index else { fatalError("sample \(index) of \(count)") }
    let size = height * width * channels
    return images.withSpan(of: UInt8.self) {
      body($0.extracting(index * size..<(index + 1) * size))
    }
  }
}

/// The file names that MNIST and the data sets made after it share.
enum MNISTFiles {
  static func load(
    name: String, classNames: [String], root: String, split: DatasetSplit, remedy: String
  ) throws -> IDXDataset {
    let prefix = split == .train ? "train" : "t10k"
    func path(_ part: String) throws(DatasetError) -> String {
      let plain = "\(root)/\(prefix)-\(part)-ubyte"
      // Unpacked by hand, some tools write a dot for the last dash.
      let candidates = [plain, "\(plain).gz", "\(root)/\(prefix)-\(part).ubyte"]
      guard let found = candidates.first(where: FileSystem.exists) else {
        throw DatasetError(
          dataset: name, problem: .missingFile(path: candidates[1], remedy: remedy))
      }
      return found
    }
    return try IDXDataset(
      name: name, images: path("images-idx3"), labels: path("labels-idx1"), classNames: classNames)
  }
}
