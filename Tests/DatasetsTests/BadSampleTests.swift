import ConvNetDatasets
import ConvNetFiles
import ConvNetImages
import ConvNetTensors
import ConvNetTestSupport
import Foundation
import Testing

@Suite("Samples that cannot be read") struct BadSampleTests {
  private static func loader(
    _ dataset: any Dataset, _ policy: BadSamplePolicy, workers: Int = 3, batchSize: Int = 4,
    cache: Int = 0
  ) throws -> BatchLoader {
    try BatchLoader(
      dataset, batchSize: batchSize,
      preprocessing: Preprocessing(height: 12, width: 10, channels: 3),
      augmentation: policy == .replace ? [.randomCrop(), .horizontalReflection()] : [],
      shuffleSeed: policy == .leaveOut ? nil : 5,
      options: LoadingOptions(workers: workers, cacheByteCount: cache, badSamples: policy))
  }

  /// Spoils files after the folder was listed: one truncated, one empty, one gone, one a folder,
  /// one no picture.
  private static func spoil(_ folder: borrowing PictureFolder) throws -> [Int] {
    let bad = [3, 4, 9, 10, 13]
    let paths = bad.map { folder.dataset.path(at: $0) }
    try Data(fileBytes(paths[0]).prefix(300)).write(to: URL(fileURLWithPath: paths[0]))
    try Data().write(to: URL(fileURLWithPath: paths[1]))
    try FileManager.default.removeItem(atPath: paths[2])
    try FileManager.default.removeItem(atPath: paths[3])
    try FileManager.default.createDirectory(
      atPath: paths[3], withIntermediateDirectories: false)
    try Data("no picture".utf8).write(to: URL(fileURLWithPath: paths[4]))
    return bad
  }

  @Test("Stop: the epoch ends with the first of the order, after the batches before it")
  func stop() throws {
    let folder = try PictureFolder(count: 20)
    let bad = try Self.spoil(folder)
    let order = permutation(of: 20, key: RandomKey(seed: 5, purpose: .shuffling, epoch: 2))
    let first = try #require(order.firstIndex(where: bad.contains))
    for workers in [1, 4] {
      let loader = try Self.loader(folder.dataset, .stop, workers: workers)
      loader.start(epoch: 2)
      var batches = 0
      var message = ""
      do {
        while try loader.next() != nil { batches += 1 }
      } catch {
        message = "\(error)"
      }
      #expect(batches == first / 4)
      #expect(message.contains(folder.dataset.path(at: order[first])), "\(message)")
      #expect(try loader.next() == nil)
      #expect(loader.skippedCount == 0)
    }
  }

  @Test("Replace: batches keep their size, the next good sample comes, and all is told once")
  func replace() throws {
    let folder = try PictureFolder(count: 20)
    let bad = try Self.spoil(folder)
    let expected = try Epoch(Self.loader(folder.dataset, .replace, workers: 1), 0)
    #expect(expected.counts == [4, 4, 4, 4, 4])
    let order = permutation(of: 20, key: RandomKey(seed: 5, purpose: .shuffling))
    let labels = order.indices.map { position in
      let places = (position..<position + 20).map { order[$0 % 20] }
      return Int32(folder.dataset.label(at: places.first { !bad.contains($0) } ?? 0))
    }
    #expect(expected.labels == labels)
    let loader = try Self.loader(folder.dataset, .replace, workers: 4, batchSize: 7)
    #expect(try Epoch(loader, 0) == expected)
    var told = loader.takeSkipped()
    #expect(Set(told.map(\.index)) == Set(bad) && told.count == bad.count)
    for sample in told {
      #expect(sample.reason.contains(folder.dataset.path(at: sample.index)), "\(sample.reason)")
    }
    _ = try Epoch(loader, 1)
    told = loader.takeSkipped()
    #expect(told.isEmpty && loader.skippedCount == bad.count)
  }

  @Test("Leave out: the others come in their order, none twice")
  func leaveOut() throws {
    let folder = try PictureFolder(count: 20)
    let good = try PictureFolder(count: 20)
    let bad = try Self.spoil(folder)
    let epoch = try Epoch(Self.loader(folder.dataset, .leaveOut), 0)
    #expect(epoch.counts == [3, 3, 2, 3, 4])
    let whole = try Epoch(Self.loader(good.dataset, .leaveOut), 0)
    let kept = (0..<20).filter { !bad.contains($0) }
    #expect(epoch.labels == kept.map { whole.labels[$0] })
    #expect(epoch.images == kept.flatMap { whole.images[$0 * 360..<($0 + 1) * 360] })
  }

  @Test("Where no sample can be read the epoch ends: with the error, or empty")
  func none() throws {
    let folder = try PictureFolder(count: 6)
    for index in 0..<6 {
      try FileManager.default.removeItem(atPath: folder.dataset.path(at: index))
    }
    for policy in [BadSamplePolicy.stop, .replace] {
      #expect(throws: FileError.self) { try Epoch(Self.loader(folder.dataset, policy), 0) }
    }
    #expect(try Epoch(Self.loader(folder.dataset, .leaveOut), 0).counts.isEmpty)
  }

  @Test("A picture in the cache needs no file; the cache keeps to its limit")
  func cache() throws {
    let folder = try PictureFolder(count: 8)
    let size = 20 * 26 * 3
    let cached = try Self.loader(folder.dataset, .stop, cache: 8 * size)
    let tooSmall = try Self.loader(folder.dataset, .stop, cache: 8 * size - 1)
    let expected = try Epoch(cached, 0)
    #expect(try Epoch(tooSmall, 0) == expected)
    for index in 0..<8 {
      try FileManager.default.removeItem(atPath: folder.dataset.path(at: index))
    }
    #expect(try Epoch(cached, 0) == expected)
    #expect(throws: FileError.self) { try Epoch(tooSmall, 0) }
  }

  @Test("A pipe or a device in the place of a picture is refused, not waited for")
  func pipes() throws {
    let directory = try TemporaryDirectory()
    #expect(mkfifo(directory.file("pipe"), 0o600) == 0)
    var bytes: [UInt8] = []
    #expect(throws: FileError.self) { try readFile(directory.file("pipe"), into: &bytes) }
    #expect(throws: FileError.self) { try readFile("/dev/zero", into: &bytes) }
    try directory.write([1, 2, 3], to: "file")
    try readFile(directory.file("file"), into: &bytes)
    #expect(bytes == [1, 2, 3])
    try directory.write([4], to: "file")
    try readFile(directory.file("file"), into: &bytes)
    #expect(bytes == [4])
  }
}
