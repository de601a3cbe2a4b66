import ConvNet
import ConvNetTestSupport
import Foundation
import Testing

@Suite("Labels and numbers by the command") struct TargetCommandTests {
  /// Pictures whose left half, right half or both are bright, and a list of them.
  private func pictures(_ header: String, _ fields: (Int) -> String) throws -> TemporaryDirectory {
    let directory = try TemporaryDirectory()
    var lines = [header]
    for index in 0..<32 {
      let levels = Self.levels(index)
      let pixels = (0..<144).map { $0 % 12 < 6 ? levels.left : levels.right }
      try directory.write(
        Image(height: 12, width: 12, channels: 1, pixels: pixels).encodedPNG(),
        to: "pictures/\(index).png")
      lines.append("pictures/\(index).png,\(fields(index))")
    }
    try directory.write([UInt8](lines.joined(separator: "\n").utf8), to: "list.csv")
    return directory
  }

  private static func levels(_ index: Int) -> (left: UInt8, right: UInt8) {
    (index % 2 == 0 ? 200 : 20, index % 4 < 2 ? UInt8(100 + 4 * (index % 32)) : 20)
  }

  private func train(_ directory: borrowing TemporaryDirectory, _ more: [String]) throws
    -> Invocation
  {
    try Invocation(
      [
        "train", "--model", "lenet5", "--data", "list.csv", "--output", "out", "--batch-size", "8",
        "--optimizer", "adam", "--learning-rate", "0.003", "--input", "16x16", "--threads", "1",
        "--epochs", "12", "--split", "0.25",
      ] + more, in: directory.path)
  }

  private func object(_ invocation: Invocation) throws -> [String: Any] {
    try #require(try invocation.json() as? [String: Any])
  }

  @Test("several labels go from a CSV file to predict, and a training on them goes on")
  func labels() throws {
    let directory = try pictures("path,tags") {
      (($0 % 2 == 0 ? ["left"] : []) + ($0 % 4 < 2 ? ["right"] : [])).joined(separator: "|")
    }
    let trained = try train(directory, ["--json", "--class-weights", "balanced"])
    #expect(trained.status == 0, "\(trained.errors)")
    #expect(
      trained.errors.contains(
        "2 labels to tell, with the pictures to train on that have them: left"))
    #expect(trained.errors.contains("labels that are there weigh: left"))
    let figures = try #require(try object(trained)["figures"] as? [String: Double])
    #expect(try #require(figures["meanAveragePrecision"]) > 0.9)
    #expect(try object(trained)["top1"] == nil)

    let evaluated = try convnet(
      "evaluate", "out/model.safetensors", "--data", "list.csv", "--json", "--split", "1",
      "--predictions", "told.csv", "--classes-csv", "labels.csv", in: directory.path)
    #expect(evaluated.status == 0, "\(evaluated.errors)")
    let result = try object(evaluated)
    #expect(result["targets"] as? String == "labels" && result["images"] as? Int == 32)
    #expect(
      (result["labels"] as? [[String: Any]])?.compactMap { $0["name"] as? String } == [
        "left", "right",
      ])
    let told = try String(contentsOfFile: directory.file("told.csv"), encoding: .utf8)
    #expect(told.hasPrefix("picture,left,right,probability of left,probability of right\n"))
    #expect(told.split(separator: "\n").count == 33)
    let table = try String(contentsOfFile: directory.file("labels.csv"), encoding: .utf8)
    #expect(table.hasPrefix("label,pictures,precision,recall,f1,average precision\nleft,16,"))
    let text = try convnet(
      "evaluate", "out/model.safetensors", "--data", "list.csv", "--threshold", "0.9",
      in: directory.path)
    #expect(text.output.contains("mean average precision") && text.output.contains("from 90 % on"))

    let predicted = try convnet(
      "predict", "out/model.safetensors", "pictures/0.png", "pictures/3.png", "--threshold", "0",
      "--json", in: directory.path)
    let rows = try #require(try predicted.json() as? [[String: Any]])
    #expect(rows.compactMap { ($0["predictions"] as? [Any])?.count } == [2, 2])
    let none = try convnet(
      "predict", "out/model.safetensors", "pictures/3.png", "--threshold", "1", in: directory.path)
    #expect(none.output.contains("no label from 100 % on, the likeliest "))
    let csv = try convnet(
      "predict", "out/model.safetensors", "pictures/0.png", "nowhere.png", "--csv",
      in: directory.path)
    let lines = csv.output.split(separator: "\n")
    #expect(csv.status == 1 && lines.first == "file,left,right" && lines.last == "nowhere.png,,")

    let resumed = try convnet(
      "train", "--resume", "--output", "out", "--epochs", "13", "--threads", "1", "--json",
      in: directory.path)
    #expect(resumed.status == 0, "\(resumed.errors)")
    let other = try Invocation(
      ["train", "--resume", "--output", "out", "--epochs", "14", "--targets", "numbers"],
      in: directory.path
    ).failure()
    #expect(other.contains("--targets"), "\(other)")
  }

  @Test("numbers go from a CSV file to predict, in the unit of the file")
  func numbers() throws {
    let directory = try pictures("path,id,left,right") {
      "x\($0),\(1000 + Int(Self.levels($0).left)),\(Self.levels($0).right)"
    }
    let trained = try train(directory, ["--target-columns", "left,right", "--json"])
    #expect(trained.status == 0, "\(trained.errors)")
    #expect(trained.errors.contains("2 numbers to tell: left, right"))
    #expect(
      try #require(try object(trained)["figures"] as? [String: Double])["meanDetermination"] ?? 0
        > 0.5)
    // The columns are those that the model tells, although there are others.
    let evaluated = try convnet(
      "evaluate", "out/model.safetensors", "--data", "list.csv", "--json", "--split", "1",
      in: directory.path)
    #expect(evaluated.status == 0, "\(evaluated.errors)")
    let rows = try #require(try object(evaluated)["numbers"] as? [[String: Any]])
    #expect(rows.compactMap { $0["name"] as? String } == ["left", "right"])
    let predicted = try convnet(
      "predict", "out/model.safetensors", "pictures/0.png", "--json", in: directory.path)
    let row = try #require(try predicted.json() as? [[String: Any]]).first
    let told = try #require(row?["predictions"] as? [[String: Any]])
    let value = try #require(told.first?["value"] as? Double)
    #expect(900...1400 ~= value, "\(value)")
    let csv = try convnet(
      "predict", "out/model.safetensors", "pictures/0.png", "--csv", in: directory.path)
    #expect(csv.output.hasPrefix("file,left,right\npictures/0.png,1"))
    for arguments in [["predict", "pictures/0.png"], ["evaluate", "--data", "list.csv"]] {
      let run = try Invocation(
        [arguments[0], "out/model.safetensors"] + arguments.dropFirst() + ["--threshold", "0.5"],
        in: directory.path)
      #expect(run.status == 64 && run.errors.contains("tells numbers; leave it out"))
    }
  }

  @Test(
    "what has no meaning for labels or numbers is refused with a word",
    arguments: [
      (
        ["--targets", "numbers", "--target-columns", "agee"],
        "there is no column agee; did you mean age?"
      ),
      (
        ["--sampling", "balanced"],
        "--sampling balanced is for classes, and the data is told by numbers"
      ),
      (
        ["--class-weights", "balanced"],
        "--class-weights is for classes, and the data is told by numbers"
      ),
      (["--label-smoothing", "0.1"], "--label-smoothing 0.1 is for classes"),
    ])
  func refused(options: [String], says: String) throws {
    let directory = try pictures("path,age") { "\($0 + 3)" }
    let failed = try train(directory, options)
    #expect(failed.status == 1 && failed.errors.contains(says), "\(failed.errors)")
    #expect(!FileManager.default.fileExists(atPath: directory.file("out/checkpoint")))
  }

  @Test("verify and inspect say what pictures are told by, and what is wrong with it")
  func checks() throws {
    let directory = try pictures("path,age") { $0 == 5 ? "old" : "\($0 + 3)" }
    let verified = try convnet("dataset", "verify", "list.csv", in: directory.path)
    #expect(verified.status == 1)
    #expect(verified.output.contains("31 pictures with 1 number"))
    #expect(verified.output.contains("list.csv, line 7: age is 'old', must be a finite number"))
    #expect(verified.output.contains("age from 3 to 34"))
    let inspected = try convnet(
      "dataset", "inspect", "list.csv", "--output", "sheet.png", in: directory.path)
    #expect(inspected.status == 1)
    #expect(inspected.errors.contains("line 7"))
  }
}
