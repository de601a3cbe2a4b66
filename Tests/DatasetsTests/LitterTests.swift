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
    try directory.write([1], to: "cat/a.gif")
    try directory.write([1], to: "loose.png")
    let dataset = try ImageFolder(directory.path)
    #expect(dataset.classNames == ["cat", "dog"])
    #expect((0..<dataset.count).map(dataset.sampleName) == ["cat/1.png", "cat/2.png", "dog/1.png"])
    var expected = [".gif": 1, ".png beside the classes": 1, "hidden": 12]
    for name in Self.folders + Self.files where !name.hasPrefix(".") { expected[name] = 3 }
    #expect(dataset.passedOver == expected)
    #expect(dataset.selecting([0]).passedOver == expected)
    let verified = try DatasetVerification(
      of: DatasetCatalog.source(directory.path), threads: 1)
    #expect(verified.ignored == expected && verified.bad.isEmpty)
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
