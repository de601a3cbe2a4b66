import ConvNetFiles
import ConvNetImages
public import ConvNetTensors

/// The pictures of CIFAR-10 or CIFAR-100, all in memory.
public struct CIFARDataset: InMemoryDataset {
  public let name: String
  public let classNames: [String]
  private let labels: [UInt8]
  /// In order [N, H, W, C].
  private let pixels: [UInt8]

  private static let side = 32

  /// - Parameter label: which of a record's labels counts.
  init(
    name: String, files: CIFARFiles, root: String, split: DatasetSplit, classNames: [String],
    label: Int = 0
  ) throws {
    var labels: [UInt8] = []
    var pixels: [UInt8] = []
    try files.read(split, root: root, dataset: name) { bytes, path in
      let record = files.recordSize
      guard bytes.byteCount > 0, bytes.byteCount.isMultiple(of: record) else {
        // Records begin with any bytes, as some formats of pictures do.
        if let kind = FileKind(of: bytes), !kind.isPicture {
          throw DatasetError(
            dataset: name,
            problem: .otherFile(path: path, kind, expected: "one of CIFAR's binary files"))
        }
        throw DatasetError(
          dataset: name,
          problem: .recordSize(path: path, byteCount: bytes.byteCount, record: record))
      }
      let count = bytes.byteCount / record
      bytes.withUnsafeBytes { bytes in
        labels += (0..<count).map { bytes[$0 * record + label] }
        Self.appendInterleaved(bytes, count: count, files, to: &pixels)
      }
    }
    if let index = labels.firstIndex(where: { Int($0) >= classNames.count }) {
      throw DatasetError(
        dataset: name,
        problem: .label(index: index, value: Int(labels[index]), classes: classNames.count))
    }
    self.name = name
    self.classNames = classNames
    self.labels = labels
    self.pixels = pixels
  }

  /// From planes to pixels.
  private static func appendInterleaved(
    _ bytes: UnsafeRawBufferPointer, count: Int, _ files: CIFARFiles, to pixels: inout [UInt8]
  ) {
    let plane = side * side
    let interleaved = [UInt8](unsafeUninitializedCapacity: count * 3 * plane) { target, size in
      for record in 0..<count {
        let source = record * files.recordSize + files.labelCount
        let first = record * 3 * plane
        for channel in 0..<3 {
          for place in 0..<plane {
            target[first + place * 3 + channel] = bytes[source + channel * plane + place]
          }
        }
      }
      size = count * 3 * plane
    }
    if pixels.isEmpty { pixels = interleaved } else { pixels += interleaved }
  }

  public var count: Int { labels.count }
  public var imageShape: Shape? { [Self.side, Self.side, 3] }
  public func label(at index: Int) -> Int { Int(labels[index]) }

  public func sample(at index: Int) -> Sample {
    let pixels = withPixels(at: index) { span in span.withUnsafeBufferPointer { [UInt8]($0) } }
    return Sample(
      image: Image(height: Self.side, width: Self.side, channels: 3, pixels: pixels),
      label: label(at: index))
  }

  package func withPixels<Result>(at index: Int, _ body: (Span<UInt8>) -> Result) -> Result {
    guard 0..<count ~= index else { fatalError("sample \(index) of \(count)") }
    let size = CIFARFiles.pictureSize
    return body(pixels.span.extracting(index * size..<(index + 1) * size))
  }
}
