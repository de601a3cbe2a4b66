import ConvNetDatasets
import ConvNetEngine
import ConvNetFiles
import ConvNetGraphs
import ConvNetImages
import ConvNetTensors
import Foundation

/// The features of a data set on disk: a header of 64 bytes, the numbers of one sample after the other as `float32` in little
/// endian, and behind them JSON of the samples that could not be read, by number.
///
/// The file's name is made of what decides the numbers: network, parameters, preparation of pictures, the fingerprint of the data
/// and the batch size. So nothing is read that belongs to another training.
struct FeatureFile {
  static let headerByteCount = 64
  private static let magic = [UInt8]("ConvNet features".utf8)

  let path: String
  private let folder: String
  private let header: [UInt8]
  /// Of all samples.
  private let byteCount: Int

  init(
    of dataset: any Dataset, by source: KeptFeatures.Source, in folder: String, floatCount: Int
  ) throws {
    var hash = FNVHash()
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    hash.combine(try encoder.encode(source.trunk))
    hash.combine(try encoder.encode(source.preprocessing))
    for (name, tensor) in source.parameters.sorted(by: { $0.key < $1.key }) {
      hash.combine(name.utf8)
      tensor.withUnsafeBytes { hash.combine(words: $0) }
    }
    hash.combine(DatasetFingerprint(of: dataset).digest.utf8)
    hash.combine(source.batchSize)
    self.folder = folder
    path = "\(folder)/features-\(hash.digits).bin"
    byteCount = source.byteCount(of: dataset.count)
    var header = Self.magic
    for number in [1, dataset.count, floatCount] {
      withUnsafeBytes(of: UInt64(number).littleEndian) { header += $0 }
    }
    self.header = header + [UInt8](repeating: 0, count: Self.headerByteCount - header.count)
  }

  /// The file and why some samples are not in it; `nil` where there is none, or another one.
  func read() throws -> (MappedFile, [Int: String])? {
    guard FileSystem.exists(path) else { return nil }
    let file = try MappedFile(path: path)
    let end = Self.headerByteCount + byteCount
    guard file.byteCount >= end,
      file.part(0..<Self.headerByteCount).elementsEqual(header),
      let reasons = try? JSONDecoder().decode(
        [Int: String].self, from: Data(file.part(end..<file.byteCount)))
    else { return nil }
    return (file, reasons)
  }

  /// - Parameter body: writes the features, and says why some samples have none.
  func write(_ body: (inout AtomicFile) throws -> [Int: String]) throws {
    try FileSystem.createFolder(folder)
    try AtomicFile.write(to: path) { file in
      try file.write(header.span.bytes)
      let reasons = try body(&file)
      let text = [UInt8](try JSONEncoder().encode(reasons))
      try file.write(text.span.bytes)
    }
  }
}
