import ConvNet
import ConvNetTestSupport
import Foundation
import Testing

@Suite("Fine-tuning by the command") struct FineTuningTests {
  private func pictures() throws -> TemporaryDirectory {
    let directory = try TemporaryDirectory()
    try writeClasses(["dark": 30, "light": 200], to: directory.file("pictures"))
    return directory
  }

  @Test("frozen parameters stay, it is said what is learned, and --resume goes on byte for byte")
  func frozen() throws {
    let directory = try pictures()
    let options = [
      "--freeze", "conv*", "--freeze", "dense1.*", "--rate-factor", "dense3.*=2",
      "--decay-factor", "*.bias=0", "--keep-features", "features", "--class-weights", "1,3",
      "--sampling", "balanced",
    ]
    let whole = try trainShortly(directory, options + ["--epochs", "3"], output: "whole")
    #expect(whole.status == 0, "\(whole.errors)")
    #expect(whole.errors.contains("4 of 10 parameters learned: dense2.weight, dense2.bias"))
    #expect(whole.errors.contains("what is frozen was never trained: --init"))
    #expect(whole.errors.contains("errors weigh by class: dark 1, light 3"))
    #expect(try trainShortly(directory, options + ["--epochs", "1", "--quiet"]).status == 0)
    let resumed = try convnet(
      "train", "--resume", "--output", "out", "--epochs", "3", "--threads", "1",
      "--keep-features", "features", "--freeze", "conv*", "--freeze", "dense1.*", "--rate-factor",
      "dense3.*=2", "--decay-factor", "*.bias=0", in: directory.path)
    #expect(resumed.status == 0, "\(resumed.errors)")
    #expect(
      try Model(loading: directory.file("out/model.safetensors")).parameters
        == Model(loading: directory.file("whole/model.safetensors")).parameters)
    let other = try Invocation(
      ["train", "--resume", "--output", "out", "--epochs", "4", "--freeze", "conv1.*"],
      in: directory.path
    ).failure()
    #expect(other.contains("--freeze conv*, dense1.*"), "\(other)")
  }

  @Test(
    "what fits nothing or makes no sense is refused before anything is written",
    arguments: [
      (["--freeze", "cnov1.*"], "did you mean conv1.*"),
      (["--freeze", "*"], "freeze all of lenet5"),
      (["--rate-factor", "fc9.*=2"], "one that fits a parameter of lenet5"),
      (
        ["--rate-factor", "conv*=2", "--rate-factor", "conv*=3"],
        "rate factor of conv* is 2.0 and 3.0, must be one number"
      ),
      (["--class-weights", "1,2,3"], "has 3 numbers, the data 2 classes: dark, light"),
      (["--keep-features", "memory"], "without a frozen beginning"),
      (
        ["--keep-features", "memory", "--freeze", "conv*", "--augment", "cifar"],
        "without augmentation"
      ),
    ])
  func refused(options: [String], says: String) throws {
    let directory = try pictures()
    let line = try trainShortly(directory, options + ["--quiet"]).failure()
    #expect(line.contains(says), "\(line)")
    #expect(!FileManager.default.fileExists(atPath: directory.file("out")))
  }

  @Test(
    "values that are none are refused with the form they should have",
    arguments: [
      ["--rate-factor", "conv1.*"], ["--rate-factor", "=3"], ["--decay-factor", "conv1.*=-1"],
      ["--class-weights", "1,x"], ["--class-weights", "0,1"], ["--sampling", "odd"],
      ["--sweep-steps", "20"], ["--find-learning-rate", "--sweep-steps", "3"],
    ])
  func malformed(options: [String]) throws {
    let directory = try TemporaryDirectory()
    #expect(try trainShortly(directory, options).status == 64)
  }

  @Test("a sweep of the learning rate trains nothing, draws the loss and proposes a rate")
  func sweep() throws {
    let directory = try pictures()
    let run = try trainShortly(
      directory, ["--find-learning-rate", "--sweep-steps", "40", "--json", "--quiet"])
    #expect(run.status == 0, "\(run.errors)")
    let found = try #require(try run.json() as? [String: Any])
    let points = try #require(found["points"] as? [[String: Any]])
    #expect(points.count > 10 && points[0]["smoothedLoss"] is Double)
    let page = try String(
      contentsOfFile: directory.file("out/learning-rate.html"), encoding: .utf8)
    #expect(page.contains("learning rate"))
    #expect(!FileManager.default.fileExists(atPath: directory.file("out/checkpoint")))
  }
}
