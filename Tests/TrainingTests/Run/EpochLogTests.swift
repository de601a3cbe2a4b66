import ConvNetEvaluation
import ConvNetFiles
import ConvNetTestSupport
import Foundation
import Testing

import ConvNetTraining

@Suite("Logs of epochs") struct EpochLogTests {
  private func inode(_ path: String) throws -> Int {
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    return try #require(attributes[.systemFileNumber] as? Int)
  }

  private func lines(_ count: Int, of run: String = "a") -> [[UInt8]] {
    (0..<count).map { [UInt8]("\(run)\($0)\n".utf8) }
  }

  private func log(_ path: String) -> EpochLog {
    EpochLog(path: path, tail: .cut) { bytes in (bytes.lastIndex(of: 10) ?? -1) + 1 }
  }

  private func text(_ path: String) throws -> String {
    try String(contentsOfFile: path, encoding: .utf8)
  }

  private func history(_ count: Int, at time: Double = 1000) -> [EpochReport] {
    (0..<count).map { epoch in
      EpochReport(
        epoch: epoch + 1, learningRate: 0.1, training: ClassificationMetrics(), validation: nil,
        seconds: 1, dataWaitSeconds: 0, skippedCount: 0, endTime: time + Double(epoch))
    }
  }

  @Test("Who has the file open sees every epoch, whole, in the same file")
  func followed() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("events")
    var log = EventFile.log(at: path)
    try log.write(EventFile(history(1)).records)
    let first = try inode(path)
    let reader = try #require(FileHandle(forReadingAtPath: path))
    var seen = [UInt8](try #require(try reader.readToEnd()))
    #expect(seen == EventFile(history(1)).bytes)
    for epochs in 2...4 {
      try log.write(EventFile(history(epochs)).records)
      seen += [UInt8](try #require(try reader.readToEnd()))
      #expect(seen == EventFile(history(epochs)).bytes)
    }
    #expect(try inode(path) == first)
    try reader.close()
  }

  @Test("A resumed training goes on in the same file, and a record that was torn is written anew")
  func resumed() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("events")
    let whole = EventFile(history(4))
    for torn in 0...whole.records[3].count {
      let known = Array(whole.records[..<3].joined()) + whole.records[3].prefix(torn)
      try Data(known).write(to: URL(fileURLWithPath: path))
      let before = try inode(path)
      var log = EventFile.log(at: path)
      try log.write(whole.records)
      #expect(try fileBytes(path) == whole.bytes && inode(path) == before, "\(torn)")
    }
    for damaged in [3, 9, 20, whole.bytes.count - 2] {
      var bytes = whole.bytes
      bytes[damaged] ^= 1
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      var log = EventFile.log(at: path)
      try log.write(whole.records)
      #expect(try fileBytes(path) == whole.bytes, "\(damaged)")
    }
  }

  @Test("Events of epochs that are trained again are void; a reader that has passed them goes on")
  func voided() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("events")
    var log = EventFile.log(at: path)
    let old = EventFile(history(3))
    try log.write(old.records)
    var resumed = EventFile.log(at: path)
    let new = EventFile(history(1) + history(3, at: 2000)[1...])
    try resumed.write(Array(new.records.prefix(3)))
    try resumed.write(new.records)
    let bytes = try fileBytes(path)
    #expect(bytes.starts(with: old.bytes))
    let rest = Array(bytes.dropFirst(old.bytes.count))
    #expect(Array(rest.suffix(new.bytes.count)) == new.bytes)
    // Between them the start of a session (field 7: status 1) at step 1 (field 2).
    let marker = rest.dropLast(new.bytes.count).dropFirst(12).dropLast(4)
    #expect(Array(marker.suffix(6)) == [2 << 3, 1, 7 << 3 | 2, 2, 1 << 3, 1])
  }

  @Test("Lines of epochs that are trained again are cut off")
  func cut() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("metrics")
    var first = log(path)
    try first.write(lines(3))
    let before = try inode(path)
    var second = log(path)
    try second.write(lines(1) + lines(1, of: "b"))
    #expect(try text(path) == "a0\nb0\n")
    try second.write(lines(1) + lines(2, of: "b"))
    #expect(try text(path) == "a0\nb0\nb1\n" && inode(path) == before)
  }

  @Test("What could not be written is written with the next epoch")
  func failed() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("folder/metrics")
    var log = log(path)
    let error = #expect(throws: FileError.self) { try log.write(lines(1)) }
    #expect(error?.description == "cannot open \(path): No such file or directory")
    try FileManager.default.createDirectory(
      atPath: directory.file("folder"), withIntermediateDirectories: false)
    try log.write(lines(2))
    try log.write(lines(2))
    #expect(try text(path) == "a0\na1\n")
    #expect(throws: FileError.self) { _ = try AppendedFile(path: directory.path) }
  }
}
