import ConvNetFiles
import ConvNetFormats
import ConvNetLayers
import ConvNetTestSupport
import Foundation
import Testing

@Suite("Names of classes from a file") struct ClassNamesTests {
  private func model() throws -> Model {
    try Model(
      validating: Network("three", input: .image(height: 2, width: 2, channels: 1)) {
        Flatten()
        Dense(3)
      }, seed: 1, classNames: ["x", "y", "z"])
  }

  private func names(in bytes: [UInt8]) throws -> [String] {
    let directory = try TemporaryDirectory()
    try directory.write(bytes, to: "names.txt")
    var model = try model()
    try model.loadClassNames(from: directory.file("names.txt"))
    return model.classNames
  }

  @Test(
    "a name a line, whatever ends the lines, with or without a mark of UTF-8",
    arguments: [
      "tench\nhouse cat\nü\n", "tench\nhouse cat\nü", "tench\r\nhouse cat\r\nü\r\n",
      "  tench \n\thouse cat\nü\n\n\n", "\u{FEFF}tench\nhouse cat\nü", "tench\rhouse cat\rü\r",
    ])
  func lines(text: String) throws {
    #expect(try names(in: [UInt8](text.utf8)) == ["tench", "house cat", "ü"])
  }

  @Test(
    "another number of names is refused, with both",
    arguments: [("", 0), ("a\nb", 2), ("a\nb\nc\nd\r\n", 4), ("a\n\nb\nc", 4)])
  func count(text: String, lines: Int) throws {
    let error = #expect(throws: ClassNamesError.self) { try names(in: [UInt8](text.utf8)) }
    #expect(error?.count == lines && error?.expected == 3)
    #expect(error?.path.hasSuffix("names.txt") == true)
  }

  @Test("what is no file leaves the model as it was")
  func noFile() throws {
    let directory = try TemporaryDirectory()
    var model = try model()
    for path in [directory.path, directory.file("absent.txt"), "/dev/zero"] {
      #expect(throws: FileError.self) { try model.loadClassNames(from: path) }
    }
    #expect(model.classNames == ["x", "y", "z"])
  }
}
