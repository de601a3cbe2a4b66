import ConvNet
import ConvNetTestSupport
import Foundation
import Testing

@Suite("Outputs that would replace a file of the same command") struct OutputFilesTests {
  /// The names are looked at before any of these is read.
  private static let names = [
    "m.safetensors", "cls.csv", "l.csv", "x.npy", "y.npy", "pic.png", "steps/000010.png",
    "data/dark/0000-dark.png", "runs/a/metrics.jsonl", "out/epochs.csv", "shard-1.png",
  ]

  private static func directory() throws -> TemporaryDirectory {
    let directory = try TemporaryDirectory()
    for name in names { try directory.write([UInt8](name.utf8), to: name) }
    return directory
  }

  /// Runs what is to be refused as a usage error that has left every file as it was.
  private static func refusal(
    _ arguments: String, in directory: borrowing TemporaryDirectory
  ) throws -> String {
    let folder = directory.path
    let run = try Invocation(
      arguments.split(separator: " ").map(String.init), in: folder)
    #expect(run.status == 64 && run.output.isEmpty, "\(arguments): \(run.errors)")
    for name in names {
      #expect(try fileBytes("\(folder)/\(name)") == [UInt8](name.utf8), "\(name)")
    }
    return run.errors.replacingOccurrences(of: "\n", with: " ")
  }

  @Test(
    "no output is a file that is read",
    arguments: [
      "evaluate m.safetensors --data cls.csv --report m.safetensors",
      "evaluate m.safetensors --data cls.csv --predictions cls.csv",
      "evaluate lenet5 --weights m.safetensors --data cls.csv --classes-csv ./m.safetensors",
      "evaluate m.safetensors --data shard-{0..2}.png --views-sheet shard-1.png",
      "benchmark m.safetensors --seconds 0 --trace m.safetensors",
      "gradients m.safetensors --input x.npy --labels y.npy --output m.safetensors",
      "gradients lenet5 --input x.npy --labels y.npy --output steps/../y.npy",
      "run m.safetensors --input x.npy --output x.npy",
      "run m.safetensors --input first=x.npy --output x.npy",
      "convert m.safetensors m.safetensors",
      "convert m.safetensors cls.csv --model lenet5 --class-names cls.csv",
      "calibrate-batchnorm m.safetensors --data cls.csv --output m.safetensors",
      "train --model lenet5 --data cls.csv --output runs/a --trace cls.csv",
      "train --model lenet5 --data cls.csv --output new --trace new/model.safetensors",
      "experiment heads --data out/epochs.csv --output out",
      "compare runs/a --output runs/a/metrics.jsonl",
      "dataset inspect data --output data/dark/0000-dark.png",
      "prior denoise pic.png --output pic.png",
      "prior denoise pic.png --output o.png --csv pic.png",
      "prior denoise x.npy --reference pic.png --output pic.png",
      "prior denoise steps/000010.png --snapshots steps --output o.png",
      "prior inpaint x.npy --mask pic.png --output pic.png",
      "prior flash x.npy --flash pic.png --output pic.png",
      "visualize grad-cam m.safetensors pic.png --output pic.png",
      "visualize saliency m.safetensors pic.png --output pic.png",
      "visualize occlusion m.safetensors pic.png --output pic.png",
      "visualize integrated-gradients m.safetensors pic.png --output pic.png",
      "visualize activations m.safetensors pic.png --output pic.png",
      "visualize invert m.safetensors x.npy --beside pic.png --output pic.png",
      "visualize convolve --picture pic.png --kernel sobel --output pic.png",
      "visualize shift --picture pic.png --output pic.png",
      "visualize receptive-field m.safetensors --picture pic.png --output pic.png",
      "visualize nearest m.safetensors --data cls.csv --picture pic.png --output pic.png",
      "visualize embedding m.safetensors --data data --output data/dark/0000-dark.png",
      "visualize maximize m.safetensors --class 1 --data data --output data/dark/0000-dark.png",
      "visualize filters m.safetensors --csv m.safetensors --output f.svg",
      "visualize features m.safetensors --data cls.csv --output cls.npy",
      "visualize landscape m.safetensors --data l.csv --output l.svg --resume",
    ])
  func inputs(arguments: String) throws {
    let line = try Self.refusal(arguments, in: Self.directory())
    #expect(line.contains("would replace"), "\(line)")
  }

  @Test(
    "no two outputs are one file",
    arguments: [
      "evaluate m.safetensors --data cls.csv --predictions s.csv --suspects ./s.csv",
      "evaluate m.safetensors --data cls.csv --classes-csv s.csv --confusion-csv s.csv",
      "prior denoise pic.png --output p2.png --strip p2.png",
      "prior denoise pic.png --output p2.png --animation steps/../p2.png",
      "prior denoise pic.png --output steps/000001.png --snapshots steps",
      "visualize filters m.safetensors --statistics f.svg --output f.svg",
    ])
  func outputs(arguments: String) throws {
    let line = try Self.refusal(arguments, in: Self.directory())
    #expect(line.contains("are one file"), "\(line)")
  }

  @Test("a refusal names both, and what to do")
  func words() throws {
    let directory = try Self.directory()
    let input = try Self.refusal(
      "evaluate m.safetensors --data cls.csv --predictions ./cls.csv", in: directory)
    #expect(
      input.contains("--predictions ./cls.csv would replace --data cls.csv; name another file"),
      "\(input)")
    let output = try Self.refusal(
      "prior denoise pic.png --output a.png --strip a.png", in: directory)
    #expect(
      output.contains("--output a.png and --strip a.png are one file; give each a name"),
      "\(output)")
  }

  @Test("links are seen through, to files and to folders")
  func links() throws {
    let directory = try Self.directory()
    let files = FileManager.default
    try files.createSymbolicLink(
      atPath: directory.file("soft"), withDestinationPath: "m.safetensors")
    try files.linkItem(atPath: directory.file("m.safetensors"), toPath: directory.file("hard"))
    try files.createSymbolicLink(atPath: directory.file("here"), withDestinationPath: ".")
    for name in ["soft", "hard", "here/m.safetensors"] {
      let line = try Self.refusal(
        "benchmark m.safetensors --seconds 0 --trace \(name)", in: directory)
      #expect(line.contains("would replace the model m.safetensors"), "\(line)")
    }
    let line = try Self.refusal(
      "evaluate m.safetensors --data cls.csv --predictions s.csv --suspects here/s.csv",
      in: directory)
    #expect(line.contains("are one file"), "\(line)")
  }

  @Test("a list or a picture of the data is not replaced by what is made of the data")
  func datasets() throws {
    let directory = try TemporaryDirectory()
    try writeClasses(["dark": 30, "light": 200], to: directory.file("pictures"), count: 3)
    let pictures = ["dark", "light"].flatMap { name in
      (0..<3).map { "pictures/\(name)/\($0).png,\(name)\n" }
    }
    try directory.write([UInt8](("path,label\n" + pictures.joined()).utf8), to: "fold-1.csv")
    try FileManager.default.copyItem(
      atPath: directory.file("pictures/dark/0.png"),
      toPath: directory.file("pictures/dark/0000-dark.png"))
    for (arguments, kept) in [
      ("dataset split fold-1.csv --folds 2 --output . --overwrite", "fold-1.csv"),
      (
        "dataset export pictures --output pictures/dark --overwrite", "pictures/dark/0000-dark.png"
      ),
    ] {
      let before = try fileBytes(directory.file(kept))
      let run = try Invocation(
        arguments.split(separator: " ").map(String.init), in: directory.path)
      #expect(run.status == 64 && run.errors.contains("would replace"), "\(run.errors)")
      #expect(try fileBytes(directory.file(kept)) == before)
    }
  }

  @Test("devices and streams may be named several times, and other files are written")
  func devices() throws {
    let directory = try TemporaryDirectory()
    try writePictures(to: directory)
    try Model(
      lenet5(ModelOptions(height: 12, width: 12, channels: 1, classes: 2)),
      classNames: ["dark", "light"]
    ).save(to: directory.file("m.safetensors"))
    let run = try convnet(
      "evaluate", "m.safetensors", "--data", "pictures", "--quiet", "--predictions", "/dev/null",
      "--suspects", "/dev/null", "--classes-csv", "classes.csv", "--confusion-csv",
      "confusion.csv", in: directory.path)
    #expect(run.status == 0, "\(run.errors)")
    #expect(try directory.contents().filter { $0.hasSuffix(".csv") }.count == 2)
    // Whatever the shell has put there.
    try directory.write([1], to: "bad.safetensors")
    let streams = try convnet(
      "evaluate", "bad.safetensors", "--data", "pictures", "--predictions", "/dev/stdout",
      "--suspects", "/dev/stdout", in: directory.path)
    #expect(streams.status == 1 && !streams.errors.contains("one file"), "\(streams.errors)")
  }

  @Test("a network's name is no file, although there is one of that name")
  func networkName() throws {
    let directory = try TemporaryDirectory()
    for _ in 0..<2 {
      let run = try convnet(
        "benchmark", "lenet5", "--seconds", "0", "--threads", "1", "--trace", "lenet5",
        in: directory.path)
      #expect(run.status == 0, "\(run.errors)")
    }
  }
}
