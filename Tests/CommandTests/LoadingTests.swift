import ConvNet
import ConvNetTestSupport
import Foundation
import Testing

@Suite("Commands that augment and load") struct LoadingTests {
  /// Color pictures of 14 x 18 in two classes, one of them damaged on request.
  private static func writePictures(
    to directory: borrowing TemporaryDirectory, isDamaged: Bool = false
  ) throws {
    for (label, name) in ["dark", "light"].enumerated() {
      for index in 0..<9 {
        let color = Image.Color(
          red: UInt8(30 + 150 * label + 3 * index), green: UInt8(20 + 170 * label), blue: 90)
        try directory.write(
          Image(height: 14, width: 18, color: color).encodedPNG(),
          to: "pictures/\(name)/\(index).png")
      }
    }
    if isDamaged {
      try directory.write([UInt8]("PNG?".utf8), to: "pictures/dark/3.png")
    }
  }

  private static func train(
    _ directory: borrowing TemporaryDirectory, _ more: String..., model: String = "lenet5"
  ) throws -> Invocation {
    try Invocation(
      [
        "train", "--model", model, "--data", "pictures", "--output", "out", "--epochs", "2",
        "--batch-size", "6", "--input", "16x16", "--threads", "1",
      ] + more, in: directory.path)
  }

  @Test("the augmentation of a training stands in its result, its report and its model file")
  func augmentation() throws {
    let directory = try TemporaryDirectory()
    try Self.writePictures(to: directory)
    let run = try Self.train(
      directory, "--augment", #"[{"randomCrop": {"padding": 2}}, "colorShift", "mixup"]"#,
      "--normalize", "picture", "--workers", "3", "--cache-memory", "1M", "--prefetch", "2",
      "--json", model: "resnet20")
    #expect(run.status == 0, "\(run.errors)")
    let result = try #require(try run.json() as? [String: Any])
    let steps = try #require(result["augmentation"] as? [[String: Any]])
    #expect(steps.map { $0.keys.first } == ["randomCrop", "colorShift", "mixup"])
    let model = try Model(loading: directory.file("out/model.safetensors"))
    #expect(model.augmentation?.steps.count == 3)
    #expect(model.preprocessing?.meanPicture?.values.count == 16 * 16 * 3)
    guard case .colorShift(let shift) = model.augmentation?.steps[1] else {
      Issue.record("no color shift")
      return
    }
    #expect(shift.components != nil)
    let report = try String(contentsOfFile: directory.file("out/report.html"), encoding: .utf8)
    #expect(report.contains("random crop of the picture padded by 2, color shift"))
    let summary = try convnet("summary", "out/model.safetensors", "--json", in: directory.path)
    let described = try #require(try summary.json() as? [String: Any])
    #expect((described["augmentation"] as? [Any])?.count == 3)
  }

  @Test("a picture that cannot be read is named; skip goes on without it and counts it")
  func bad() throws {
    let directory = try TemporaryDirectory()
    try Self.writePictures(to: directory, isDamaged: true)
    #expect(try Self.train(directory, "--quiet").failure().contains("pictures/dark/3.png"))
    let run = try Self.train(directory, "--on-bad", "skip", "--json")
    #expect(run.status == 0, "\(run.errors)")
    let notes = run.errors.split(separator: "\n").filter { $0.hasPrefix("skipped: ") }
    #expect(notes.count == 1 && notes[0].contains("pictures/dark/3.png"))
    let result = try #require(try run.json() as? [String: Any])
    #expect(result["skipped"] as? Int == 1)
    let lines = try String(contentsOfFile: directory.file("out/metrics.jsonl"), encoding: .utf8)
    #expect(lines.contains(#""skipped":1"#))

    let file = "out/model.safetensors"
    let refused = try convnet(
      "evaluate", file, "--data", "pictures", "--split", "1", "--quiet", in: directory.path)
    #expect(try refused.failure().contains("pictures/dark/3.png"))
    let measured = try convnet(
      "evaluate", file, "--data", "pictures", "--split", "1", "--on-bad", "skip", "--json",
      in: directory.path)
    #expect(try (measured.json() as? [String: Any])?["images"] as? Int == 17)
  }

  @Test(
    "what is no picture is told before the work begins: how many, the first by name, and what to do"
  )
  func foundEarly() throws {
    let directory = try TemporaryDirectory()
    try Self.writePictures(to: directory)
    for name in ["dark/1", "dark/5", "light/0", "light/7", "light/8"] {
      try directory.write([UInt8]("<!DOCTYPE html><p>".utf8), to: "pictures/\(name).png")
    }
    let line = try Self.train(directory, "--quiet").failure()
    #expect(
      line.hasPrefix("5 of 18 pictures of pictures cannot be read: pictures/")
        && line.contains("web page") && line.contains("; and 2 more; ")
        && line.contains("dataset verify") && line.hasSuffix("--on-bad skip"), "\(line)")
    #expect(!FileManager.default.fileExists(atPath: directory.file("out")))
    let run = try Self.train(directory, "--on-bad", "skip")
    let lines = run.errors.split(separator: "\n")
    let told = lines.firstIndex { $0.hasPrefix("5 of 18 pictures of pictures cannot be read") }
    let epoch = lines.firstIndex { $0.hasPrefix("epoch 1") }
    #expect(run.status == 0 && told != nil && epoch != nil, "\(run.errors)")
    #expect(told ?? 1 < epoch ?? 0)
    for more in [[], ["--on-bad", "skip"]] {
      let evaluation = try Invocation(
        ["evaluate", "out/model.safetensors", "--data", "pictures", "--split", "1"] + more,
        in: directory.path)
      #expect(evaluation.status == (more.isEmpty ? 1 : 0))
      #expect(evaluation.errors.contains("5 of 18 pictures of pictures cannot be read"))
    }
  }

  @Test("augmentations: the names, for people and as JSON; so does --augment list")
  func listing() throws {
    let plain = try convnet("augmentations")
    for preset in Augmentation.presets { #expect(plain.output.contains("\n\(preset.name) ")) }
    let list = try convnet("train", "--augment", "list")
    #expect(list.status == 0 && list.errors.isEmpty)
    #expect(
      list.output.trimmingCharacters(in: .newlines)
        == plain.output.trimmingCharacters(in: .newlines))
    let rows = try #require(try convnet("augmentations", "--json").json() as? [[String: Any]])
    #expect(rows.map { $0["name"] as? String } == Augmentation.presets.map(\.name))
    #expect(Set(rows[0].keys) == ["name", "summary", "steps"])
  }

  @Test("dataset benchmark: the documented keys")
  func benchmark() throws {
    let directory = try TemporaryDirectory()
    try Self.writePictures(to: directory)
    let run = try convnet(
      "dataset", "benchmark", "pictures", "--augment", "alexnet", "--normalize", "colors",
      "--input", "24x24", "--batch-size", "4", "--workers", "2", "--epochs", "2", "--json",
      in: directory.path)
    let result = try #require(try run.json() as? [String: Any], "\(run.errors)")
    #expect(
      Set(result.keys) == ["images", "imagesPerSecond", "epochs", "skipped", "augmentation"])
    #expect(result["images"] as? Int == 18)
    let rates = try #require(result["epochs"] as? [Double])
    #expect(rates.count == 2 && rates.allSatisfy { $0 > 0 })
  }

  @Test(
    "what makes no sense is refused by name",
    arguments: [
      (["--augment", "alexnett"], "did you mean alexnet"),
      (["--augment", #"["randomCop"]"#], "did you mean randomCrop"),
      (["--augment", #"[{"rotation": {"degrees": 999}}]"#], "degrees is 999"),
      (["--augment", "[1, 2"], "not JSON"),
    ])
  func refusals(arguments: [String], message: String) throws {
    let directory = try TemporaryDirectory()
    try Self.writePictures(to: directory)
    let line = try Invocation(
      ["dataset", "benchmark", "pictures"] + arguments, in: directory.path
    ).failure()
    #expect(line.contains(message), "\(line)")
  }

  @Test(
    "options out of their range are errors of usage",
    arguments: [
      ["--workers", "0"], ["--prefetch", "0"], ["--cache-memory", "1e99T"],
      ["--cache-memory", "2X"],
      ["--on-bad", "maybe"], ["--normalize", "all"],
    ])
  func usage(arguments: [String]) throws {
    #expect(try Invocation(["dataset", "benchmark", "pictures"] + arguments).status == 64)
  }
}
