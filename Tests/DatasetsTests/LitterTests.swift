import ConvNetDatasets
import ConvNetImages
import ConvNetTensors
import ConvNetTestSupport
import Foundation
import Testing

@Suite("Litter of file systems") struct LitterTests {
  private static let folders = [
    "@eaDir", "__MACOSX", "lost+found", "$RECYCLE.BIN", "System Volume Information", "#recycle",
    ".ipynb_checkpoints", ".Trashes",
  ]
  private static let files = [".DS_Store", "Thumbs.db", "desktop.ini", "._1.png"]

  @Test("folders of thumbnails and the like are no classes, and their pictures none of a class")
  func folder() throws {
    let directory = try pictureFolder(["cat/1.png", "cat/2.png", "dog/1.png"])
    for place in ["", "cat/", "dog/sub/"] {
      for name in Self.folders { try directory.write([1], to: "\(place)\(name)/1.png") }
      for name in Self.files { try directory.write([1], to: "\(place)\(name)") }
    }
    try directory.write([1], to: "cat/a.heic")
    try directory.write([1], to: "loose.png")
    let dataset = try ImageFolder(directory.path)
    #expect(dataset.classNames == ["cat", "dog"])
    #expect((0..<dataset.count).map(dataset.sampleName) == ["cat/1.png", "cat/2.png", "dog/1.png"])
    var expected = [".heic": 1, ".png beside the classes": 1, "hidden": 12]
    for name in Self.folders + Self.files where !name.hasPrefix(".") { expected[name] = 3 }
    #expect(dataset.passedOver == expected)
    #expect(dataset.selecting([0]).passedOver == expected)
    let verified = try DatasetVerification(
      of: DatasetCatalog.source(directory.path), threads: 1)
    #expect(verified.ignored == expected && verified.bad.isEmpty)
  }

  /// What of a folder with parts is passed over.
  private func passedOver(_ path: String) throws -> (train: [String: Int], test: [String: Int]) {
    let source = try DatasetCatalog.source(path)
    let train = try source.load(.train).passedOver
    return (train, source.hasTestPart ? try source.load(.test).passedOver : [:])
  }

  @Test("pictures that lie beside the parts in use are counted, once")
  func parts() throws {
    let directory = try pictureFolder([
      "train/a/1.png", "val/a/2.png", "test/a/3.png", "test/b/4.png", "more/5.png", "6.png",
    ])
    try directory.write([1], to: "notes/readme.txt")
    let expected = [
      "of test, beside train and val": 2, "of more, beside train and val": 1,
      "files beside train and val": 1,
    ]
    #expect(try passedOver(directory.path) == ([:], expected))
    #expect(try ImageFolder.load(root: directory.path, split: .train).passedOver.isEmpty)
    #expect(try ImageFolder.load(root: directory.path, split: .test).passedOver == expected)
    let alone = try pictureFolder(["train/a/1.png", "holdout/a/2.png", "holdout/a/3.png"])
    #expect(try passedOver(alone.path) == (["of holdout, beside train": 2], [:]))
    let complete = try pictureFolder(["train/a/1.png", "test/a/2.png"])
    #expect(try passedOver(complete.path) == ([:], [:]))
  }

  @Test("so are archives, of which those of one name are the part to test on")
  func archives() throws {
    let directory = try TemporaryDirectory()
    for name in ["train-0", "val-0", "test-0", "test-1"] {
      try directory.write(
        TarSamples.archive([("\(name).png", [1]), ("\(name).cls", [UInt8](ascii: "0"))]),
        to: "\(name).tar")
    }
    try directory.write([1], to: "a/1.png")
    #expect(
      try passedOver(directory.path)
        == ([:], ["archives of test, beside those of val": 2, "folders beside archives": 1]))
    let source = try DatasetCatalog.source(directory.path)
    #expect(try source.load(.test).count == 1)
    for name in ["val-0", "test-0", "test-1"] {
      try FileManager.default.removeItem(atPath: directory.file("\(name).tar"))
    }
    #expect(try passedOver(directory.path) == (["folders beside archives": 1], [:]))
  }

  @Test("what an archiver packed with the pictures is passed over")
  func shard() throws {
    let directory = try TemporaryDirectory()
    try directory.write(
      TarSamples.archive([
        ("__MACOSX/._1.png", [1]), ("1.png", [1]), ("1.cls", [UInt8](ascii: "0")),
        ("./@eaDir/1.png/thumb.jpg", [1]), ("./2.png", [1]), ("./2.cls", [UInt8](ascii: "1")),
        (".ipynb_checkpoints/2.png", [1]),
      ]), to: "a.tar")
    let dataset = try TarShards(name: "a", shards: [directory.file("a.tar")])
    #expect(dataset.count == 2)
    #expect(dataset.passedOver == ["__MACOSX": 1, "@eaDir": 1, "hidden": 1])
  }

  @Test("rows of a list that name litter are passed over, hidden folders of its own are not")
  func list() throws {
    let directory = try pictureFolder([".own/cat/1.png", ".own/dog/1.png"])
    try directory.write(
      [UInt8](
        """
        path,label,split
        .own/cat/1.png,cat,train
        .own/cat/Thumbs.db,cat,train
        .own/cat/._1.png,cat,train
        .own/dog/1.png,dog,val
        .own/@eaDir/dog/1.png,dog,val
        .own/dog/1.png,dog,test

        """.utf8), to: "list.csv")
    let source = try DatasetCatalog.source(directory.file("list.csv"))
    let train = try source.load(.train)
    #expect(train.count == 1 && train.classNames == ["cat", "dog"])
    #expect(
      train.passedOver == [
        "rows of Thumbs.db": 1, "rows of hidden": 1, "rows of @eaDir": 1,
        "rows of test, beside those of val": 1,
      ])
    #expect(try source.load(.test).count == 1)
  }
}

extension [UInt8] {
  fileprivate init(ascii text: String) { self.init(text.utf8) }
}
