import ConvNetDatasets
import ConvNetFiles
import ConvNetImages
import ConvNetTestSupport
import Foundation
import Testing

@Suite("Lists of pictures")
struct PictureListTests {
  private static func names(_ list: PictureList, in directory: borrowing TemporaryDirectory)
    -> [String]
  {
    (0..<list.count).map { list.name(at: $0).replacing("\(directory.path)/", with: "") }
  }

  private static func folder() throws -> TemporaryDirectory {
    let directory = try pictureFolder([
      "10.png", "2.PNG", "b/c/1.jpg", "b/1.png", "b/.hidden.png", ".cache/1.png", "[x].png",
    ])
    try directory.write([1], to: "b/notes.txt")
    return directory
  }

  @Test("A folder is all pictures in it and below, in natural order, and says what it passes over")
  func folders() throws {
    let directory = try Self.folder()
    for path in [directory.path, directory.path + "/"] {
      let list = PictureList(finding: [path])
      #expect(
        Self.names(list, in: directory) == ["2.PNG", "10.png", "[x].png", "b/1.png", "b/c/1.jpg"])
      #expect(list.passedOver == [".txt": 1, "hidden": 2])
    }
  }

  @Test(
    "Patterns",
    arguments: [
      ("*.png", ["10.png", "[x].png"]), ("?.*", ["2.PNG"]), ("[0-9]*", ["2.PNG", "10.png"]),
      ("*/*.png", ["b/1.png"]), ("**/*.png", ["10.png", "[x].png", "b/1.png"]),
      ("**/1.*", ["b/1.png", "b/c/1.jpg"]), ("b/**", ["b/1.png", "b/notes.txt", "b/c/1.jpg"]),
      // A match that is a folder stands for its pictures; a name that exists is no pattern; hidden ones must be asked for.
      ("[b]", ["b/1.png", "b/c/1.jpg"]), ("[x].png", ["[x].png"]), (".c*/*", [".cache/1.png"]),
      ("b/c/../*.png", ["b/c/../1.png"]), ("no*", ["no*"]),
    ])
  func patterns(pattern: String, expected: [String]) throws {
    let directory = try Self.folder()
    let list = PictureList(finding: [directory.file(pattern)])
    #expect(Self.names(list, in: directory) == expected)
  }

  @Test("What is wrong with a name is kept in its place")
  func unusable() throws {
    let directory = try pictureFolder(["a.png", "z.png"])
    try directory.write([1], to: "empty/notes.txt")
    let names = ["a.png", "missing.png", "no*.png", "empty", "z.png"].map { directory.file($0) }
    let pictures = ListedPictures(PictureList(finding: names))
    #expect(pictures.count == 5)
    func error(at index: Int) -> String {
      do {
        _ = try pictures.sample(at: index)
        return ""
      } catch {
        return "\(error)"
      }
    }
    #expect(error(at: 0).isEmpty && error(at: 4).isEmpty)
    #expect(error(at: 1).contains("cannot open") && error(at: 1).contains("missing.png"))
    #expect(error(at: 2).contains("no name matches"))
    #expect(error(at: 3).contains("holds no picture (.png, .jpg"))
  }

  @Test("A list of files and folders, one a line or each with a zero; nothing in it is a pattern")
  func lists() throws {
    let directory = try Self.folder()
    let files = ["[x].png", "b", "10.png"].map { directory.file($0) }
    for text in [
      files.joined(separator: "\r\n") + "\r\n\r\n", files.joined(separator: "\0") + "\0",
      "\u{FEFF}" + files.joined(separator: "\n"),
    ] {
      var list = PictureList()
      list.add(list: Array(text.utf8))
      #expect(Self.names(list, in: directory) == ["[x].png", "b/1.png", "b/c/1.jpg", "10.png"])
    }
  }

  @Test("A link that leads back up is not followed")
  func loops() throws {
    let directory = try Self.folder()
    #expect(
      FileSystem.withPath(directory.file("b/up")) { link in
        FileSystem.withPath(directory.path) { symlink($0, link) }
      } == 0)
    #expect(PictureList(finding: [directory.path]).count == 5)
    #expect(PictureList(finding: [directory.file("**/*.png")]).count == 3)
  }

  #if os(Linux)
    @Test("Names that are not UTF-8, in folders, classes, lists, patterns and archives")
    func bytes() throws {
      let directory = try pictureFolder(["new/1.png", "data/plain/2.png"])
      let name = FileSystem.path([0x63, 0xE9]) + ".png"
      let folder = directory.file("data/" + FileSystem.path([0xFE]))
      #expect(FileSystem.rename(directory.file("new/1.png"), to: directory.file("new/") + name))
      #expect(FileSystem.rename(directory.file("new"), to: folder))
      let path = "\(folder)/\(name)"
      for names in [[folder], [directory.file("data/*/*\(name.suffix(5))")], [path]] {
        let list = PictureList(finding: names)
        #expect(list.count == 1 && list.name(at: 0) == path)
        #expect(try ListedPictures(list).sample(at: 0).image[0, 0, 0] == 0)
      }
      var list = PictureList()
      list.add(list: FileSystem.bytes(of: path) + [0x0A])
      #expect(try ListedPictures(list).sample(at: 0).image[0, 0, 0] == 0)

      let dataset = try DatasetCatalog.load(directory.file("data"), split: .train)
      #expect(dataset.count == 2 && dataset.classNames.count == 2)
      for index in 0..<2 { _ = try dataset.sample(at: index) }
      let verification = try DatasetVerification(
        of: DatasetCatalog.source(directory.file("data")), threads: 1)
      #expect(verification.bad.isEmpty)

      var rows = Array("path,label\nplain/2.png,a\n".utf8)
      rows += [0xFE, UInt8(ascii: "/"), 0x63, 0xE9] + Array(".png,b\n".utf8)
      try directory.write(rows, to: "data/list.csv")
      let manifest = try ImageManifest(directory.file("data/list.csv"))
      #expect(try manifest.sample(at: 1).image[0, 0, 0] == 0)

      let files = [
        ("\(FileSystem.path([0xE9])).png", try picture(9)),
        ("\(FileSystem.path([0xE9])).cls", Array("1".utf8)),
      ]
      let archive = try directory.write(TarSamples.archive(files), to: "a.tar")
      let shards = try TarShards(name: "a", shards: [archive])
      #expect(try shards.sample(at: 0).image[0, 0, 0] == 9)
      #expect(FileSystem.readable(shards.sampleName(at: 0)) == #"a.tar, \xE9.png"#)
    }
  #endif
}
