import ConvNetImages
import ConvNetTensors

/// What tells data from other data without reading all of it: how many samples each class has, and a number made of all
/// samples' names and classes in their order, and of the contents of some of the samples.
///
/// It does not depend on the folder in which the data lies.
public struct DatasetFingerprint: Hashable, Sendable, Codable {
  /// Samples of each class, or with each label; none where they are told by numbers.
  public let counts: [Int]
  /// Samples, where ``counts`` do not sum up to them.
  private var sampleCount: Int?
  /// 16 hexadecimal digits.
  public let digest: String

  /// Samples whose contents are read, spread evenly.
  private static let contentCount = 64

  /// The fingerprint of one part of data. Reads 64 samples at most.
  public init(of dataset: any Dataset) {
    var hash = FNVHash()
    let isOfClasses = dataset.targetKind == .classes
    for index in 0..<dataset.count {
      hash.combine(dataset.sampleName(at: index).utf8)
      if isOfClasses {
        hash.combine(dataset.label(at: index))
      } else {
        for target in dataset.targets(at: index) { hash.combine(Int(target.bitPattern)) }
      }
    }
    let read = min(Self.contentCount, dataset.count)
    var bytes: [UInt8] = []
    for place in 0..<read {
      hash.combineContents(of: dataset, at: place * dataset.count / read, using: &bytes)
    }
    counts = dataset.sampleCounts
    sampleCount = isOfClasses ? nil : dataset.count
    digest = hash.digits
  }

  /// All samples.
  public var count: Int { sampleCount ?? counts.reduce(0, &+) }
}

/// FNV-1a of 64 bits: a number of some bytes that is the same in every process.
package struct FNVHash {
  private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

  package init() {}

  package mutating func combine(_ bytes: some Sequence<UInt8>) {
    for byte in bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }
  }

  /// The same of eight bytes at a time: of much that lies in memory.
  package mutating func combine(words bytes: UnsafeRawBufferPointer) {
    let words = bytes.count / 8
    for index in 0..<words {
      let word = bytes.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self)
      value = (value ^ UInt64(littleEndian: word)) &* 0x100_0000_01B3
      // A product carries nothing down: the high half would never reach the low one.
      value ^= value >> 32
    }
    combine(bytes[(8 * words)...])
  }

  package mutating func combine(_ number: Int) {
    withUnsafeBytes(of: UInt64(bitPattern: Int64(number)).littleEndian) { combine($0) }
  }

  /// A sample that cannot be read counts as one without contents: whether that is an error is not decided here.
  fileprivate mutating func combineContents(
    of dataset: any Dataset, at index: Int, using bytes: inout [UInt8]
  ) {
    switch dataset {
    case let dataset as any InMemoryDataset:
      dataset.withPixels(at: index) { pixels in
        for place in pixels.indices { combine(CollectionOfOne(pixels[place])) }
      }
    case let dataset as any EncodedDataset:
      guard (try? dataset.readEncoded(at: index, into: &bytes)) != nil else { return }
      combine(bytes)
    default:
      guard let image = try? dataset.sample(at: index).image else { return }
      combine(image.pixels)
    }
  }

  package var digits: String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
