import ConvNet
import ConvNetTestSupport
import Foundation
import Testing

@Suite("Going on with a training") struct ResumingTests {
  @Test("without another option it goes on as it began, from wherever it is called")
  func nothingGiven() throws {
    let directory = try TemporaryDirectory()
    try writeClasses(["dark": 30, "light": 200], to: directory.file("pictures"))
    let options = [
      "--split", "0.25", "--normalize", "colors", "--augment", "[\"horizontalReflection\"]",
      "--momentum", "0.8", "--weight-decay", "0.001", "--quiet",
    ]
    #expect(try trainShortly(directory, options + ["--epochs", "2"], output: "whole").status == 0)
    #expect(try trainShortly(directory, options + ["--epochs", "1"]).status == 0)
    try FileManager.default.createDirectory(
      atPath: directory.file("elsewhere"), withIntermediateDirectories: true)
    let resumed = try convnet(
      "train", "--resume", "--output", "../out", "--epochs", "2", "--threads", "1",
      in: directory.file("elsewhere"))
    #expect(resumed.status == 0 && resumed.errors.contains("resuming after epoch 1"))
    #expect(
      try fileBytes(directory.file("out/model.safetensors"))
        == fileBytes(directory.file("whole/model.safetensors")))
    // The number of epochs is remembered, too: nothing is left.
    let again = try convnet("train", "--resume", "--output", "out", in: directory.path)
    #expect(again.status == 0 && again.errors.contains("nothing is left of 2 epochs"))
    let line = try Invocation(
      [
        "train", "--resume", "--output", "out", "--label-smoothing", "0.5", "--threads", "1",
        "--quiet",
      ],
      in: directory.path
    ).failure()
    #expect(
      line.contains("done with its 2 epochs, which objective.labelSmoothing: ")
        && line.hasSuffix("give more --epochs to go on so, or leave it out"), "\(line)")
    #expect(
      try fileBytes(directory.file("out/model.safetensors"))
        == fileBytes(directory.file("whole/model.safetensors")))
  }

  @Test("how many states are kept is remembered, so that the best model is not that of before")
  func kept() throws {
    let directory = try TemporaryDirectory()
    try writeClasses(["dark": 30, "light": 200], to: directory.file("pictures"))
    #expect(
      try trainShortly(
        directory, ["--epochs", "2", "--keep", "2", "--checkpoint-every", "1", "--quiet"]
      ).status == 0)
    func states() throws -> [Int] {
      try FileManager.default.contentsOfDirectory(atPath: directory.file("out"))
        .filter { $0.hasPrefix("checkpoint-") }.compactMap { Int($0.dropFirst(11)) }.sorted()
    }
    let before = try states()
    #expect(before.count == 2)
    let resumed = try convnet(
      "train", "--resume", "--output", "out", "--epochs", "4", "--threads", "1", "--quiet",
      in: directory.path)
    #expect(resumed.status == 0, "\(resumed.errors)")
    let after = try states()
    #expect(after.count == 2 && after[1] == 2 * before[1])
    let last = try convnet(
      "train", "--resume", "--output", "out", "--epochs", "5", "--keep", "1", "--threads", "1",
      in: directory.path)
    #expect(last.status == 0 && last.errors.contains("stay as they are from here on"))
    #expect(try states() == after)
  }

  @Test("a recipe names its network, and holds out of data with a part to test on what it says")
  func byRecipe() throws {
    let directory = try TemporaryDirectory()
    for part in ["train", "val"] {
      try writeClasses(
        ["dark": 30, "light": 200], to: directory.file("pictures/\(part)"), count: 20)
    }
    let run = try convnet(
      "train", "--recipe", "resnet-cifar", "--data", "pictures", "--output", "out", "--epochs", "1",
      "--input", "16x16", "--threads", "1", in: directory.path)
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.errors.contains("36 pictures to train on; 4, 10 % of each class, held out"))
    #expect(run.errors.contains("is left alone"))
    #expect(run.errors.contains("the input is 16x16, where the recipe has 32x32"))
    let model = try Model(loading: directory.file("out/model.safetensors"))
    #expect(model.graph.name == "resnet20")
    let again = try convnet(
      "train", "--resume", "--output", "out", "--epochs", "2", "--threads", "1",
      in: directory.path)
    #expect(again.status == 0 && again.errors.contains("resuming after epoch 1"))
  }

  @Test("what would make it another training is refused, with both values, and changes nothing")
  func otherwise() throws {
    let directory = try TemporaryDirectory()
    try writeClasses(["dark": 30, "light": 200], to: directory.file("pictures"))
    // The same names of classes and files.
    try writeClasses(["dark": 31, "light": 201], to: directory.file("others"))
    try writeClasses(["dark": 31, "light": 201], to: directory.file("more"), count: 14)
    #expect(try trainShortly(directory, ["--epochs", "1", "--quiet"]).status == 0)
    let file = "out/model.safetensors"
    let before = try fileBytes(directory.file("out/checkpoint"))
    for (options, says) in [
      (["--split", "0.3"], ["--split 0.1", "--split 0.3"]),
      (["--normalize", "colors"], ["--normalize none", "--normalize colors"]),
      (["--input", "24x24"], ["--input 16x16", "--input 24x24"]),
      (["--classes", "3"], ["--classes 2", "--classes 3"]),
      (["--seed", "4"], ["--seed 3", "--seed 4"]),
      (["--dropout", "0.3"], ["--dropout absent", "--dropout 0.3"]),
      (["--freeze", "conv1.*"], ["--freeze absent", "--freeze conv1.*"]),
      (["--init", file], ["--init absent", "model.safetensors"]),
      (["--model", "resnet20"], ["--model lenet5", "--model resnet20", "leave out --model"]),
      (["--model", "resnet20", "--seed", "4"], ["leave out --model and --seed"]),
      (["--data", "others"], ["of fingerprint"]),
      (["--data", "more"], ["(dark 11, light 11)", "(dark 13, light 13)"]),
    ] {
      let line = try Invocation(
        ["train", "--resume", "--output", "out", "--epochs", "2", "--quiet"] + options,
        in: directory.path
      ).failure()
      for text in says { #expect(line.contains(text), "\(options): \(line)") }
    }
    #expect(try fileBytes(directory.file("out/checkpoint")) == before)
  }

  @Test(
    "what is otherwise is told, old beside new, in text, in JSON and in the metrics, and is kept")
  func changes() throws {
    let directory = try TemporaryDirectory()
    try writeClasses(["dark": 30, "light": 200], to: directory.file("pictures"))
    #expect(try trainShortly(directory, ["--epochs", "1", "--quiet"]).status == 0)
    let resumed = try convnet(
      "train", "--resume", "--output", "out", "--epochs", "3", "--learning-rate", "0.5",
      "--momentum", "0.5", "--batch-size", "4", "--quiet", "--json", in: directory.path)
    #expect(resumed.status == 0, "\(resumed.errors)")
    let expected = [
      "epochs": ["1", "3"], "batchSize": ["8", "4"], "optimizer.momentum": ["0.9", "0.5"],
      "schedule.rate": ["0.05", "0.5"], "nextLearningRate": ["0.05", "0.5"],
    ]
    func check(_ changes: [[String: Any]]) {
      #expect(Set(changes.compactMap { $0["setting"] as? String }) == Set(expected.keys))
      for change in changes {
        let values = expected[change["setting"] as? String ?? ""]
        #expect(["old", "new"].compactMap { change[$0] as? String } == values)
        #expect(change["epoch"] as? Int == 1)
      }
    }
    let result = try #require(resumed.json() as? [String: Any])
    check(try #require(result["changes"] as? [[String: Any]]))
    #expect(result["measuredOn"] as? String == "validation")
    let lines = try String(contentsOfFile: directory.file("out/metrics.jsonl"), encoding: .utf8)
      .split(separator: "\n").map {
        try #require(
          try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
      }
    check(lines.filter { $0["kind"] as? String == "change" })
    #expect(lines.filter { $0["kind"] as? String == "epoch" }.count == 3)
    for text in ["after epoch 1, otherwise than before", "schedule.rate", "rate of the next step"] {
      #expect(resumed.errors.contains(text), "\(text): \(resumed.errors)")
    }
    // From now on it is the training's own.
    let again = try convnet(
      "train", "--resume", "--output", "out", "--epochs", "4", in: directory.path)
    #expect(again.status == 0 && !again.errors.contains("momentum"), "\(again.errors)")
    let model = try Model(loading: directory.file("out/model.safetensors"))
    #expect(model.trainingSummary?.optimizer?.contains("momentum 0.5") == true)
    #expect(model.trainingSummary?.batchSize == 4)
  }

  @Test(
    "a schedule that lasts as long as the training is stretched with it, and another recipe takes its place"
  )
  func schedules() throws {
    let directory = try TemporaryDirectory()
    try writeClasses(["dark": 30, "light": 200], to: directory.file("pictures"))
    let start = ["--schedule", "cosine", "--warm-up", "0.5", "--epochs", "2", "--quiet"]
    #expect(try trainShortly(directory, start).status == 0)
    let longer = try convnet(
      "train", "--resume", "--output", "out", "--epochs", "4", in: directory.path)
    #expect(longer.status == 0)
    #expect(longer.errors.contains("schedule.schedule.length"), "\(longer.errors)")
    // At the end of the first two epochs the rate was 0.
    #expect(longer.errors.contains("rate of the next step     0.0  0.025"), "\(longer.errors)")
    let other = try convnet(
      "train", "--resume", "--output", "out", "--epochs", "5", "--recipe", "lenet",
      in: directory.path)
    #expect(other.status == 0)
    for text in ["warmUp.cosine  plateau", "batchSize", "32"] {
      #expect(other.errors.contains(text), "\(text): \(other.errors)")
    }
  }

  @Test("data that has grown keeps every picture in its part")
  func grown() throws {
    let directory = try TemporaryDirectory()
    try writeClasses(["dark": 30, "light": 150], to: directory.file("pictures"), count: 20)
    #expect(
      try trainShortly(directory, ["--epochs", "1", "--split", "0.25", "--quiet"]).status == 0)
    try writeClasses(["dark": 30, "light": 150], to: directory.file("pictures"), count: 45)
    let resumed = try convnet(
      "train", "--resume", "--output", "out", "--epochs", "2", in: directory.path)
    #expect(resumed.status == 0, "\(resumed.errors)")
    #expect(resumed.errors.contains("trainingData"), "\(resumed.errors)")
    // What was held out is measured alone, with the share of what came later.
    let evaluated = try convnet(
      "evaluate", "out/model.safetensors", "--data", "pictures", "--json", in: directory.path)
    let result = try #require(evaluated.json() as? [String: Any])
    let pictures = try #require(result["images"] as? Int)
    #expect(result["part"] as? String == "held out" && (10...45).contains(pictures))
    let again = try convnet(
      "train", "--resume", "--output", "out", "--epochs", "3", in: directory.path)
    #expect(again.status == 0 && !again.errors.contains("trainingData"), "\(again.errors)")
  }

  @Test("how the data's path is spelled does not matter, and what may change is told")
  func mayChange() throws {
    let directory = try TemporaryDirectory()
    try writeClasses(["dark": 30, "light": 200], to: directory.file("pictures"))
    #expect(try trainShortly(directory, ["--epochs", "1", "--quiet"]).status == 0)
    try FileManager.default.moveItem(
      atPath: directory.file("pictures"), toPath: directory.file("moved"))
    let resumed = try convnet(
      "train", "--resume", "--output", "out", "--epochs", "2", "--data", directory.file("moved"),
      "--threads", "2", "--tune", "off", "--on-bad", "skip", "--model", "lenet5", in: directory.path
    )
    #expect(resumed.status == 0, "\(resumed.errors)")
    for text in ["2 threads instead of 1", "--tune is off, was cached", "are skipped"] {
      #expect(resumed.errors.contains(text), "\(text)")
    }
  }

  @Test("a training that began with a file needs it no more")
  func initialFile() throws {
    let directory = try TemporaryDirectory()
    try writeClasses(["dark": 30, "light": 200], to: directory.file("pictures"))
    let first = ["--normalize", "colors", "--epochs", "1", "--quiet"]
    #expect(try trainShortly(directory, first, output: "first").status == 0)
    let start = ["--init", "first/model.safetensors", "--quiet"]
    #expect(try trainShortly(directory, start + ["--epochs", "2"], output: "whole").status == 0)
    #expect(try trainShortly(directory, start + ["--epochs", "1"]).status == 0)
    // The same file, spelled otherwise, is no difference.
    let resumed = try trainShortly(
      directory, ["--init", "./first/../first/model.safetensors", "--epochs", "2", "--resume"])
    #expect(resumed.status == 0, "\(resumed.errors)")
    #expect(
      try fileBytes(directory.file("out/model.safetensors"))
        == fileBytes(directory.file("whole/model.safetensors")))
  }
}
