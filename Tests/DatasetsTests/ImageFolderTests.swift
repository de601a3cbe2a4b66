import ConvNetDatasets
import ConvNetFiles
import ConvNetImages
import ConvNetTestSupport
import Foundation
import Testing

@Suite("Image folders")
struct ImageFolderTests {
  private static func greys(_ dataset: any Dataset) throws -> [UInt8] {
    try (0..<dataset.count).map { try dataset.sample(at: $0).image[0, 0, 0] }
  }

  @Test("Classes and files in natural order; hidden and foreign files are ignored")
  func lists() throws {
    let directory = try pictureFolder([
      "10/a.png", "2/10.png", "2/9.PNG", "2/ä b.jpg", ".hidden/a.png", "2/.DS_Store.png",
    ])
    try directory.write([1], to: "2/notes.txt")
    try directory.write([1], to: "2/folder.png/inner.txt")
    try directory.write([1], to: "readme.png")
    let dataset = try ImageFolder(directory.path)
    #expect(dataset.classNames == ["2", "10"])
    #expect((0..<dataset.count).map(dataset.label) == [0, 0, 0, 1])
    // Each picture's grey says which file it was: "a PNG named .jpg" is read like the others.
    #expect(try Self.greys(dataset) == [2, 1, 3, 0])
    #expect(dataset.sampleName(at: 2) == "2/ä b.jpg")
    #expect(dataset.ignoredFiles == ["readme.png", "2/notes.txt", "2/folder.png/inner.txt"])
  }

  @Test("Pictures of folders within a class belong to it; links are followed, loops are not")
  func nested() throws {
    let directory = try pictureFolder(["a/x/2.png", "a/x/y/1.png", "a/3.png", "b/1.png"])
    let manager = FileManager.default
    for (link, target) in [
      ("a/loop", "."), ("a/x/up", "../.."), ("a/self.png", "self.png"), ("b/more", "../a/x/y"),
      ("c", "b"),
    ] {
      try manager.createSymbolicLink(
        atPath: directory.file(link), withDestinationPath: target)
    }
    let dataset = try ImageFolder(directory.path)
    #expect(dataset.classNames == ["a", "b", "c"])
    let names = (0..<dataset.count).map { dataset.sampleName(at: $0) }
    #expect(
      names == [
        "a/3.png", "a/self.png", "a/x/2.png", "a/x/y/1.png", "b/1.png", "b/more/1.png", "c/1.png",
        "c/more/1.png",
      ])
    // A link to itself is named when it is read.
    let loop = try #require(names.firstIndex(of: "a/self.png"))
    let error = #expect(throws: FileError.self) { try dataset.sample(at: loop) }
    #expect(error?.path == directory.file("a/self.png"))
    #expect(error?.problem == .system(code: ELOOP))
  }

  @Test("train and val, train and test, or neither")
  func splits() throws {
    let both = try pictureFolder(["train/a/1.png", "val/b/1.png", "test/c/1.png"])
    #expect(try ImageFolder.load(root: both.path, split: .train).classNames == ["a"])
    #expect(try ImageFolder.load(root: both.path, split: .test).classNames == ["b"])
    let other = try pictureFolder(["train/a/1.png", "test/c/1.png"])
    #expect(try ImageFolder.load(root: other.path, split: .test).classNames == ["c"])
    #expect(try DatasetCatalog.load(other.path + "/", split: .test).classNames == ["c"])
    let plain = try pictureFolder(["a/1.png"])
    #expect(try DatasetCatalog.load(plain.path, split: .test).classNames == ["a"])
    let alone = try pictureFolder(["train/a/1.png", "train/a/2.png"])
    #expect(throws: DatasetError.self) { try ImageFolder.load(root: alone.path, split: .test) }
    let source = try DatasetCatalog.source(alone.path)
    #expect(!source.hasTestPart && source.isTrainingOnly)
    let error = #expect(throws: DatasetError.self) { try source.load(.test) }
    #expect(error?.problem == .missingPart(path: "\(alone.path)/val"))
    #expect(error?.description.contains("hold out a share") == true)
    #expect(try source.load(.test, holdout: Holdout(share: 0.5)).count == 1)
  }

  @Test("No folder, no classes, an empty class: refused by name, with what was found")
  func refusals() throws {
    let directory = try TemporaryDirectory()
    func problem(_ path: String) -> DatasetError.Problem? {
      #expect(throws: DatasetError.self) { try ImageFolder(path) }?.problem
    }
    let missing = directory.file("missing")
    #expect(problem(missing) == .notFolder(path: missing))
    #expect(problem(directory.path) == .noClasses(path: directory.path, found: "nothing"))
    try directory.write([1], to: "a.png")
    try directory.write([1], to: "b.PNG")
    try directory.write([1], to: "notes")
    #expect(
      problem(directory.path)
        == .noClasses(path: directory.path, found: "1 file, 2 .png files"))
    try directory.write([1], to: "empty/notes.txt")
    #expect(problem(directory.path) == .emptyClass(path: "\(directory.path)/empty"))
  }

  @Test("A damaged picture, an empty one and one that is gone are named")
  func bad() throws {
    let directory = try pictureFolder(["a/1.png", "a/2.png", "a/3.png"])
    try directory.write([1, 2, 3], to: "a/1.png")
    try directory.write([], to: "a/2.png")
    let dataset = try ImageFolder(directory.path)
    for index in 0..<2 {
      let damaged = #expect(throws: ImageError.self) { try dataset.sample(at: index) }
      #expect(damaged?.file == dataset.path(at: index))
      #expect(damaged?.problem == .unknownFormat(byteCount: index == 0 ? 3 : 0))
    }
    try FileManager.default.removeItem(atPath: dataset.path(at: 2))
    let gone = #expect(throws: FileError.self) { try dataset.sample(at: 2) }
    #expect(gone?.path == dataset.path(at: 2))
    // A pipe of that name must not be waited for.
    #expect(mkfifo(dataset.path(at: 2), 0o600) == 0)
    let pipe = #expect(throws: FileError.self) { try dataset.sample(at: 2) }
    #expect(pipe?.problem == .notRegularFile)
  }

  @Test("What may not be read is named: a picture, and a folder")
  func permissions() async {
    await #expect(processExitsWith: .success) {
      // The superuser may read all, and becomes another user, for whom the system's folder and what is made in it are open;
      // those of the superuser may not be.
      let isSuperuser = getuid() == 0
      if isSuperuser {
        umask(0o022)
        setenv("TMPDIR", "/tmp", 1)
      }
      let directory = try pictureFolder(["a/1.png", "a/2.png", "b/1.png"])
      precondition(chmod(directory.file("a/2.png"), 0) == 0)
      if isSuperuser { precondition(seteuid(65534) == 0) }
      let dataset = try ImageFolder(directory.path)
      do {
        _ = try dataset.sample(at: 1)
        preconditionFailure("the picture may not be read")
      } catch let error as FileError {
        precondition(error.path == directory.file("a/2.png"))
        precondition(error.problem == .system(code: EACCES))
      }
      let locked = try TemporaryDirectory()
      try locked.write([1], to: "a/1.png")
      precondition(chmod(locked.file("a"), 0) == 0)
      do {
        _ = try ImageFolder(locked.path)
        preconditionFailure("the folder may not be listed")
      } catch let error as FileError {
        precondition(error.path == locked.file("a"))
      }
      precondition(chmod(locked.file("a"), 0o700) == 0)
      // To remove what was made before.
      if isSuperuser { precondition(seteuid(0) == 0) }
    }
  }
}
