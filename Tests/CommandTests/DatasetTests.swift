import ConvNet
import ConvNetTestSupport
import Foundation
import Testing

/// JPEGs would say no more: what a file is, its contents decide.
private func writeShapes(to directory: borrowing TemporaryDirectory, perClass: Int = 10) throws {
  for (label, name) in ["dark", "light"].enumerated() {
    try FileManager.default.createDirectory(
      atPath: directory.file("shapes/\(name)"), withIntermediateDirectories: true)
    for index in 0..<perClass {
      let color = Image.Color(grey: UInt8(30 + 170 * label + 2 * index))
      try Image(height: 20 + index, width: 30 - index, color: color)
        .writePNG(to: directory.file("shapes/\(name)/picture \(index).png"))
    }
  }
}

@Suite("Commands on data sets") struct DatasetTests {
  @Test("a folder without parts: a share is held out, and evaluated afterwards")
  func holdingOut() throws {
    let directory = try TemporaryDirectory()
    try writeShapes(to: directory)
    func train(_ more: String..., output: String) throws -> Invocation {
      try Invocation(
        [
          "train", "--model", "lenet5", "--data", "shapes", "--output", output, "--epochs", "1",
          "--input", "16x16", "--batch-size", "4", "--threads", "1", "--seed", "5", "--json",
        ] + more, in: directory.path)
    }
    let run = try train(output: "out")
    #expect(run.status == 0, "\(run.errors)")
    #expect(
      run.errors.hasPrefix(
        "18 pictures to train on; 2, 10 % of each class, held out to validate on (--split "))
    let summary = try #require(try run.json() as? [String: Any])
    let result = summary.compactMapValues { $0 as? Double }

    func evaluate(_ more: String..., data: String = "shapes") throws -> [String: Any] {
      let run = try Invocation(
        ["evaluate", "out/model.safetensors", "--data", data, "--json"] + more,
        in: directory.path)
      #expect(run.status == 0, "\(run.errors)")
      return try #require(try run.json() as? [String: Any])
    }
    let heldOut = try evaluate(data: "./shapes/")
    #expect(heldOut["images"] as? Int == 2)
    #expect(abs(try #require(heldOut["loss"] as? Double) - #require(result["loss"])) < 1e-6)
    #expect(try evaluate("--split", "1")["images"] as? Int == 20)
    let same = try evaluate("--split", "0.1", "--seed", "5")
    #expect(same["loss"] as? Double == heldOut["loss"] as? Double)

    let half = try train("--split", "0.5", output: "half")
    #expect(half.errors.hasPrefix("10 pictures to train on; 10, 50 % of each class, held out"))
    #expect(try train("--split", "1.5", output: "none").status == 64)
  }

  @Test("too few pictures for a share to validate on: all are trained on where that is asked for")
  func trainingOnAll() throws {
    let directory = try TemporaryDirectory()
    try writeShapes(to: directory, perClass: 1)
    let arguments = [
      "train", "--model", "lenet5", "--data", "shapes", "--output", "out", "--input", "16x16",
      "--threads", "1",
    ]
    let refused = try Invocation(arguments, in: directory.path).failure()
    #expect(refused.contains("nothing is left to test") && refused.contains("--split 0"))
    let run = try Invocation(arguments + ["--split", "0", "--epochs", "2"], in: directory.path)
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.errors.hasPrefix("2 pictures to train on, all that there are: without validation"))
    #expect(run.errors.contains("goes by the training loss"))
    #expect(run.output.hasPrefix("training accuracy "))
    let metrics = try String(contentsOfFile: directory.file("out/metrics.jsonl"), encoding: .utf8)
    #expect(!metrics.contains("validation"))
    let model = try Model(loading: directory.file("out/model.safetensors"))
    #expect(model.trainingSummary?.heldOutShare == nil)
    // It goes on as it began.
    let resumed = try Invocation(
      ["train", "--output", "out", "--resume", "--epochs", "3", "--json"], in: directory.path)
    #expect(resumed.status == 0, "\(resumed.errors)")
    let result = try #require(try resumed.json() as? [String: Any])
    #expect(result["measuredOn"] as? String == "training" && result["epochs"] as? Int == 3)
    // All of them were trained on.
    let evaluation = try convnet(
      "evaluate", "out/model.safetensors", "--data", "shapes", in: directory.path)
    #expect(evaluation.errors.contains("2 of these 2 pictures were trained on"))
    #expect(
      try convnet(
        "evaluate", "out/model.safetensors", "--data", "shapes", "--split", "0", in: directory.path
      ).status == 64)
    #expect(
      try Invocation(arguments + ["--split", "1.5", "--overwrite"], in: directory.path).status == 64
    )
  }

  @Test("classes that were renamed: a training does not go on, and an old head is said to be one")
  func renamedClasses() throws {
    let directory = try TemporaryDirectory()
    try writeShapes(to: directory, perClass: 4)
    let arguments = [
      "train", "--model", "lenet5", "--data", "shapes", "--input", "16x16", "--threads", "1",
    ]
    let first = try Invocation(
      arguments + ["--output", "out", "--epochs", "1", "--quiet"], in: directory.path)
    #expect(first.status == 0, "\(first.errors)")
    try FileManager.default.moveItem(
      atPath: directory.file("shapes/light"), toPath: directory.file("shapes/bright"))
    let resumed = try Invocation(
      arguments + ["--output", "out", "--epochs", "2", "--resume", "--quiet"], in: directory.path)
    let line = try resumed.failure()
    #expect(line.contains("dark, light") && line.contains("bright, dark"))
    let tuned = try Invocation(
      arguments + ["--output", "tuned", "--epochs", "1", "--init", "out/model.safetensors"],
      in: directory.path)
    #expect(tuned.status == 0)
    #expect(tuned.errors.contains("was trained for dark, light"))
    // A model file as the network keeps its classes, and refuses others.
    let kept = try convnet(
      "train", "--model", "out/model.safetensors", "--data", "shapes", "--output", "kept",
      "--quiet", in: directory.path
    ).failure()
    #expect(kept.contains("only the data has bright"))
  }

  @Test("verify: a table for people, one value for machines, status 1 where a file is bad")
  func verify() throws {
    let directory = try TemporaryDirectory()
    try writeShapes(to: directory, perClass: 3)
    let good = try convnet("dataset", "verify", "shapes", in: directory.path)
    #expect(good.status == 0)
    #expect(
      good.output == """
        6 pictures in 2 classes
        class  pictures
        ─────  ────────
        dark          3
        light         3
        bad: none
        identical: none

        """)
    #expect(good.errors.contains("verifying: 100 %"))
    try directory.write([], to: "shapes/dark/picture 1.png")
    let bad = try convnet("dataset", "verify", "shapes", "--json", "--quiet", in: directory.path)
    #expect(bad.status == 1)
    #expect(
      bad.errors == "error: shapes: 1 bad file or class, listed above; remove or replace it\n")
    let result = try #require(try bad.json() as? [String: Any])
    #expect(
      Set(result.keys) == [
        "images", "classes", "targets", "counts", "bad", "duplicates", "conflicts", "ignored",
      ])
    #expect(
      result["bad"] as? [[String: String]] == [
        ["file": "shapes/dark/picture 1.png", "reason": "the file is empty"]
      ])
  }

  @Test("verify: what is wrong with an archive or a list is told all at once")
  func verifyingOthers() throws {
    let directory = try TemporaryDirectory()
    try writeShapes(to: directory, perClass: 2)
    try directory.write(
      [UInt8](
        "path,label\nshapes/dark/picture 0.png,dark\nabsent.png,light\n,light\nx,y,z\n\"shapes".utf8
      ),
      to: "list.csv")
    let run = try convnet("dataset", "verify", "list.csv", "--quiet", in: directory.path)
    #expect(run.status == 1)
    for text in [
      "bad: 4", "  absent.png: list.csv, line 3: absent.png does not exist",
      "  list.csv, line 4: the path",
      "  list.csv, line 5: has 3 fields", "  list.csv, line 6: a quotation mark",
    ] {
      #expect(run.output.contains(text), "\(run.output)")
    }
  }

  @Test("inspect: the sheet, and what the pictures are like")
  func inspect() throws {
    let directory = try TemporaryDirectory()
    try writeShapes(to: directory, perClass: 5)
    let run = try convnet(
      "dataset", "inspect", "shapes", "--count", "6", "--columns", "3", "--output", "sheet.png",
      "--json", "--quiet", in: directory.path)
    #expect(run.status == 0 && run.errors.isEmpty)
    let result = try #require(try run.json() as? [String: Any])
    #expect(result["images"] as? Int == 10 && result["lookedAt"] as? Int == 10)
    #expect(result["channels"] as? [String: Int] == ["3": 10])
    #expect(result["height"] as? [String: Int] == ["smallest": 20, "median": 22, "largest": 24])
    let shown = try #require(result["sheet"] as? [[String: String]])
    #expect(shown.map { $0["label"] } == ["dark", "dark", "dark", "light", "light", "light"])
    let sheet = try Image(contentsOf: directory.file("sheet.png"))
    #expect(sheet.width > 300 && sheet.height > 150)
    let text = try convnet(
      "dataset", "inspect", "shapes", "--output", "sheet.png", "--quiet", in: directory.path)
    #expect(text.output.hasPrefix("10 pictures in 2 classes\na class has 5 pictures\n"))
    #expect(text.output.hasSuffix("saved sheet.png\n"))
  }

  @Test(
    "--augment list --json prints what augmentations --json prints, before anything else is asked for"
  )
  func listedAsJSON() throws {
    let listed = try convnet("train", "--augment", "list", "--json")
    let plain = try convnet("augmentations", "--json")
    #expect(listed.status == 0 && listed.output == plain.output && !plain.output.isEmpty)
    #expect(try convnet("train", "--augment", "list").output.hasPrefix("name"))
  }
}
