import ConvNetDatasets
import ConvNetFiles
import ConvNetImages
import ConvNetTestSupport
import Testing

@Suite("Tar shards")
struct ShardTests {
  private static func sample(_ key: String, _ grey: UInt8, _ className: String) throws
    -> [(String, [UInt8])]
  {
    [("\(key).png", try picture(grey)), ("\(key).cls", [UInt8](className.utf8))]
  }

  /// Six samples in two archives.
  private static func shards(in directory: borrowing TemporaryDirectory, prefix: String = "s-0")
    throws
  {
    for shard in 0..<2 {
      let files = try (0..<3).flatMap { number in
        try sample("d/\(number)", UInt8(10 * shard + number), "\(number)")
      }
      try directory.write(TarSamples.archive(files), to: "\(prefix)\(shard).tar")
    }
  }

  private static func greys(_ dataset: any Dataset) throws -> [UInt8] {
    try (0..<dataset.count).map { try dataset.sample(at: $0).image[0, 0, 0] }
  }

  @Test("Samples of several archives, in any order")
  func reads() throws {
    let directory = try TemporaryDirectory()
    try Self.shards(in: directory)
    let pattern = directory.file("s-{00..01}.tar")
    let dataset = try DatasetCatalog.load(pattern, split: .train)
    #expect(dataset.count == 6 && dataset.classNames == ["0", "1", "2"])
    #expect((0..<6).map(dataset.label) == [0, 1, 2, 0, 1, 2])
    for index in [5, 0, 3, 2, 4, 1] {
      let expected = UInt8(10 * (index / 3) + index % 3)
      #expect(try dataset.sample(at: index).image[0, 0, 0] == expected)
    }
    #expect(dataset.sampleName(at: 4) == "s-01.tar, d/1.png")
    #expect(try DatasetCatalog.load(directory.path, split: .test).count == 6)
    #expect(try DatasetCatalog.load(directory.file("s-00.tar"), split: .test).count == 3)
  }

  @Test("Names that need extended headers, as Python writes them", arguments: ["pax", "gnu"])
  func dialects(name: String) throws {
    let path = fixturePath("\(name).tar")
    let dataset = try TarShards(name: name, shards: [path])
    #expect((0..<3).map(dataset.label) == [3, 1, 0])
    let long = String(repeating: "a", count: 60) + "/" + String(repeating: "b", count: 90)
    let names = ["plain.jpg", "fünf/schöne Bilder.png", "\(long).jpeg"]
    let contents = ["first", "second picture", "third"]
    for index in 0..<3 {
      var bytes: [UInt8] = []
      #expect(try dataset.readEncoded(at: index, into: &bytes) == "\(path), \(names[index])")
      #expect(String(decoding: bytes, as: UTF8.self) == contents[index])
    }
    let error = #expect(throws: ImageError.self) { try dataset.sample(at: 1) }
    #expect(error?.file == "\(path), fünf/schöne Bilder.png")
  }

  @Test("A compressed archive is refused with what to do")
  func compressed() {
    let error = #expect(throws: TarError.self) {
      try DatasetCatalog.load(fixturePath("compressed.tar.gz"), split: .train)
    }
    #expect(error?.problem == .compressed)
    #expect(error?.description.contains("gunzip") == true)
  }

  @Test("Classes by number with names beside, or by name; other files are ignored")
  func classes() throws {
    let directory = try TemporaryDirectory()
    try Self.shards(in: directory)
    try directory.write([UInt8]("ant\nbee \n\ncat\n".utf8), to: "classes.txt")
    let numbered = try DatasetCatalog.load(directory.path, split: .train)
    #expect(numbered.classNames == ["ant", "bee", "cat"])
    try directory.write([UInt8]("ant\nbee\n".utf8), to: "classes.txt")
    let error = #expect(throws: DatasetError.self) {
      try DatasetCatalog.load(directory.path, split: .train)
    }
    #expect(error?.problem == .label(index: 2, value: 2, classes: 2))

    let other = try TemporaryDirectory()
    let files = try [
      TarSamples.File(name: "d", contents: [], kind: "5"),
      TarSamples.File(name: "readme.txt", contents: [1]),
      TarSamples.File(name: "d/1.jpg", contents: picture(5)),
      TarSamples.File(name: "d/1.json", contents: [2]),
      TarSamples.File(name: "d/1.seg.png", contents: picture(6)),
      TarSamples.File(name: "d/1.cls", contents: [UInt8]("dog 10\n".utf8)),
      TarSamples.File(name: "d/.hidden.png", contents: [3]),
      TarSamples.File(name: "d/2.cls", contents: [UInt8]("dog 9".utf8)),
      TarSamples.File(name: "d/2.PNG", contents: picture(7)),
      TarSamples.File(name: "d/3.png", contents: [], kind: "2"),
    ]
    let path = try other.write(TarSamples.archive(files), to: "x.tar")
    let named = try TarShards(name: "x", shards: [path])
    #expect(named.classNames == ["dog 9", "dog 10"])
    #expect((0..<2).map(named.label) == [1, 0])
    #expect(try Self.greys(named) == [5, 7])
  }

  @Test("Archives whose names say so are the part to test on")
  func parts() throws {
    let directory = try TemporaryDirectory()
    try Self.shards(in: directory, prefix: "set-train-0")
    try Self.shards(in: directory, prefix: "set-val-0")
    let source = try DatasetCatalog.source(directory.path)
    #expect(source.hasTestPart)
    #expect(try source.load(.test).sampleName(at: 0) == "set-val-00.tar, d/0.png")
    let folders = try TemporaryDirectory()
    try Self.shards(in: folders, prefix: "train/a")
    try Self.shards(in: folders, prefix: "test/b")
    #expect(
      try DatasetCatalog.load(folders.path, split: .test).sampleName(at: 3) == "b1.tar, d/0.png")
  }

  @Test("Samples that are not whole are named")
  func refusals() throws {
    let directory = try TemporaryDirectory()
    func problem(_ files: [(String, [UInt8])]) throws -> ShardError.Problem? {
      let path = try directory.write(TarSamples.archive(files), to: "x.tar")
      let error = #expect(throws: ShardError.self) { try TarShards(name: "x", shards: [path]) }
      #expect(error?.file == path)
      return error?.problem
    }
    let png = try picture(1)
    #expect(try problem([("a.png", png)]) == .noClass)
    #expect(try problem([("a.cls", [48]), ("b.png", png)]) == .noPicture)
    #expect(try problem([("a.png", png), ("a.jpg", png), ("a.cls", [48])]) == .twoPictures)
    #expect(try problem([("a.png", png), ("a.cls", [])]) == .badClass)
    #expect(try problem([("a.png", png), ("a.cls", [UInt8]("1\n2".utf8))]) == .badClass)
    #expect(try problem([("a.png", png), ("a.cls", [UInt8]("-1".utf8))]) == .unlistedClass("-1"))
    #expect(
      try problem([("a.png", png), ("a.cls", [UInt8]("99999999999".utf8))])
        == .unlistedClass("99999999999"))
    let nothing = try directory.write(TarSamples.archive([("readme.txt", [1])]), to: "y.tar")
    let error = #expect(throws: DatasetError.self) { try TarShards(name: "y", shards: [nothing]) }
    #expect(error?.problem == .empty)
    #expect(throws: FileError.self) {
      try DatasetCatalog.load(directory.file("z-{0..3}.tar"), split: .train)
    }
  }

  @Test("Verification names every sample that is not whole, and archives that end early")
  func verified() throws {
    let directory = try TemporaryDirectory()
    let whole = try Self.sample("whole", 3, "1")
    let png = try picture(1)
    let archive = TarSamples.archive(
      [("a.png", png), ("b.cls", [48])] + whole + [("c.png", png), ("c.jpg", png), ("c.cls", [48])])
    let first = try directory.write(archive, to: "s-0.tar")
    let end = 512 + whole[0].1.count / 2
    let second = try directory.write(Array(TarSamples.archive(whole)[..<end]), to: "s-1.tar")
    try directory.write(picture(2), to: "s-2.tar")
    let result = try DatasetVerification(
      of: DatasetCatalog.source(directory.file("s-{0..2}.tar")), threads: 2)
    #expect(
      result.bad.map(\.file).prefix(3) == ["\(first), a", "\(first), b", "\(first), c"])
    #expect(result.bad.map(\.file).dropFirst(3).allSatisfy { !$0.hasPrefix(first) })
    #expect(result.bad.contains { $0.file.hasPrefix(second) })
    #expect(result.bad.last?.reason.contains("a PNG picture, not a tar archive") == true)
    #expect(
      result.bad[0].reason.contains("no class") && result.bad[1].reason.contains("no picture"))
    #expect(result.imageCount >= 1)
    // A training stops at the first.
    let error = #expect(throws: ShardError.self) { try TarShards(name: "s", shards: [first]) }
    #expect(error?.sample == "a" && error?.problem == .noClass)
  }

  @Test("Archives that end early or are something else")
  func damage() throws {
    let directory = try TemporaryDirectory()
    try Self.shards(in: directory)
    let path = directory.file("s-00.tar")
    let whole = try fileBytes(path)
    let firstPicture = try picture(0).count
    for (count, isEmpty) in [(0, true), (100, false), (512 + firstPicture / 2, false)] {
      try directory.write(Array(whole[..<count]), to: "s-00.tar")
      let error = #expect(throws: TarError.self) { try TarShards(name: "s", shards: [path]) }
      #expect(error?.file == path)
      #expect((error?.problem == .empty) == isEmpty)
    }
    try directory.write(picture(1), to: "s-00.tar")
    #expect(throws: TarError.self) { try TarShards(name: "s", shards: [path]) }

    // Shortened after it was scanned: the picture is damaged, the process lives.
    try directory.write(whole, to: "s-00.tar")
    let dataset = try TarShards(name: "s", shards: [path])
    try directory.write(Array(whole[..<(512 + firstPicture / 2)]), to: "s-00.tar")
    #expect(throws: ImageError.self) { try dataset.sample(at: 0) }
    #expect(throws: ImageError.self) { try dataset.sample(at: 2) }
  }

  @Test(
    "Ranges in braces",
    arguments: [
      ("a-{8..11}.tar", ["a-8.tar", "a-9.tar", "a-10.tar", "a-11.tar"]),
      ("a-{08..10}.tar", ["a-08.tar", "a-09.tar", "a-10.tar"]),
      ("{x,y}/{0..1}.tar", ["x/0.tar", "x/1.tar", "y/0.tar", "y/1.tar"]),
    ])
  func patterns(text: String, paths: [String]) throws {
    #expect(ShardPattern(text)?.paths == paths)
  }

  @Test(
    "What is no range",
    arguments: ["a.tar", "a{b}.tar", "{3..1}", "{-1..2}", "{0..99999999999}", "{1..", "{}"])
  func noPatterns(text: String) {
    #expect(ShardPattern(text) == nil)
  }
}
