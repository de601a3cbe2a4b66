import ConvNetFiles
import ConvNetTestSupport
import ConvNetTraining
import Foundation
import Testing

@Suite("Logs of records") struct RecordLogTests {
  private func inode(_ path: String) throws -> Int {
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    return try #require(attributes[.systemFileNumber] as? Int)
  }

  @Test("who has the file open sees every record, whole, in the same file")
  func followed() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("log")
    var log = RecordLog(path: path) { _ in (0, [1]) }
    try log.write()
    let first = try inode(path)
    let reader = try #require(FileHandle(forReadingAtPath: path))
    #expect(try reader.readToEnd().map { [UInt8]($0) } == [1])
    for record in [[2, 3], [4]] as [[UInt8]] {
      log.add(record)
      #expect(try reader.readToEnd()?.isEmpty ?? true)
      try log.write(isLasting: record.count > 1)
      #expect(try reader.readToEnd().map { [UInt8]($0) } == record)
    }
    #expect(try inode(path) == first)
    try reader.close()
  }

  @Test("what an earlier process left is cut where it is told, and goes on in the same file")
  func goesOn() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("log")
    try Data([1, 2, 3, 4]).write(to: URL(fileURLWithPath: path))
    let before = try inode(path)
    var log = RecordLog(path: path) { contents in
      #expect(contents == [1, 2, 3, 4])
      return (3, [9])
    }
    log.add([5])
    try log.write()
    #expect(try fileBytes(path) == [1, 2, 3, 9, 5] && inode(path) == before)
  }

  @Test("what could not be written is written with the next record")
  func failed() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("folder/log")
    var log = RecordLog(path: path) { _ in (0, []) }
    log.add([1])
    #expect(throws: FileError.self) { try log.write() }
    try FileManager.default.createDirectory(
      atPath: directory.file("folder"), withIntermediateDirectories: false)
    log.add([2])
    try log.write()
    try log.write()
    #expect(try fileBytes(path) == [1, 2])
  }
}
