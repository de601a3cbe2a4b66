import ConvNetDatasets
import ConvNetImages
import ConvNetTensors
import ConvNetTestSupport
import Foundation
import Testing

@Suite("Pictures of a training") struct TrainingPicturesTests {
  private static let names = (0..<12).map { "\($0 < 6 ? "a" : "b")/\($0).png" }

  /// A folder of pictures that differ, what a training of it holds out, and what it remembers.
  private func trained(
    _ directory: borrowing TemporaryDirectory
  ) throws -> (record: TrainingPictures, trained: Set<String>, heldOut: Set<String>) {
    let holdout = Holdout(share: 0.3, seed: 4)
    let (train, test) = try DatasetCatalog.source(directory.path).loadParts(holdout: holdout)
    let record = TrainingPictures(training: train, heldOut: test, holdout: holdout, threads: 2)
    func names(_ dataset: any Dataset) -> Set<String> {
      Set((0..<dataset.count).map(dataset.sampleName))
    }
    // As a model's summary keeps it.
    let back = try JSONDecoder().decode(
      TrainingPictures.self, from: JSONEncoder().encode(record))
    #expect(back == record && back.holdout == holdout && back.count == 12)
    return (back, names(train), names(test))
  }

  private func relation(
    _ record: TrainingPictures, _ path: String
  ) throws -> TrainingPictures.Relation {
    try record.relation(to: DatasetCatalog.source(path).load(.test), threads: 2)
  }

  @Test("pictures that cannot be read are told from none, and hide no others")
  func unreadable() throws {
    let directory = try pictureFolder(Self.names)
    let bad = ["a/1.png", "b/7.png"]
    for name in bad { try FileManager.default.removeItem(atPath: directory.file(name)) }
    // Links that lead nowhere.
    for name in bad {
      try FileManager.default.createSymbolicLink(
        atPath: directory.file(name), withDestinationPath: directory.file("gone.png"))
    }
    let (record, trained, heldOut) = try trained(directory)
    #expect(try relation(record, directory.path) == .same)
    let other = try pictureFolder(Self.names)
    guard case .overlapping(let seen, let unseen) = try relation(record, other.path) else {
      Issue.record("the other pictures are known")
      return
    }
    let dataset = try ImageFolder(other.path)
    #expect(Set(seen.map(dataset.sampleName)) == trained.subtracting(bad))
    #expect(Set(unseen.map(dataset.sampleName)) == heldOut.subtracting(bad))
  }

  @Test("the same folder is known by any path, moved, copied or linked")
  func same() throws {
    let directory = try pictureFolder(Self.names)
    let record = try trained(directory).record
    let other = try TemporaryDirectory()
    try FileManager.default.createSymbolicLink(
      atPath: other.file("link"), withDestinationPath: directory.path)
    try FileManager.default.copyItem(atPath: directory.path, toPath: other.file("copy"))
    for path in [
      directory.path + "/",
      directory.path + "/../" + (directory.path as NSString).lastPathComponent, other.file("link"),
      other.file("copy"),
    ] {
      #expect(try relation(record, path) == .same, "\(path)")
    }
  }

  @Test("other pictures under the same names are other pictures")
  func other() throws {
    let record = try trained(pictureFolder(Self.names)).record
    let reversed = try pictureFolder(Self.names.map { "x\($0)" })
    for name in Self.names {
      try reversed.write(
        Image(height: 3, width: 3, color: .init(grey: 250)).encodedPNG(), to: "other/\(name)")
    }
    #expect(try relation(record, reversed.file("other")) == .other)
  }

  @Test("with more or with less beside them, in a list or in an archive each is known")
  func parts() throws {
    let directory = try pictureFolder(Self.names)
    let (record, trained, heldOut) = try trained(directory)
    func expect(_ path: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
      let dataset = try DatasetCatalog.source(path).load(.test)
      // Whatever it is called now, a sample's name ends as its file was called.
      func places(_ names: Set<String>) -> [Int] {
        (0..<dataset.count).filter { place in
          let name = dataset.sampleName(at: place)
          return names.contains {
            name.hasSuffix($0.split(separator: "/")[1]) && !name.contains("new")
          }
        }
      }
      #expect(
        record.relation(to: dataset, threads: 2)
          == .overlapping(trained: places(trained), heldOut: places(heldOut)),
        sourceLocation: sourceLocation)
    }
    // A list beside it.
    let rows = Self.names.map { "\(directory.file($0)),\($0.prefix(1))" }
    let other = try TemporaryDirectory()
    try other.write([UInt8](rows.joined(separator: "\n").utf8), to: "list.csv")
    try expect(other.file("list.csv"))
    // An archive.
    var members: [(String, [UInt8])] = []
    for name in Self.names {
      let key = name.dropLast(4).replacingOccurrences(of: "/", with: "_/")
      members.append(("\(key).png", try fileBytes(directory.file(name))))
      members.append(("\(key).cls", [UInt8](name.prefix(1).utf8)))
    }
    try other.write(TarSamples.archive(members), to: "a.tar")
    try expect(other.file("a.tar"))
    // Less, and more.
    try FileManager.default.removeItem(atPath: directory.file("a/1.png"))
    try FileManager.default.removeItem(atPath: directory.file("b/8.png"))
    try expect(directory.path)
    try directory.write(
      Image(height: 9, width: 3, color: .init(grey: 99)).encodedPNG(), to: "b/new.png")
    try expect(directory.path)
  }

  @Test("of very many pictures some are remembered: that it is the data, not which part")
  func many() throws {
    func pictures(_ range: Range<Int>) throws -> any Dataset {
      let pixels: [UInt8] = range.flatMap { [UInt8($0 & 255), UInt8($0 >> 8), 7, 9] as [UInt8] }
      return try IDXDataset(
        name: "numbers", images: Tensor(pixels, shape: [range.count, 2, 2]),
        labels: Tensor(range.map { UInt8($0 % 2) }))
    }
    let count = TrainingPictures.limit + 2000
    let holdout = Holdout(share: 0.1)
    let whole = try pictures(0..<count)
    let record = try TrainingPictures(
      training: holdout.part(.train, of: whole), heldOut: holdout.part(.test, of: whole),
      holdout: holdout, threads: 2)
    #expect(try JSONEncoder().encode(record).count < 8 * TrainingPictures.limit)
    #expect(record.relation(to: whole, threads: 2) == .same)
    #expect(try record.relation(to: pictures(0..<count / 2), threads: 2) == .overlappingSomewhere)
    #expect(try record.relation(to: pictures(20_000..<30_000), threads: 2) == .other)
  }
}
