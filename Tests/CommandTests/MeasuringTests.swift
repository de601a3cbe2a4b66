import ConvNet
import ConvNetTestSupport
import Foundation
import Testing

/// Pictures that differ, in classes; of one class fewer are written.
private func writeShades(
  to directory: borrowing TemporaryDirectory, _ folder: String = "pictures",
  classes: [String] = ["dark", "light"], perClass: Int = 10, salt: Int = 0
) throws {
  for (label, name) in classes.enumerated() {
    for index in 0..<perClass {
      let color = Image.Color(grey: UInt8(30 + 170 * label + 2 * index))
      try directory.write(
        Image(height: 20 + index, width: 30 + salt - index, color: color).encodedPNG(),
        to: "\(folder)/\(name)/\(index).png")
    }
  }
}

private func trainOnce(
  _ directory: borrowing TemporaryDirectory, _ more: String..., data: String = "pictures"
) throws -> Invocation {
  try Invocation(
    [
      "train", "--model", "lenet5", "--data", data, "--output", "out", "--epochs", "1", "--input",
      "16x16", "--batch-size", "5", "--threads", "1", "--split", "0.3",
    ] + more, in: directory.path)
}

private func evaluate(
  _ directory: borrowing TemporaryDirectory, _ more: String..., data: String,
  model: String = "out/model.safetensors"
) throws -> Invocation {
  try Invocation(["evaluate", model, "--data", data] + more, in: directory.path)
}

@Suite("What was measured, and what was left out") struct MeasuringTests {
  @Test("the held-out part is known by its pictures, however the data is named")
  func heldOut() throws {
    let directory = try TemporaryDirectory()
    try writeShades(to: directory)
    let run = try trainOnce(directory)
    #expect(run.status == 0 && run.output.hasPrefix("validation accuracy "), "\(run.errors)")
    let manager = FileManager.default
    try manager.createSymbolicLink(
      atPath: directory.file("link"), withDestinationPath: directory.file("pictures"))
    try manager.copyItem(atPath: directory.file("pictures"), toPath: directory.file("moved"))
    var rows = "path,label\n"
    for name in ["dark", "light"] {
      for index in 0..<10 { rows += "pictures/\(name)/\(index).png,\(name)\n" }
    }
    try directory.write([UInt8](rows.utf8), to: "list.csv")
    var losses: Set<Double> = []
    for data in [
      "pictures", directory.file("pictures"), "./pictures/", "link", "moved", "list.csv",
    ] {
      let run = try evaluate(directory, "--json", data: data)
      let result = try #require(try run.json() as? [String: Any])
      #expect(result["images"] as? Int == 6, "\(data): \(run.errors)")
      #expect(result["part"] as? String == "held out" && result["trainedOn"] as? Int == 0)
      #expect(run.errors.contains("6 pictures, th") && run.errors.contains("--split 1 takes all"))
      losses.insert(try #require(result["loss"] as? Double))
    }
    #expect(losses.count == 1)
    let text = try evaluate(directory, "--quiet", data: "moved").output
    #expect(text.hasPrefix("6 pictures, ") && text.contains("\npart           held out\n"))

    let all = try evaluate(directory, "--json", "--split", "1", data: "moved")
    let result = try #require(try all.json() as? [String: Any])
    #expect(result["images"] as? Int == 20 && result["part"] as? String == "all")
    #expect(result["trainedOn"] as? Int == 14)
    #expect(all.errors.contains("14 of these 20 pictures were trained on: the accuracy flatters"))
  }

  @Test("of data with more or less beside the training's, what was trained on is left out")
  func otherParts() throws {
    let directory = try TemporaryDirectory()
    try writeShades(to: directory)
    #expect(try trainOnce(directory, "--quiet").status == 0)
    try writeShades(to: directory, "others", salt: 5)
    var run = try evaluate(directory, "--json", data: "others")
    var result = try #require(try run.json() as? [String: Any])
    #expect(result["images"] as? Int == 20 && result["part"] as? String == "all")
    #expect(result["trainedOn"] as? Int == 0)
    try FileManager.default.copyItem(
      atPath: directory.file("others/dark/0.png"), toPath: directory.file("pictures/dark/new.png"))
    run = try evaluate(directory, "--json", data: "pictures")
    result = try #require(try run.json() as? [String: Any])
    #expect(result["images"] as? Int == 7 && result["part"] as? String == "not trained on")
    #expect(run.errors.contains("7 pictures, those of pictures that were not trained on"))
  }

  @Test("pictures of the training among those to test on are told")
  func leak() throws {
    let directory = try TemporaryDirectory()
    try writeShades(to: directory, "data/train")
    try writeShades(to: directory, "data/val", perClass: 4, salt: 3)
    try FileManager.default.copyItem(
      atPath: directory.file("data/train/dark/2.png"), toPath: directory.file("data/val/dark/x.png")
    )
    let run = try Invocation(
      [
        "train", "--model", "lenet5", "--data", "data", "--output", "out", "--epochs", "1",
        "--input", "16x16", "--batch-size", "5", "--threads", "1", "--quiet",
      ], in: directory.path)
    #expect(run.status == 0, "\(run.errors)")
    let test = try evaluate(directory, "--json", data: "data")
    let result = try #require(try test.json() as? [String: Any])
    #expect(result["images"] as? Int == 9 && result["part"] as? String == "test")
    #expect(result["trainedOn"] as? Int == 1)
    #expect(test.errors.contains("1 of these 9 pictures was trained on"))
    let own = try evaluate(directory, "--json", data: "data/train")
    #expect(try (own.json() as? [String: Any])?["trainedOn"] as? Int == 20)
  }

  @Test("pictures that cannot be read are counted, in evaluation and in validation")
  func skipped() throws {
    let directory = try TemporaryDirectory()
    try writeShades(to: directory, "data/train")
    try writeShades(to: directory, "data/val", perClass: 4, salt: 3)
    try directory.write([1, 2, 3], to: "data/val/dark/2.png")
    try directory.write([], to: "data/val/light/1.png")
    let run = try Invocation(
      [
        "train", "--model", "lenet5", "--data", "data", "--output", "out", "--epochs", "2",
        "--input", "16x16", "--batch-size", "5", "--threads", "1", "--on-bad", "skip", "--json",
      ], in: directory.path)
    #expect(try (run.json() as? [String: Any])?["skipped"] as? Int == 2)
    let told = run.errors.split(separator: "\n").filter { $0.hasPrefix("skipped: ") }
    #expect(told.count == 2 && run.errors.contains("left out of validation 2"))
    let lines = try String(contentsOfFile: directory.file("out/metrics.jsonl"), encoding: .utf8)
    #expect(lines.contains(#""validationSkipped":2"#))

    let measured = try evaluate(directory, "--on-bad", "skip", "--json", data: "data")
    let result = try #require(try measured.json() as? [String: Any])
    #expect(result["images"] as? Int == 6 && result["skipped"] as? Int == 2)
    #expect(measured.errors.contains("left out: data/val/dark/2.png"))
    let text = try evaluate(directory, "--on-bad", "skip", "--quiet", data: "data").output
    #expect(text.contains("left out       2 pictures that cannot be read"))

    for name in ["dark", "light"] {
      for index in 0..<4 { try directory.write([9], to: "data/val/\(name)/\(index).png") }
    }
    let none = try evaluate(directory, "--on-bad", "skip", "--quiet", data: "data").failure()
    #expect(none.hasPrefix("none of the 8 samples of data/val can be read; the last: "))
  }

  @Test("one class is nothing to learn; litter and files of other kinds are passed over and told")
  func gaps() throws {
    let directory = try TemporaryDirectory()
    try writeShades(to: directory, classes: ["dark"])
    try writeShades(to: directory, "pictures/@eaDir", classes: ["x"], perClass: 2)
    let one = try trainOnce(directory, "--quiet").failure()
    #expect(one.hasPrefix("every picture to train on in pictures is of the class dark"))
    try writeShades(to: directory)
    try directory.write([1], to: "pictures/dark/a.heic")
    try directory.write([1], to: "pictures/__MACOSX/._dark/1.png")
    let run = try trainOnce(directory)
    #expect(run.status == 0)
    #expect(run.errors.contains("passed over in pictures: 1 .heic, 1 @eaDir, 1 __MACOSX"))
    let measured = try evaluate(directory, data: "pictures")
    #expect(measured.errors.contains("passed over in pictures: 1 .heic, 1 @eaDir, 1 __MACOSX"))
    try directory.write([UInt8]("pictures/dark/1.png,dark".utf8), to: "one.csv")
    let alone = try evaluate(directory, data: "one.csv")
    #expect(alone.status == 0)
  }

  @Test("labels that every picture has are nothing to learn, and are told beside others")
  func everywhere() throws {
    let directory = try TemporaryDirectory()
    try writeShades(to: directory)
    func list(_ name: String, _ labels: (String) -> String) throws {
      let rows = ["dark", "light"].flatMap { shade in
        (0..<10).map { "pictures/\(shade)/\($0).png,\(labels(shade))" }
      }
      let text = (["path,labels"] + rows).joined(separator: "\n")
      try directory.write([UInt8](text.utf8), to: name)
    }
    try list("same.csv") { _ in "grey;square" }
    let one = try trainOnce(directory, "--quiet", data: "same.csv").failure()
    #expect(one.hasPrefix("every picture to train on in same.csv has the same 2 labels"))
    try list("some.csv") { "grey;\($0)" }
    let run = try trainOnce(directory, data: "some.csv")
    #expect(run.status == 0)
    #expect(run.errors.contains("every picture of some.csv here has 1 label in common"))
  }

  @Test(
    "a network with a number that is not finite has no answer, and the file is named",
    arguments: [Float.nan, .infinity])
  func notFinite(value: Float) throws {
    let directory = try TemporaryDirectory()
    try writeShades(to: directory)
    #expect(try trainOnce(directory, "--quiet").status == 0)
    var model = try Model(loading: directory.file("out/model.safetensors"))
    var bias = try #require(model.parameters["dense3.bias"])
    bias.withMutableSpan { $0[1] = value }
    model.parameters["dense3.bias"] = bias
    try model.save(to: directory.file("bad.safetensors"))
    let named = "bad.safetensors: numbers that are not finite: 1 of dense3.bias"

    let picture = "pictures/dark/1.png"
    let predicted = try convnet(
      "predict", "bad.safetensors", picture, "--quiet", in: directory.path)
    #expect(predicted.status == 1 && predicted.errors.hasPrefix(named))
    #expect(predicted.output == "\(picture): no answer, 1 of 2 scores are not finite\n")
    #expect(
      predicted.errors.contains(
        "error: bad.safetensors has no answer for 1 of 1 picture: not finite are 1 of dense3.bias"))
    let json = try convnet("predict", "bad.safetensors", picture, "--json", in: directory.path)
    let answers = try #require(try json.json() as? [[String: Any]])
    #expect((answers[0]["predictions"] as? [Any])?.isEmpty == true)
    #expect(answers[0]["nonFinite"] as? Int == 1)

    let run = try evaluate(directory, "--json", data: "pictures", model: "bad.safetensors")
    #expect(run.status == 1 && run.errors.contains(named))
    let result = try #require(try run.json() as? [String: Any])
    #expect(result["top1"] as? Double == 0 && result["top5"] as? Double == 0)
    #expect(result["nonFinite"] as? Int == result["images"] as? Int)
    let text = try evaluate(directory, data: "pictures", model: "bad.safetensors").output
    #expect(text.contains("no answer      6 pictures with scores that are not finite"))

    try Tensor.random([2, 1, 16, 16], seed: 1).writeNPY(to: directory.file("x.npy"))
    let raw = try convnet(
      "run", "bad.safetensors", "--input", "x.npy", "--output", "y.npy", in: directory.path)
    #expect(
      raw.errors.contains(named) && raw.errors.contains("y.npy: 2 of 4 numbers are not finite"))
    for arguments in [["summary", "bad.safetensors"], ["convert", "bad.safetensors", "b.pth"]] {
      let run = try Invocation(arguments, in: directory.path)
      #expect(run.status == 0 && run.errors.contains(named), "\(run.errors)")
    }
    let converted = try convnet(
      "run", "lenet5", "--classes", "2", "--weights", "b.pth", "--input", "x.npy", "--output",
      "y.npy", in: directory.path)
    #expect(converted.errors.contains("b.pth: numbers that are not finite: 1 of dense3.bias"))
  }

  @Test("a number that its new type cannot hold is told")
  func overflow() throws {
    let directory = try TemporaryDirectory()
    try WeightFile.write(
      [("small", Tensor([1, 2] as [Float])), ("large", Tensor([1, 1e6, 1e7] as [Float]))],
      to: directory.file("w.npz"))
    let run = try convnet(
      "convert", "w.npz", "h.safetensors", "--element-type", "float16", in: directory.path)
    #expect(run.status == 0)
    #expect(run.errors.contains("h.safetensors: numbers that are not finite: 2 of large"))
  }
}
