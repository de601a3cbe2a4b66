import ConvNetDatasets
import ConvNetImages
import ConvNetTensors
import ConvNetTestSupport
import Foundation
import Testing

@Suite("Verification")
struct VerificationTests {
  // Were each class looked for among all others, it would take minutes; the limit of time is for that.
  @Test("Very many classes, each in both parts, are counted", .timeLimit(.minutes(1)))
  func manyClasses() throws {
    let directory = try TemporaryDirectory()
    try directory.write(picture(1), to: "a.png")
    try directory.write(picture(2), to: "b.png")
    let count = 150_000
    var list = "path,label,split\n"
    for number in 0..<count {
      list += "a.png,class \(number),train\nabsent.png,class \(number),val\n"
    }
    try directory.write(Array(list.utf8), to: "list.csv")
    let result = try DatasetVerification(
      of: DatasetCatalog.source(directory.file("list.csv")), threads: 2)
    #expect(result.imageCount == 2 * count)
    #expect(result.classNames.count == count && result.classNames[2] == "class 2")
    #expect(result.counts.allSatisfy { $0 == 2 })
    #expect(result.bad.count == count)
    #expect(result.duplicates.map(\.classNames) == [result.classNames])
  }

  @Test(
    "Bad files, classes that do not fit, duplicates and ignored files are found", arguments: [1, 3])
  func findings(threads: Int) throws {
    let directory = try pictureFolder([
      "train/a/1.png", "train/a/2.png", "train/a/3.png", "train/b/1.png", "train/b/5.png",
      "val/a/1.png", "val/c/1.png",
    ])
    try directory.write([], to: "train/a/2.png")
    try directory.write([], to: "train/a/3.png")
    try directory.write([UInt8]("no picture".utf8), to: "val/a/1.png")
    try directory.write(picture(9), to: "train/a/4.png")
    try directory.write(picture(9), to: "train/b/3.png")
    try directory.write(picture(9), to: "val/c/2.png")
    try directory.write(picture(4), to: "train/b/2.png")
    try directory.write([1], to: "train/b/x.heic")
    try directory.write([1], to: "train/empty/notes.txt")
    try directory.write([1], to: "val/readme")
    try FileManager.default.createSymbolicLink(
      atPath: directory.file("train/b/4.png"), withDestinationPath: "nowhere")
    func file(_ name: String) -> String { directory.file(name) }

    var told: [(Int, Int)] = []
    let result = try DatasetVerification(
      of: DatasetCatalog.source(directory.path), threads: threads
    ) { told.append(($0, $1)) }
    #expect(told.last.map { $0 == (12, 12) } == true)
    #expect(result.imageCount == 12)
    #expect(result.classNames == ["a", "b", "empty", "c"])
    #expect(result.counts == [5, 5, 0, 2])
    #expect(
      result.bad.map(\.file)
        == [
          "train/a/2.png", "train/a/3.png", "train/b/4.png", "val/a/1.png", "train/empty", "val/c",
        ]
        .map(file))
    #expect(result.bad[0].reason == "the file is empty")
    #expect(result.bad[2].reason.contains("No such file"))
    #expect(result.bad[4].reason == "the class has no picture")
    #expect(result.bad[5].reason.contains("no such class"))
    #expect(
      result.duplicates.map(\.files) == [
        ["train/a/4.png", "train/b/3.png", "val/c/2.png"].map(file),
        ["train/b/2.png", "train/b/5.png"].map(file),
      ])
    #expect(result.duplicates.map(\.classNames) == [["a", "b", "c"], ["b"]])
    #expect(result.duplicates.map(\.crossesParts) == [true, false])
    #expect(result.ignored == [".heic": 1, ".txt": 1, "no ending": 1])

    let json = try JSONSerialization.jsonObject(with: JSONEncoder().encode(result))
    let object = try #require(json as? [String: Any])
    #expect(
      Set(object.keys) == [
        "images", "targets", "classes", "counts", "bad", "duplicates", "conflicts", "ignored",
      ])
    let conflicts = try #require(object["conflicts"] as? [[String: Any]])
    #expect(conflicts.map { $0["classes"] as? [String] } == [["a", "b", "c"]])
    #expect(conflicts.map { $0["crossesParts"] as? Bool } == [true])
    #expect(object["counts"] as? [String: Int] == ["a": 5, "b": 5, "c": 2, "empty": 0])
    #expect((object["bad"] as? [[String: String]])?.first?["file"] == file("train/a/2.png"))
  }

  @Test("Pictures in memory and in archives are verified too")
  func others() throws {
    let memory = try TemporaryDirectory()
    try memory.write(IDXSamples.file([3, 1, 2], [1, 2, 3, 4, 1, 2]), to: "a-images-idx3-ubyte")
    try memory.write(IDXSamples.file([3], [0, 1, 1]), to: "a-labels-idx1-ubyte")
    let first = try DatasetVerification(of: DatasetCatalog.source(memory.path), threads: 2)
    #expect(first.imageCount == 3 && first.bad.isEmpty)
    #expect(
      first.duplicates.map(\.files)
        == [["\(memory.path), sample 0", "\(memory.path), sample 2"]])

    let path = try memory.write(
      TarSamples.archive([
        ("1.png", picture(1)), ("1.cls", [48]), ("2.jpg", [7]), ("2.cls", [49]),
      ]), to: "x.tar")
    let second = try DatasetVerification(of: DatasetCatalog.source(path), threads: 2)
    #expect(second.imageCount == 2 && second.counts == [1, 1])
    #expect(second.bad.map(\.file) == ["\(path), 2.jpg"])
  }

  @Test("Missing files of a manifest are all named")
  func manifest() throws {
    let directory = try pictureFolder(["b.png"])
    let path = try directory.write([UInt8]("a.png,x\nb.png,x\nc.png,y\n".utf8), to: "l.csv")
    let result = try DatasetVerification(of: DatasetCatalog.source(path), threads: 1)
    #expect(result.bad.map(\.file) == [directory.file("a.png"), directory.file("c.png")])
    #expect(result.counts == [2, 1])
  }

  @Test(
    "Contents decide, not sizes or hashes alone: a thousand distinct pictures are no duplicates")
  func distinct() throws {
    var pixels: [UInt8] = []
    for index in 0..<1000 { pixels += [UInt8(index / 256), UInt8(index % 256)] }
    let directory = try TemporaryDirectory()
    try directory.write(IDXSamples.file([1000, 1, 2], pixels), to: "a-images-idx3-ubyte")
    try directory.write(
      IDXSamples.file([1000], [UInt8](repeating: 0, count: 1000)), to: "a-labels-idx1-ubyte")
    let result = try DatasetVerification(of: DatasetCatalog.source(directory.path), threads: 2)
    #expect(result.duplicates.isEmpty && result.counts == [1000])
  }
}

@Suite("Inspection")
struct InspectionTests {
  private static func folder() throws -> TemporaryDirectory {
    let directory = try TemporaryDirectory()
    for index in 0..<9 {
      let bytes = try picture(UInt8(index), height: 10 + index, width: 30 - index)
      try directory.write(bytes, to: "\(index < 6 ? "a" : "b")/\(index).png")
    }
    try directory.write(
      Image(height: 5, width: 5, color: .white, channels: 3).encodedPNG(), to: "c/1.png")
    return directory
  }

  @Test("Extents, channels and pictures of every class")
  func figures() throws {
    let directory = try Self.folder()
    let dataset = try ImageFolder(directory.path)
    let inspection = try DatasetInspection(of: dataset, specimens: 5, threads: 2)
    #expect(inspection.imageCount == 10 && inspection.lookedAt == 10 && inspection.badCount == 0)
    #expect(inspection.counts == [6, 3, 1])
    #expect(inspection.height?.smallest == 5 && inspection.height?.largest == 18)
    #expect(inspection.width?.smallest == 5 && inspection.width?.largest == 30)
    #expect(inspection.height?.median == 14)
    #expect(inspection.channels == [1: 9, 3: 1])
    #expect(inspection.specimens.map(\.className) == ["a", "a", "b", "b", "c"])
    for specimen in inspection.specimens {
      let index = try #require((0..<10).first { dataset.sampleName(at: $0) == specimen.name })
      #expect(try dataset.sample(at: index).image == specimen.image)
    }
    let again = try DatasetInspection(of: dataset, specimens: 5, threads: 1)
    #expect(again.specimens.map(\.name) == inspection.specimens.map(\.name))
    let other = try (1..<6).map {
      try DatasetInspection(of: dataset, specimens: 5, seed: $0, threads: 1).specimens.map(\.name)
    }
    #expect(Set(other).count > 1)
  }

  @Test("A limit, more specimens than pictures, and bad pictures")
  func limits() throws {
    let directory = try Self.folder()
    try directory.write([1], to: "c/1.png")
    let dataset = try ImageFolder(directory.path)
    let few = try DatasetInspection(of: dataset, specimens: 2, limit: 4, threads: 1)
    #expect(few.lookedAt == 4 && few.specimens.count == 2 && few.imageCount == 10)
    let all = try DatasetInspection(of: dataset, specimens: 100, threads: 2)
    #expect(all.specimens.count == 9 && all.badCount == 1)
    let broken = try TemporaryDirectory()
    try broken.write([1], to: "a/1.png")
    let error = #expect(throws: ImageError.self) {
      try DatasetInspection(of: ImageFolder(broken.path), specimens: 1, threads: 1)
    }
    #expect(error?.file == broken.file("a/1.png"))
  }
}
