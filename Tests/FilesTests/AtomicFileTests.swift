import ConvNetFiles
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

  @Test("What a dead process left is removed; what a living one writes, and other files, stay")
  func leftovers() throws {
    let directory = try TemporaryDirectory()
    let left = ".model.safetensors.convnet-0a1b.tmp"
    let others = [
      ".model.safetensors.convnet-living.tmp", ".model.safetensors.convnet-0a1b", "a.convnet-b.tmp",
      ".other.tmp",
    ]
    for name in [left] + others { try directory.write([1], to: name) }
    try FileManager.default.createDirectory(
      atPath: directory.file(".folder.convnet-1.tmp"), withIntermediateDirectories: false)
    symlink("a.convnet-b.tmp", directory.file(".link.convnet-1.tmp"))
    let living = open(directory.file(others[0]), O_WRONLY)
    #expect(flock(living, LOCK_EX) == 0)
    try AtomicFile.write("new", to: directory.file("x"))
    close(living)
    let expected = others + ["x", ".folder.convnet-1.tmp", ".link.convnet-1.tmp"]
    #expect(try directory.contents() == expected.sorted())
  }

  @Test("A file being written is locked, under a name that no name's length makes too long")
  func temporaryName() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file(String(repeating: "\u{1F600}", count: 63))
    try AtomicFile.write(to: path) { file in
      let names = try directory.contents()
      #expect(names.count == 1 && names[0].hasPrefix(".") && names[0].contains(".convnet-"))
      let other = open(directory.file(names[0]), O_RDWR)
      #expect(flock(other, LOCK_EX | LOCK_NB) == -1 && errno == EWOULDBLOCK)
      close(other)
    }
    #expect(try directory.contents() == [String(repeating: "\u{1F600}", count: 63)])
  }

  @Test("A process that ends itself in the middle of a file removes it")
  func abandoned() async {
    await #expect(processExitsWith: .exitCode(7)) {
      let directory = try TemporaryDirectory()
      try AtomicFile.write(to: directory.file("x")) { file in
        guard try directory.contents().count == 1 else { exit(1) }
        AtomicFile.abandonAll { exit((try? directory.contents()) == [] ? 7 : 1) }
      }
    }
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
