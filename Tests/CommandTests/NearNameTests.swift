import ConvNet
import ConvNetTestSupport
import Foundation
import Testing

@Suite("What stands near a name that is not there") struct NearNameTests {
  private static func write(to directory: borrowing TemporaryDirectory) throws {
    let entry = try #require(ModelRegistry["lenet5"])
    try FileManager.default.createDirectory(
      atPath: directory.file("runs/mine"), withIntermediateDirectories: true)
    try Model(entry.network).save(to: directory.file("runs/mine/model.safetensors"))
    try writeClasses(["cat": 10], to: directory.file("pictures"), count: 1)
  }

  @Test(
    "is named by the error",
    arguments: [
      ("predict runs/mine pictures", "the model in it is runs/mine/model.safetensors"),
      (
        "evaluate runs/mine/model.safetensor --data pictures",
        "did you mean runs/mine/model.safetensors?"
      ),
      (
        "predict runs/mine/model.safetensors pictures/cat/00.png",
        "did you mean pictures/cat/0.png?"
      ),
      ("run runs/mine/model.safetensors --input x.npy --output y.npy", "No such file or directory"),
      (
        "train --model lenet5 --data pictures --output runs/nowhere --resume",
        "begin one without --resume"
      ),
    ])
  func nearest(arguments: String, end: String) throws {
    let directory = try TemporaryDirectory()
    try Self.write(to: directory)
    let line = try Invocation(
      arguments.split(separator: " ").map(String.init), in: directory.path
    ).failure()
    #expect(line.hasSuffix(end), "\(line)")
  }

  @Test(
    "is suggested for a misspelt command, of commands below others too",
    arguments: [("trian", "train"), ("sumary", "summary"), ("dataset inspekt", "inspect")])
  func commands(arguments: String, meant: String) throws {
    let result = try Invocation(arguments.split(separator: " ").map(String.init))
    #expect(result.status == 64)
    #expect(result.errors.contains("did you mean \(meant)?"), "\(result.errors)")
  }

  @Test("a model file is no list of pictures, which one line says")
  func binaryList() throws {
    let directory = try TemporaryDirectory()
    try Self.write(to: directory)
    let line = try convnet(
      "predict", "runs/mine/model.safetensors", "--from-file", "runs/mine/model.safetensors",
      in: directory.path
    ).failure()
    #expect(line.contains("is not a text") && line.count < 200, "\(line)")
  }
}

@Suite("Options that are refused with what would do") struct OptionFormTests {
  @Test(
    "before anything is done",
    arguments: [
      ("summary lenet5 --input 64", "--input is 64, must be height x width in pixels: 64x64"),
      ("summary lenet5 --input 0x0", "--input is 0x0, must be height x width in pixels: 64x64"),
      ("explain lenet5 --input 32x", "--input is 32x, must be height x width in pixels: 64x64"),
      ("explain lenet5 --dot --json", "choose one"),
      (
        "dataset benchmark pictures --input 9x",
        "--input is 9x, must be height x width in pixels: 64x64"
      ),
      ("dataset inspect pictures --output sheet.gif", "a sheet is written as .png or .jpg"),
    ])
  func refused(arguments: String, text: String) throws {
    let result = try Invocation(arguments.split(separator: " ").map(String.init))
    #expect(result.status == 64)
    #expect(result.errors.contains(text), "\(result.errors)")
  }

  @Test("a contact sheet is written as its name says", arguments: ["sheet.png", "sheet.JPG"])
  func sheet(name: String) throws {
    let directory = try TemporaryDirectory()
    try writeClasses(["cat": 10, "dog": 90], to: directory.file("pictures"), count: 2)
    let result = try convnet(
      "dataset", "inspect", "pictures", "--output", name, in: directory.path)
    #expect(result.status == 0, "\(result.errors)")
    let bytes = try Data(contentsOf: URL(fileURLWithPath: directory.file(name)))
    #expect(Array(bytes.prefix(2)) == (name.hasSuffix("png") ? [0x89, 0x50] : [0xFF, 0xD8]))
  }

  @Test("weights with another number of classes are said to need that number")
  func classes() throws {
    let directory = try TemporaryDirectory()
    let entry = try #require(ModelRegistry["resnet18-torchvision"])
    var options = entry.defaults
    options.classes = 3
    try Safetensors(tensors: Model(entry.build(options)).parameters)
      .write(to: directory.file("three.safetensors"))
    let arguments = [
      "convert", "three.safetensors", "o.safetensors", "--model", "resnet18-torchvision",
    ]
    let line = try Invocation(arguments, in: directory.path).failure()
    #expect(line.contains("build the network for those"), "\(line)")
    #expect(line.hasSuffix("--classes 3 builds it for them"), "\(line)")
    let right = try Invocation(arguments + ["--classes", "3"], in: directory.path)
    #expect(right.status == 0)
    #expect(
      right.errors.contains("does not say how pictures are prepared")
        && right.errors.contains("--class-names"), "\(right.errors)")
  }
}
