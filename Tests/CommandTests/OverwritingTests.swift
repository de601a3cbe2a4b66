import ConvNet
import ConvNetTestSupport
import Foundation
import Testing

@Suite("Results that are there already") struct OverwritingTests {
  @Test("a training is not written over, unless that is asked for")
  func training() throws {
    let directory = try TemporaryDirectory()
    try writeClasses(["dark": 30, "light": 200], to: directory.file("pictures"))
    #expect(try trainShortly(directory, ["--epochs", "2", "--quiet"]).status == 0)
    let names = ["checkpoint", "model.safetensors", "metrics.jsonl"]
    let before = try names.map { try fileBytes(directory.file("out/\($0)")) }
    let line = try trainShortly(directory, ["--epochs", "1", "--quiet"]).failure()
    for text in ["out holds results already", "--resume", "--overwrite", "--output"] {
      #expect(line.contains(text), "\(line)")
    }
    #expect(try names.map { try fileBytes(directory.file("out/\($0)")) } == before)

    // A training that cannot begin removes nothing.
    let failed = try convnet(
      "train", "--model", "lenet5", "--data", "absent", "--output", "out", "--overwrite",
      in: directory.path)
    #expect(failed.status == 1)
    #expect(try names.map { try fileBytes(directory.file("out/\($0)")) } == before)

    #expect(try trainShortly(directory, ["--epochs", "1", "--overwrite", "--quiet"]).status == 0)
    let metrics = try String(contentsOfFile: directory.file("out/metrics.jsonl"), encoding: .utf8)
    #expect(metrics.split(separator: "\n").count { $0.contains(#""kind":"epoch""#) } == 1)
    #expect(try Checkpoint(loading: directory.file("out/checkpoint")).history.count == 1)
  }

  @Test(
    "each file of a training is enough to refuse the folder; others are not",
    arguments: [
      "checkpoint", "model.safetensors", "metrics.jsonl", EventFile.name, "best.safetensors",
      "report.html", "checkpoint-8", "notes.txt",
    ])
  func traces(name: String) throws {
    let directory = try TemporaryDirectory()
    try writeClasses(["dark": 30, "light": 200], to: directory.file("pictures"))
    try directory.write([1], to: "out/\(name)")
    let run = try trainShortly(directory, ["--epochs", "1", "--quiet"])
    guard name != "notes.txt" else {
      #expect(run.status == 0)
      return
    }
    let line = try run.failure()
    #expect(line.contains(name) && line.contains("--overwrite"))
    #expect(line.contains("--resume") == (name == "checkpoint"))
  }

  @Test("a sweep of the learning rate does not write over another's page, unless that is asked for")
  func sweep() throws {
    let directory = try TemporaryDirectory()
    try writeClasses(["dark": 30, "light": 200], to: directory.file("pictures"))
    try directory.write([1], to: "out/learning-rate.html")
    let options = ["--find-learning-rate", "--sweep-steps", "10", "--quiet"]
    let line = try trainShortly(directory, options).failure()
    #expect(line.contains("learning-rate.html") && line.contains("--overwrite"))
    #expect(try fileBytes(directory.file("out/learning-rate.html")) == [1])
    #expect(try trainShortly(directory, options + ["--overwrite"]).status == 0)
    #expect(try fileBytes(directory.file("out/learning-rate.html")).count > 1000)
  }

  @Test("while a training writes into a folder, another one does not go on there")
  func atOnce() throws {
    let directory = try TemporaryDirectory()
    try writeClasses(["dark": 30, "light": 200], to: directory.file("pictures"))
    let arguments = [
      "train", "--model", "lenet5", "--data", "pictures", "--output", "out", "--input", "16x16",
      "--epochs", "100000", "--threads", "1", "--quiet",
    ]
    let first = try RunningInvocation(arguments, in: directory.path)
    first.waitForFile(directory.file("out/checkpoint"))
    let line = try Invocation(
      ["train", "--resume", "--output", "out", "--threads", "1", "--quiet"], in: directory.path
    ).failure()
    #expect(line.contains("another process trains there"), "\(line)")
    first.send(SIGTERM)
    #expect(try first.finished().status == 128 + SIGTERM)
  }

  @Test(
    "a training and an experiment, which both write a report, share no folder",
    arguments: [[], ["--overwrite"]])
  func experiment(options: [String]) throws {
    let directory = try TemporaryDirectory()
    try writeClasses(["dark": 30, "light": 200], to: directory.file("pictures"))
    let traces = ["trained/checkpoint", "trained/report.html", "compared/results.json"]
    for path in traces { try directory.write([1], to: path) }
    let experiment = try Invocation(
      ["experiment", "heads", "--quick", "--data", "pictures", "--output", "trained"] + options,
      in: directory.path
    ).failure()
    #expect(experiment.contains("trained holds results already (checkpoint); name another folder"))
    let training = try trainShortly(
      directory, ["--epochs", "1", "--quiet"] + options, output: "compared"
    ).failure()
    #expect(
      training.contains("compared holds results already (results.json); name another folder"))
    for path in traces { #expect(try fileBytes(directory.file(path)) == [1]) }
  }

  @Test("pictures of two exports are not mixed")
  func export() throws {
    let directory = try TemporaryDirectory()
    try writeClasses(["dark": 30, "light": 200], to: directory.file("pictures"))
    func export(_ more: String...) throws -> Invocation {
      try Invocation(
        ["dataset", "export", "pictures", "--output", "png", "--quiet"] + more, in: directory.path)
    }
    #expect(try export("--count", "4").status == 0)
    try directory.write([1], to: "png/mine.png")
    let line = try export("--count", "2").failure()
    #expect(line.contains("png holds results already (0000-dark.png"))
    #expect(try export("--count", "2", "--overwrite").status == 0)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: directory.file("png")).sorted()
        == ["0000-dark.png", "0001-dark.png", "mine.png"])
  }

  @Test(
    "a training that cannot begin leaves no folder behind, and none above it; one that was there stays"
  )
  func failed() throws {
    let directory = try TemporaryDirectory()
    try writeClasses(["dark": 30, "light": 200], to: directory.file("pictures"))
    let arguments = ["--epochs", "1", "--quiet"]
    // The parameters have a number that is none, which is seen when the session begins.
    #expect(try trainShortly(directory, arguments, output: "good").status == 0)
    var model = try Model(loading: directory.file("good/model.safetensors"))
    model.parameters["conv1.bias"] = Tensor([Float](repeating: .nan, count: 6))
    try model.save(to: directory.file("bad.safetensors"))
    for output in ["made/deep/out", "there"] {
      if output == "there" {
        try FileManager.default.createDirectory(
          atPath: directory.file(output), withIntermediateDirectories: true)
      }
      let run = try trainShortly(
        directory, arguments + ["--init", "bad.safetensors"], output: output)
      #expect(run.status == 1 && run.errors.contains("not finite"), "\(run.errors)")
    }
    let exists = { FileManager.default.fileExists(atPath: $0) }
    #expect(!exists(directory.file("made")) && exists(directory.file("there")))
  }
}
