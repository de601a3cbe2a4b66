import ConvNetDatasets
import ConvNetFiles
import ConvNetImages
import ConvNetTestSupport
import Testing

@Suite("CSV manifests")
struct ManifestTests {
  private static let names = ["a.png", "b c.png", "ü,\"x\".png", "sub/d.png"]

  /// A manifest beside the pictures, its lines ended as RFC 4180 has them.
  private static func manifest(
    _ lines: [String], name: String = "list.csv", ending: String = "\r\n"
  ) throws -> TemporaryDirectory {
    let directory = try pictureFolder(names)
    try directory.write([UInt8](lines.joined(separator: ending).utf8), to: name)
    return directory
  }

  private static func greys(_ dataset: any Dataset) throws -> [UInt8] {
    try (0..<dataset.count).map { try dataset.sample(at: $0).image[0, 0, 0] }
  }

  @Test("Two columns, quoted as needed, classes in natural order", arguments: ["\r\n", "\n", "\r"])
  func plain(ending: String) throws {
    let directory = try Self.manifest(
      ["a.png,class 10", "\"b c.png\",class 2", "", "\"ü,\"\"x\"\".png\",class 2", ""],
      ending: ending)
    let dataset = try ImageManifest(directory.file("list.csv"))
    #expect(dataset.classNames == ["class 2", "class 10"])
    #expect((0..<dataset.count).map(dataset.label) == [1, 0, 0])
    #expect(try Self.greys(dataset) == [0, 1, 2])
    #expect(dataset.sampleName(at: 2) == "ü,\"x\".png")
  }

  @Test("A header names the columns, in any order; a byte order mark is passed over")
  func header() throws {
    let directory = try Self.manifest([
      "\u{FEFF}Label,id,Path", "x,1,a.png", "\"several\nlines\",2,sub/d.png",
    ])
    let dataset = try ImageManifest(directory.file("list.csv"))
    #expect(dataset.classNames == ["several\nlines", "x"])
    #expect(try Self.greys(dataset) == [0, 3])
  }

  @Test("Tabs in a .tsv file, and absolute paths")
  func tabs() throws {
    let directory = try pictureFolder(Self.names)
    let text = "path\tlabel\n\(directory.file("a.png"))\tx\nb c.png\ty, z\n"
    try directory.write([UInt8](text.utf8), to: "lists/list.tsv")
    try directory.write(picture(7), to: "lists/b c.png")
    let dataset = try ImageManifest(directory.file("lists/list.tsv"))
    #expect(dataset.classNames == ["x", "y, z"])
    #expect(try Self.greys(dataset) == [0, 7])
  }

  @Test("A column of parts makes two, with the same classes")
  func parts() throws {
    let directory = try Self.manifest([
      "path,label,split", "a.png,x,train", "b c.png,y,Val", "sub/d.png,y,train",
      "\"ü,\"\"x\"\".png\",z,test",
    ])
    let source = try DatasetCatalog.source(directory.file("list.csv"))
    #expect(source.hasTestPart)
    let (train, test) = try source.loadParts()
    #expect(try Self.greys(train) == [0, 3])
    // Those of val, where there are also some of test.
    #expect(try Self.greys(test) == [1])
    #expect(train.classNames == ["x", "y", "z"] && test.classNames == ["x", "y", "z"])
    #expect(try ImageManifest(directory.file("list.csv")).count == 4)
  }

  struct Refusal: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var lines: [String]
    var line: Int
    var problem: CSVError.Problem
  }

  @Test(
    "What is not as it must be is named by its line",
    arguments: [
      Refusal(
        testDescription: "an open quotation mark", lines: ["a.png,x", "\"b c.png,y", "a.png,x"],
        line: 2, problem: .openQuote),
      Refusal(
        testDescription: "text after a closing one", lines: ["path,label", "\"a.png\"x,y"], line: 2,
        problem: .textAfterQuote),
      Refusal(
        testDescription: "a field too many", lines: ["a.png,x", "", "a.png,x,y"], line: 3,
        problem: .fieldCount(expected: 2, actual: 3)),
      Refusal(
        testDescription: "a field too few", lines: ["path,label,note", "a.png,x"], line: 2,
        problem: .fieldCount(expected: 3, actual: 2)),
      Refusal(
        testDescription: "no path", lines: ["path,label", ",x"], line: 2,
        problem: .emptyField(column: "path")),
      Refusal(
        testDescription: "no label", lines: ["path,label", "a.png, "], line: 2,
        problem: .emptyField(column: "label")),
      Refusal(
        testDescription: "no header and three columns", lines: ["a.png,x,1"], line: 1,
        problem: .columns(["a.png", "x", "1"])),
      Refusal(
        testDescription: "one column", lines: ["a.png"], line: 1, problem: .columns(["a.png"])),
      Refusal(
        testDescription: "an unknown part", lines: ["path,label,set", "a.png,x,dev"], line: 2,
        problem: .unknownPart("dev")),
    ])
  func refusals(refusal: Refusal) throws {
    let directory = try Self.manifest(refusal.lines)
    let error = #expect(throws: CSVError.self) {
      try ImageManifest(directory.file("list.csv"))
    }
    #expect(error?.problem == refusal.problem && error?.line == refusal.line)
  }

  @Test("UTF-16, as spreadsheets write it, is read", arguments: [true, false])
  func wide(isBig: Bool) throws {
    let text = "path,label\r\na.png,Grün\r\n\"b c.png\",日本\r\n"
    let directory = try pictureFolder(Self.names)
    let units = [0xFEFF] + Array(text.utf16)
    try directory.write(
      units.flatMap {
        isBig ? [UInt8($0 >> 8), UInt8($0 & 255)] : [UInt8($0 & 255), UInt8($0 >> 8)]
      },
      to: "list.csv")
    let dataset = try ImageManifest(directory.file("list.csv"))
    #expect(dataset.classNames == ["Grün", "日本"])
    #expect(try Self.greys(dataset) == [0, 1])
  }

  @Test(
    "What is no such list is named",
    arguments: [
      ("path;label\na.png;x\n", "semicolons, must be by commas"),
      ("path\tlabel\na.png\tx\n", "tabs, must be by commas"),
      ("<html><body>", "a web page (HTML), not a CSV file"),
      ("PK\u{3}\u{4}....", "a zip archive, not a CSV file"),
      ("p\0a\0t\0h\0", "save the file as UTF-8"),
    ])
  func named(text: String, says: String) throws {
    let directory = try Self.manifest([])
    try directory.write([UInt8](text.utf8), to: "list.csv")
    let error = #expect(throws: CSVError.self) { try ImageManifest(directory.file("list.csv")) }
    #expect(error?.description.contains(says) == true)
    #expect(error?.line == 1)
  }

  @Test("A picture that is gone is told with its line")
  func gone() throws {
    let directory = try Self.manifest(["path,label", "a.png,x", "gone.png,x", "sub,y"])
    let dataset = try ImageManifest(directory.file("list.csv"))
    let error = #expect(throws: CSVError.self) { try dataset.sample(at: 1) }
    #expect(error?.line == 3)
    #expect(error?.problem == .missingPicture(path: directory.file("gone.png")))
    let folder = #expect(throws: CSVError.self) { try dataset.sample(at: 2) }
    #expect(folder?.line == 4)
    guard case .unreadablePicture = folder?.problem else {
      Issue.record("\(String(describing: folder))")
      return
    }
  }

  @Test("A folder that does not fit is told at the first picture; an empty file has no samples")
  func wrongFolder() throws {
    let directory = try Self.manifest(["path,label", "gone.png,x", "a.png,x"])
    let error = #expect(throws: CSVError.self) { try ImageManifest(directory.file("list.csv")) }
    #expect(error?.problem == .missingPicture(path: directory.file("gone.png")))
    #expect(error?.line == 2)
    for text in ["", "\n\n", "path,label\n"] {
      try directory.write([UInt8](text.utf8), to: "empty.csv")
      let error = #expect(throws: DatasetError.self) {
        try ImageManifest(directory.file("empty.csv"))
      }
      #expect(error?.problem == .empty)
    }
    #expect(throws: FileError.self) { try ImageManifest(directory.file("no.csv")) }
  }
}
