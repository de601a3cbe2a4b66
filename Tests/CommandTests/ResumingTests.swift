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
    #expect(
      try fileBytes(directory.file("out/model.safetensors"))
        == fileBytes(directory.file("whole/model.safetensors")))
  }

  @Test("what differs is refused, with both values, and changes nothing")
  func otherwise() throws {
    let directory = try TemporaryDirectory()
    try writeClasses(["dark": 30, "light": 200], to: directory.file("pictures"))
    // The same names of classes and files; and more of them.
    try writeClasses(["dark": 31, "light": 200], to: directory.file("others"))
    try writeClasses(["dark": 30, "light": 200], to: directory.file("more"), count: 14)
    #expect(try trainShortly(directory, ["--epochs", "1", "--quiet"]).status == 0)
    let file = "out/model.safetensors"
    let before = try fileBytes(directory.file("out/checkpoint"))
    for (options, says) in [
      (["--split", "0.3"], ["--split 0.1", "--split 0.3"]),
      (["--normalize", "colors"], ["--normalize none", "--normalize colors"]),
      (["--input", "24x24"], ["--input 16x16", "--input 24x24"]),
      (["--classes", "3"], ["--classes 2", "--classes 3"]),
      (["--seed", "4"], ["--seed 3", "--seed 4"]),
      (["--batch-size", "4"], ["--batch-size 8", "--batch-size 4"]),
      (["--learning-rate", "0.5"], ["--learning-rate 0.05", "--learning-rate 0.5"]),
      (["--momentum", "0.5", "--weight-decay", "1"], ["--momentum 0.9", "--weight-decay 1.0"]),
      (["--augment", "[\"horizontalReflection\"]"], ["--augment none"]),
      (["--init", file], ["--init absent", "model.safetensors"]),
      (["--exact"], ["--exact false", "--exact true"]),
      (["--model", "resnet20"], ["resnet20"]),
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
