import ConvNetDatasets
import ConvNetImages
import ConvNetTensors
import ConvNetTestSupport
import Testing

@Suite("The catalog")
struct CatalogTests {
  private static func problem(_ path: String) -> DatasetError.Problem? {
    #expect(throws: DatasetError.self) { try DatasetCatalog.source(path) }?.problem
  }

  @Test("IDX pairs: a folder of them, or the file of the pictures, compressed or not")
  func idx() throws {
    let directory = try TemporaryDirectory()
    let labels = IDXSamples.file([2], [1, 0])
    try directory.write(IDXSamples.images, to: "train-images-idx3-ubyte")
    try directory.write(IDXSamples.gzip(IDXSamples.labels), to: "train-labels-idx1-ubyte.gz")
    try directory.write(
      IDXSamples.gzip(IDXSamples.file([2, 1, 1], [5, 6])), to: "t10k-images-idx3-ubyte.gz")
    try directory.write(labels, to: "t10k-labels-idx1-ubyte")
    let source = try DatasetCatalog.source(directory.path)
    #expect(source.hasTestPart)
    let (train, test) = try source.loadParts()
    #expect(train.count == 25 && test.count == 2)
    #expect((0..<2).map(test.label) == [1, 0])
    let file = try DatasetCatalog.source(directory.file("t10k-images-idx3-ubyte.gz"))
    #expect(!file.hasTestPart)
    #expect(try file.load(.train).count == 2)
    try directory.write(IDXSamples.images, to: "other-images.idx")
    let lonely = directory.file("other-images.idx")
    guard case .missingFile(let path, _) = Self.problem(lonely) else {
      Issue.record("there are no labels")
      return
    }
    #expect(path == directory.file("other-labels.idx"))
  }

  @Test("What is not known is told with what was found")
  func unknown() throws {
    let directory = try TemporaryDirectory()
    #expect(
      Self.problem(directory.path) == .unknownKind(path: directory.path, found: "nothing"))
    for name in ["a.txt", "b.txt", "c.png"] { try directory.write([1], to: name) }
    #expect(
      Self.problem(directory.path)
        == .unknownKind(path: directory.path, found: "1 .png file, 2 .txt files"))
    let file = directory.file("a.txt")
    #expect(
      Self.problem(file) == .unknownKind(path: file, found: "something else, or is wrongly named"))
  }

  @Test("A path that does not exist comes with what is called almost so")
  func neighbours() throws {
    let directory = try pictureFolder(["pictures/a/1.png", "other/a/1.png"])
    guard case .unknownName(_, let suggestions) = Self.problem(directory.file("picturs/")) else {
      Issue.record("there is no such folder")
      return
    }
    #expect(suggestions == [directory.file("pictures")])
  }

  @Test("Classes are found by name: another order and a missing class shift no label")
  func numbering() throws {
    let directory = try pictureFolder(["a/0.png", "b/1.png", "c/2.png"])
    let folder = try ImageFolder(directory.path)
    let other = try #require(folder.numbered(as: ["c", "x", "a", "b"]))
    #expect(other.classNames == ["c", "x", "a", "b"])
    #expect((0..<3).map(other.label) == [2, 3, 0])
    #expect(try other.sample(at: 2).label == 0)
    #expect(other is any EncodedDataset)
    #expect(folder.numbered(as: ["a", "b", "d"]) == nil)
    #expect(folder.numbered(as: ["a", "b", "c"]) is ImageFolder)

    let memory = try IDXDataset(
      name: "x", images: Tensor([1, 2, 3] as [UInt8], shape: [3, 1, 1]),
      labels: Tensor([0, 1, 1] as [UInt8]), classNames: ["a", "b"])
    let selected = try #require(memory.numbered(as: ["b", "a"])).selecting([2, 0])
    #expect((0..<2).map(selected.label) == [0, 1])
    #expect(selected is any InMemoryDataset && selected.imageShape == [1, 1, 1])
    #expect(try selected.sample(at: 0).image.pixels == [3])
  }
}

@Suite("Holding out")
struct HoldoutTests {
  private static func folder(counts: [Int]) throws -> TemporaryDirectory {
    try pictureFolder(
      counts.enumerated().flatMap { label, count in (0..<count).map { "class \(label)/\($0).png" } }
    )
  }

  private static func names(_ dataset: any Dataset) -> [String] {
    (0..<dataset.count).map { dataset.sampleName(at: $0) }
  }

  @Test(
    "Both parts together are the whole, of each class the same share", arguments: [0.1, 0.25, 0.5])
  func shares(share: Double) throws {
    let counts = [40, 10, 3, 2, 1]
    let directory = try Self.folder(counts: counts)
    let whole = try ImageFolder(directory.path)
    let holdout = Holdout(share: share, seed: 3)
    let train = try holdout.part(.train, of: whole)
    let test = try holdout.part(.test, of: whole)
    #expect(Set(Self.names(train) + Self.names(test)) == Set(Self.names(whole)))
    #expect(train.count + test.count == whole.count)
    let order = { (part: any Dataset) in
      Self.names(part).compactMap { Self.names(whole).firstIndex(of: $0) }
    }
    #expect(order(test) == order(test).sorted())
    for (label, count) in counts.enumerated() {
      let heldOut = (0..<test.count).count { test.label(at: $0) == label }
      let expected = Int((Double(count) * share).rounded())
      #expect(heldOut == (count == 1 ? 0 : min(max(expected, 1), count - 1)))
    }
    #expect(train.classNames == whole.classNames && test.classNames == whole.classNames)
    #expect(try test.sample(at: 0).label == test.label(at: 0))
  }

  @Test("The parts depend on the seed and the names, not on the folder or on other classes")
  func determinism() throws {
    let first = try Self.folder(counts: [30, 30])
    let second = try Self.folder(counts: [30, 7])
    func heldOut(_ path: String, seed: UInt64) throws -> [String] {
      Self.names(
        try DatasetCatalog.source(path).load(.test, holdout: Holdout(share: 0.2, seed: seed)))
    }
    let names = try heldOut(first.path, seed: 1)
    #expect(try heldOut(first.path + "/", seed: 1) == names)
    #expect(try heldOut(first.path, seed: 2) != names)
    func firstClass(_ names: [String]) -> [String] { names.filter { $0.hasPrefix("class 0") } }
    let others = try heldOut(second.path, seed: 1)
    #expect(firstClass(others) == firstClass(names))
    // A draw, not the first ones.
    #expect(firstClass(names) != (0..<6).map { "class 0/\($0).png" })
  }

  @Test("Data in memory is divided by number; a share of 1 is all")
  func memory() throws {
    let dataset = try IDXDataset(
      name: "x", images: Tensor(zeros: [100, 1, 1], elementType: .uint8),
      labels: Tensor([UInt8](repeating: 0, count: 100)))
    let parts = try (
      Holdout(share: 0.3).part(.train, of: dataset), Holdout(share: 0.3).part(.test, of: dataset)
    )
    #expect(parts.0.count == 70 && parts.1.count == 30)
    #expect(try Holdout(share: 1).part(.test, of: dataset).count == 100)
    let error = #expect(throws: DatasetError.self) {
      try Holdout(share: 1).part(.train, of: dataset)
    }
    #expect(error?.problem == .emptyPart(.train, share: 1))
    for share in [0, -1, 1.5, .nan] {
      let error = #expect(throws: DatasetError.self) {
        try Holdout(share: share).part(.test, of: dataset)
      }
      guard case .share = error?.problem else {
        Issue.record("\(share) is no share")
        return
      }
    }
  }

  @Test("Data with parts of its own is not divided")
  func parts() throws {
    let directory = try pictureFolder(["train/a/1.png", "val/a/1.png"])
    let source = try DatasetCatalog.source(directory.path)
    let error = #expect(throws: DatasetError.self) {
      try source.loadParts(holdout: Holdout(share: 0.5))
    }
    #expect(error?.problem == .hasParts)
  }

  @Test(
    "a training holds a share out of the part to train on, and leaves the part to test on alone")
  func trainingParts() throws {
    let training = (0..<10).map { "train/a/\($0).png" } + (0..<10).map { "train/b/\($0).png" }
    let directory = try pictureFolder(training + ["val/a/1.png", "val/b/1.png"])
    let source = try DatasetCatalog.source(directory.path)
    let held = try source.loadTrainingParts(holdout: Holdout(share: 0.2))
    #expect(held.train.sampleCounts == [8, 8] && held.validation.sampleCounts == [2, 2])
    let own = try source.loadTrainingParts()
    #expect(own.train.sampleCounts == [10, 10] && own.validation.sampleCounts == [1, 1])
  }
}
