import ConvNetTensors
import ConvNetTestSupport
import Foundation
import Testing

@Suite("Atomic files")
struct AtomicFileTests {
  private struct Stop: Error {}

  @Test("A file is replaced whole, and nothing else stays behind")
  func replaces() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("a.txt")
    try AtomicFile.write("old", to: path)
    try AtomicFile.write("new", to: path)
    #expect(try fileBytes(path) == [UInt8]("new".utf8))
    #expect(try directory.contents() == ["a.txt"])
  }

  @Test("A failed write leaves the old file and no temporary one")
  func failure() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("a.txt")
    try AtomicFile.write("old", to: path)
    #expect(throws: Stop.self) {
      try AtomicFile.write(to: path) { file in
        try file.write([1, 2, 3].span.bytes)
        throw Stop()
      }
    }
    #expect(try fileBytes(path) == [UInt8]("old".utf8))
    #expect(try directory.contents() == ["a.txt"])
  }

  @Test("A link is followed and permissions are kept")
  func link() throws {
    let directory = try TemporaryDirectory()
    let target = directory.file("target")
    try AtomicFile.write("old", to: target)
    chmod(target, 0o640)
    symlink(target, directory.file("link"))
    try AtomicFile.write("new", to: directory.file("link"))
    #expect(try fileBytes(target) == [UInt8]("new".utf8))
    let attributes = try FileManager.default.attributesOfItem(atPath: target)
    #expect(attributes[.posixPermissions] as? Int == 0o640)
  }

  @Test("A place that cannot be written is named, with the reason")
  func unwritable() throws {
    let directory = try TemporaryDirectory()
    let missing = directory.file("no/such/folder/x")
    let error = #expect(throws: FileError.self) { try AtomicFile.write("x", to: missing) }
    #expect(error?.problem == .system(code: ENOENT))
    #expect(error?.description == "cannot create \(missing): No such file or directory")
    let folder = #expect(throws: FileError.self) { try AtomicFile.write("x", to: directory.path) }
    #expect(folder?.problem == .system(code: EISDIR))
  }

  @Test("Devices are written in place")
  func device() throws {
    try AtomicFile.write("x", to: "/dev/null")
    var status = stat()
    #expect(stat("/dev/null", &status) == 0)
    #expect(status.st_mode & S_IFMT == S_IFCHR)
  }

  @Test("A mapped file lends its bytes; an empty one is empty; a directory is refused")
  func mapping() throws {
    let directory = try TemporaryDirectory()
    let path = try directory.write([1, 2, 3, 4, 5], to: "five")
    let file = try MappedFile(path: path)
    #expect(file.byteCount == 5)
    #expect(file.withBytes { $0.integer(at: 1, bigEndian: true, as: UInt32.self) } == 0x0203_0405)
    #expect(file.withBytes { $0.integer(at: 2, as: UInt32.self) } == nil)
    #expect(file.withBytes { $0.integer(at: -1, as: UInt8.self) } == nil)
    #expect(try MappedFile(path: directory.write([], to: "empty")).byteCount == 0)
    #expect(throws: FileError.self) { try MappedFile(path: directory.path) }
    #expect(throws: FileError.self) { try MappedFile(path: directory.file("missing")) }
  }
}
