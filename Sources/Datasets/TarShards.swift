import ConvNetFiles
public import ConvNetTensors
import Foundation

/// Pictures in tar archives, as WebDataset lays them out: files that share a name up to its first
/// dot are one sample, `n01440764/10026.jpg` its picture and `n01440764/10026.cls` its class.
///
/// A class is a number, or a name where not all are numbers; what numbers mean, a file `classes.txt`
/// beside the first archive may say, one name a line. Other files of a sample are ignored. Archives
/// are scanned once for where their files lie; pictures are then read in any order.
public struct TarShards: EncodedDataset {
  public let name: String
  public let classNames: [String]
  /// Archives in order.
  public let shards: [String]
  private let samples: [Entry]
  public let passedOver: [String: Int]
  /// What cannot be used, where the archives were scanned to be verified: the archive or the sample in it, and why.
  let faults: [(name: String, reason: String)]

  struct Entry: Sendable {
    var shard: Int
    /// Where the picture lies in the archive.
    var start: Int
    var byteCount: Int
    var label: Int
    /// The picture's name in the archive.
    var member: String
  }

  /// Scans archives.
  ///
  /// - Throws: ``FileError`` where one cannot be read; ``TarError`` where it is damaged or compressed;
  ///   ``ShardError`` naming the sample that has no picture, no class or two; ``DatasetError`` where
  ///   there is no sample or a class has no name.
  public init(name: String, shards: [String]) throws {
    try self.init(name: name, shards: shards, beside: [:])
  }

  /// - Parameters:
  ///   - beside: what was passed over beside the archives.
  ///   - toVerify: whether what cannot be used is told by ``faults`` and no error.
  init(
    name: String, shards: [String], beside: [String: Int], toVerify: Bool = false
  ) throws {
    var found: [ShardIndex.Sample] = []
    var places: [Int] = []
    var passedOver = beside
    var faults: [(name: String, reason: String)] = []
    for (number, path) in shards.enumerated() {
      let index = try ShardIndex(path)
      if !toVerify { try index.requireSound() }
      faults += index.faults.map { ($0.name, $0.reason) }
      let samples = index.samples
      passedOver.merge(index.litter, uniquingKeysWith: +)
      found += samples
      places += repeatElement(number, count: samples.count)
    }
    guard !found.isEmpty || !faults.isEmpty else {
      throw DatasetError(dataset: name, problem: .empty)
    }
    self.faults = faults
    let classes = try ShardClasses(found.map(\.className), dataset: name, shards: shards)
    self.name = name
    self.shards = shards
    self.passedOver = passedOver
    classNames = classes.names
    samples = zip(found, zip(places, classes.labels)).map { sample, place in
      Entry(
        shard: place.0, start: sample.picture.lowerBound, byteCount: sample.picture.count,
        label: place.1, member: sample.member)
    }
  }

  public var count: Int { samples.count }
  public var imageShape: Shape? { nil }
  public func label(at index: Int) -> Int { samples[index].label }

  /// The archive's file name and the picture's name in it.
  public func sampleName(at index: Int) -> String {
    let path = shards[samples[index].shard]
    let file = path.lastIndex(of: "/").map { path[path.index(after: $0)...] } ?? path[...]
    return "\(file), \(samples[index].member)"
  }

  public func sample(at index: Int) throws -> Sample { try decodedSample(at: index) }

  package func readEncoded(at index: Int, into bytes: inout [UInt8]) throws -> String {
    let sample = samples[index]
    let path = shards[sample.shard]
    try readFile(path, sample.start..<sample.start + sample.byteCount, into: &bytes)
    return "\(path), \(sample.member)"
  }

  package func readBeginning(at index: Int, byteCount: Int, into bytes: inout [UInt8]) throws {
    let sample = samples[index]
    let end = sample.start + min(sample.byteCount, byteCount)
    try readFile(shards[sample.shard], sample.start..<end, into: &bytes)
  }
}

/// The numbers and names of the classes that shards have.
private struct ShardClasses {
  let names: [String]
  let labels: [Int]

  init(_ texts: [String], dataset: String, shards: [String]) throws {
    let numbers = texts.compactMap(Int.init)
    let listed = try Self.list(beside: shards)
    guard numbers.count == texts.count else {
      names = listed ?? Set(texts).sorted(by: precedesNaturally)
      let places = Dictionary(zip(names, names.indices)) { first, _ in first }
      labels = texts.compactMap { places[$0] }
      guard labels.count == texts.count else {
        let unknown = texts.first { places[$0] == nil } ?? ""
        throw ShardError(file: shards[0], sample: "", problem: .unlistedClass(unknown))
      }
      return
    }
    let largest = numbers.max() ?? 0
    // A class for each number up to the largest: more than there are samples is a mistake.
    guard numbers.allSatisfy({ $0 >= 0 }), largest < max(listed?.count ?? 0, 1 << 20) else {
      throw ShardError(
        file: shards[0], sample: "",
        problem: .unlistedClass("\(numbers.first { $0 < 0 } ?? largest)"))
    }
    names = listed ?? (texts.isEmpty ? [] : (0...largest).map(String.init))
    labels = numbers
    if let index = labels.firstIndex(where: { $0 >= names.count }) {
      throw DatasetError(
        dataset: dataset,
        problem: .label(index: index, value: labels[index], classes: names.count))
    }
  }

  private static func list(beside shards: [String]) throws -> [String]? {
    guard let first = shards.first else { return nil }
    let folder = first.lastIndex(of: "/").map { String(first[...$0]) } ?? ""
    let path = "\(folder)classes.txt"
    guard FileSystem.isFile(path) else { return nil }
    let lines = try TextLines(contentsOf: path).texts
      .map { $0.trimmingCharacters(in: .whitespaces) }
      .filter { !$0.isEmpty }
    return lines.isEmpty ? nil : lines
  }
}
