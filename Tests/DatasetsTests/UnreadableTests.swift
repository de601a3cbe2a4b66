import ConvNetDatasets
import ConvNetImages
import ConvNetTestSupport
import Foundation
import Testing

@Suite("Pictures that cannot be read are found by their beginnings") struct UnreadableTests {
  @Test("what is empty, of another kind, or small and damaged, and nothing that is good")
  func found() throws {
    let folder = try PictureFolder(count: 40, height: 50, width: 60)
    let good = try [UInt8](
      Data(contentsOf: URL(fileURLWithPath: folder.directory.file("class 0/0.png"))))
    #expect(good.count > 4096)
    let small = try Image(height: 4, width: 4, color: .white, channels: 3).encodedPNG()
    let bad: [(name: String, bytes: [UInt8], says: String)] = [
      ("class 0/1.png", [], "empty"),
      ("class 1/2.png", [UInt8]("<!DOCTYPE html>".utf8), "web page"),
      ("class 1/5.png", [0, 0, 0, 24] + [UInt8]("ftypavif".utf8) + good, "AVIF"),
      ("class 2/3.png", Array(small.prefix(20)), "2/3.png"),
      ("class 2/9.png", [UInt8](repeating: 7, count: 9000), "none of PNG"),
    ]
    for file in bad { try folder.directory.write(file.bytes, to: file.name) }
    // Damage behind the beginning is left to those who decode.
    try folder.directory.write(Array(good.prefix(5000)), to: "class 0/7.png")
    try folder.directory.write(small, to: "class 0/8.png")
    try folder.directory.write(
      [UInt8]("P5 80 80 255\n".utf8) + [UInt8](repeating: 3, count: 6400), to: "class 0/9.png")
    for threads in [1, 3] {
      let unreadable = folder.dataset.unreadableSamples(threads: threads)
      #expect(unreadable.map { folder.dataset.sampleName(at: $0.index) } == bad.map(\.name))
      for (sample, file) in zip(unreadable, bad) {
        #expect(sample.reason.contains(file.name) && sample.reason.contains(file.says))
      }
    }
    let part = try Holdout(share: 0.5, seed: 1).part(.test, of: folder.dataset)
    let expected = (0..<part.count).filter { index in
      bad.contains { $0.name == part.sampleName(at: index) }
    }
    #expect(part.unreadableSamples(threads: 2).map(\.index) == expected && !expected.isEmpty)
    try FileManager.default.removeItem(atPath: folder.directory.file("class 2/4.png"))
    #expect(folder.dataset.unreadableSamples(threads: 1).count == bad.count + 1)
  }
}
