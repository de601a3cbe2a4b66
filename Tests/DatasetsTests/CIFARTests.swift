import ConvNetDatasets
import ConvNetImages
import ConvNetTensors
import ConvNetTestSupport
import Testing

@Suite("CIFAR")
struct CIFARTests {
  /// A record: labels, then red, green and blue planes whose values tell their place.
  private static func record(_ labels: [UInt8], shift: Int) -> [UInt8] {
    labels
      + (0..<3072).map { UInt8(truncatingIfNeeded: shift + $0 / 1024 * 50 + $0 % 1024 % 41) }
  }

  private static let trainNames = (1...5).map { "data_batch_\($0).bin" }

  /// Two records a file.
  private static var cifar10: [(String, [UInt8])] {
    (trainNames + ["test_batch.bin"]).enumerated().map { number, name in
      (name, (0..<2).flatMap { record([UInt8(number + $0)], shift: 10 * number + $0) })
    }
  }

  private static var cifar100: [(String, [UInt8])] {
    ["train.bin", "test.bin"].enumerated().map { number, name in
      (name, (0..<3).flatMap { record([UInt8(number + $0), UInt8(97 + $0)], shift: $0) })
    }
  }

  private static func folder(_ files: [(String, [UInt8])], under path: String = "") throws
    -> TemporaryDirectory
  {
    let directory = try TemporaryDirectory()
    for (name, bytes) in files { try directory.write(bytes, to: path + name) }
    return directory
  }

  @Test("The five files in order, planes interleaved")
  func files() throws {
    let directory = try Self.folder(Self.cifar10)
    let train = try CIFAR10.load(root: directory.path, split: .train)
    #expect(train.count == 10 && train.imageShape == [32, 32, 3])
    #expect((0..<10).map(train.label) == [0, 1, 1, 2, 2, 3, 3, 4, 4, 5])
    let image = train.sample(at: 3).image
    for (row, column, channel) in [(0, 0, 0), (0, 1, 2), (31, 31, 1), (17, 4, 2)] {
      let expected = 11 + channel * 50 + (row * 32 + column) % 41
      #expect(image[row, column, channel] == UInt8(expected))
    }
    let test = try CIFAR10.load(root: directory.path, split: .test)
    #expect(test.count == 2 && (0..<2).map(test.label) == [5, 6])
    #expect(train.classNames[3] == "cat" && train.classNames.count == 10)
  }

  @Test("Fine labels, or coarse ones")
  func hundred() throws {
    let directory = try Self.folder(Self.cifar100)
    let fine = try CIFAR100.load(root: directory.path, split: .test)
    #expect((0..<3).map { fine.classNames[fine.label(at: $0)] } == ["wolf", "woman", "worm"])
    #expect(fine.classNames.count == 100 && Set(fine.classNames).count == 100)
    #expect(fine.classNames == fine.classNames.sorted())
    let coarse = try CIFAR100.load(root: directory.path, split: .test, coarse: true)
    #expect(
      (0..<3).map { coarse.classNames[coarse.label(at: $0)] }
        == ["fish", "flowers", "food_containers"])
    #expect(coarse.classNames.count == 20)
    #expect(fine.sample(at: 1).image == coarse.sample(at: 1).image)
  }

  @Test("An archive compressed twice is refused, as is one of more than CIFAR can need")
  func hostileArchives() throws {
    let archive = TarSamples.archive(Self.cifar10.map { ("cifar-10-batches-bin/\($0.0)", $0.1) })
    let twice = try Self.folder([
      ("cifar-10-binary.tar.gz", IDXSamples.gzip(IDXSamples.gzip(archive)))
    ])
    let damaged = #expect(throws: TarError.self) {
      try CIFAR10.load(root: twice.path, split: .train)
    }
    guard case .damaged = damaged?.problem else {
      Issue.record("\(damaged as Any)")
      return
    }
    let claims = TarSamples.File(name: "a", contents: [], claimedSize: 1 << 30 + 1)
    let claimed = try Self.folder([
      ("cifar-10-binary.tar.gz", IDXSamples.gzip(TarSamples.archive([claims])))
    ])
    let error = #expect(throws: TarError.self) {
      try CIFAR10.load(root: claimed.path, split: .train)
    }
    #expect(error?.problem == .tooLarge(byteCount: 1 << 30 + 1, limit: 1 << 30))
  }

  @Test("The same from the files, from what the archive unpacks to, and from the archive")
  func places() throws {
    let plain = try Self.folder(Self.cifar10)
    let expected = try CIFAR10.load(root: plain.path, split: .train)
    let unpacked = try Self.folder(Self.cifar10, under: "cifar-10-batches-bin/")
    let archive = TarSamples.archive(Self.cifar10.map { ("cifar-10-batches-bin/\($0.0)", $0.1) })
    let packed = try Self.folder([("cifar-10-binary.tar.gz", IDXSamples.gzip(archive))])
    for root in [unpacked.path, packed.path, packed.file("cifar-10-binary.tar.gz")] {
      let dataset = try CIFAR10.load(root: root, split: .train)
      #expect((0..<10).map(dataset.sample) == (0..<10).map(expected.sample))
      // The path is enough for the catalog.
      let source = try DatasetCatalog.source(root)
      #expect(source.hasTestPart)
      #expect(try source.load(.test).count == 2)
    }
    #expect(
      try DatasetCatalog.load("cifar10", root: packed.path, split: .train).sample(at: 0)
        == expected.sample(at: 0))
  }

  @Test("Missing files, other sizes, labels without a class, Python's version: each is named")
  func refusals() throws {
    func problem(_ files: [(String, [UInt8])]) throws -> DatasetError.Problem? {
      let directory = try Self.folder(files)
      return #expect(throws: DatasetError.self) {
        try CIFAR10.load(root: directory.path, split: .train)
      }?.problem
    }
    guard case .missingFile(let archive, let remedy) = try problem([]) else {
      Issue.record("an empty folder has no archive")
      return
    }
    #expect(archive.hasSuffix("/cifar-10-binary.tar.gz") && remedy.contains("as the root"))
    guard case .missingFile(let third, _) = try problem(Array(Self.cifar10[..<2])) else {
      Issue.record("the third file is missing")
      return
    }
    #expect(third.hasSuffix("/data_batch_3.bin"))
    let wrong: [[UInt8]] = [[], [1, 2, 3], Array(Self.record([1], shift: 0).dropLast())]
    for bytes in wrong {
      var files = Self.cifar10
      files[1].1 = bytes
      guard case .recordSize(let path, let count, 3073) = try problem(files) else {
        Issue.record("\(bytes.count) bytes are no records")
        return
      }
      #expect(path.hasSuffix("data_batch_2.bin") && count == bytes.count)
    }
    var files = Self.cifar10
    files[4].1[3073] = 10
    #expect(try problem(files) == .label(index: 9, value: 10, classes: 10))
    guard case .pickled = try problem([("cifar-10-batches-py/data_batch_1", [0])]) else {
      Issue.record("Python's version is told")
      return
    }
  }

  @Test("An archive without a file, and a damaged one")
  func archives() throws {
    let directory = try TemporaryDirectory()
    let archive = TarSamples.archive(Self.cifar10.dropLast(2).map { ("x/\($0.0)", $0.1) })
    let path = try directory.write(archive, to: "cifar-10-binary.tar")
    let missing = #expect(throws: DatasetError.self) { try CIFAR10.load(root: path, split: .train) }
    #expect(missing?.problem == .missingMember(archive: path, name: "data_batch_5.bin"))
    try directory.write(Array(archive[..<9000]), to: "cifar-10-binary.tar")
    let damaged = #expect(throws: TarError.self) { try CIFAR10.load(root: path, split: .train) }
    #expect(damaged?.file == path)
    try directory.write([], to: "cifar-10-binary.tar")
    let empty = #expect(throws: TarError.self) { try CIFAR10.load(root: path, split: .train) }
    #expect(empty?.problem == .empty)
  }
}
