import ConvNet
import ConvNetTestSupport
import Foundation
import Testing

@Suite("What is printed and written") struct OutputTests {
  /// Where the device that is always full is there.
  static let hasFullDevice = FileManager.default.fileExists(atPath: "/dev/full")

  @Test(
    "a result that cannot be printed is a failure that says so", .enabled(if: hasFullDevice),
    arguments: [
      "--help", "--version", "help train", "train --augment list", "models", "models --json",
      "augmentations", "summary lenet5", "summary lenet5 --json", "explain lenet5",
      "explain lenet5 --dot", "explain lenet5 --json", "dataset verify pictures --quiet",
      "dataset verify pictures --json --quiet", "benchmark lenet5 --seconds 0",
      "dataset benchmark pictures --epochs 1", "dataset export pictures --output pngs",
      "dataset inspect pictures --output sheet.png --quiet", "predict model.safetensors x.png",
      "predict model.safetensors x.png --json",
      "evaluate model.safetensors --data pictures --quiet",
      "convert model.safetensors other.npz --quiet", "summary model.safetensors",
    ])
  func fullOutput(arguments: String) throws {
    let directory = try TemporaryDirectory()
    try writePictures(to: directory)
    let network = lenet5(ModelOptions(height: 12, width: 12, channels: 1, classes: 2))
    if arguments.contains("model.safetensors") {
      try Model(network, classNames: ["dark", "light"]).save(
        to: directory.file("model.safetensors"))
      try Image(height: 12, width: 12, color: .white, channels: 1)
        .writePNG(to: directory.file("x.png"))
    }
    let run = try Invocation(
      arguments.split(separator: " ").map(String.init), in: directory.path,
      shell: #"exec "$0" "$@" > /dev/full"#)
    #expect(
      try run.failure() == "cannot write standard output: No space left on device")
  }

  @Test("a closed standard output is a failure, and no file takes its place")
  func closedOutput() throws {
    let directory = try TemporaryDirectory()
    try writePictures(to: directory)
    let run = try train(
      directory, "--epochs", "2", "--quiet", shell: #"exec "$0" "$@" <&- >&-"#)
    #expect(try run.failure() == "cannot write standard output: Bad file descriptor")
    _ = try Model(loading: directory.file("out/model.safetensors"))
    _ = try Checkpoint(loading: directory.file("out/checkpoint"))
  }

  @Test(
    "a training outlives its standard error",
    arguments: ["2>&-", "2>&- <&-"] + (hasFullDevice ? ["2>/dev/full"] : []))
  func noErrors(redirection: String) throws {
    let directory = try TemporaryDirectory()
    try writePictures(to: directory)
    let run = try train(
      directory, "--epochs", "2", shell: #"exec "$0" "$@" "# + redirection)
    #expect(run.status == 0 && run.output.hasSuffix("saved out/model.safetensors\n"))
    #expect(
      try fileBytes(directory.file("out/checkpoint")).count
        > fileBytes(directory.file("out/model.safetensors")).count)
  }

  @Test("a usage error without a standard error keeps its status")
  func usageError() throws {
    #expect(try Invocation(["nonsense"], shell: #"exec "$0" "$@" 2>&-"#).status == 64)
  }

  @Test("who has read enough of the results ends the command without a word")
  func closedPipe() throws {
    // The reader is gone before anything is written.
    let line = #"mkfifo pipe; exec 3<>pipe 4>pipe 3>&-; "$0" "$@" >&4; echo "status $?""#
    let directory = try TemporaryDirectory()
    let run = try Invocation(["models"], in: directory.path, shell: line)
    #expect(run.output == "status \(128 + SIGPIPE)\n" && run.errors.isEmpty)
    // Who ignores the signal wants to be told.
    let told = try Invocation(
      ["models"], in: directory.path, shell: "rm pipe; trap '' PIPE; " + line)
    #expect(told.output == "status 1\n")
    #expect(told.errors == "error: cannot write standard output: Broken pipe\n")
  }

  @Test("a training whose state cannot be written ends before its first step")
  func fileSizeLimit() throws {
    let directory = try TemporaryDirectory()
    try writePictures(to: directory)
    // Larger than the logs, smaller than checkpoint and model; the shell's blocks have 512 or 1024 bytes.
    let run = try train(
      directory, "--epochs", "3", "--quiet", shell: #"ulimit -f 8; exec "$0" "$@""#)
    #expect(try run.failure().hasSuffix("cannot write out/checkpoint: File too large"))
    #expect(try !directory.contents().contains { $0.hasPrefix(".") })
    #expect(!FileManager.default.fileExists(atPath: directory.file("out")))
  }

  @Test("a file that cannot be written whole leaves the good one that is there")
  func keepsGoodFiles() throws {
    let directory = try TemporaryDirectory()
    try writePictures(to: directory)
    #expect(try train(directory, "--epochs", "1", "--quiet").status == 0)
    let names = ["checkpoint", "model.safetensors"]
    let good = try names.map { try fileBytes(directory.file("out/\($0)")) }
    let run = try train(
      directory, "--epochs", "2", "--resume", "--quiet", shell: #"ulimit -f 8; exec "$0" "$@""#)
    #expect(run.status == 1)
    #expect(try names.map { try fileBytes(directory.file("out/\($0)")) } == good)
    // What could not be kept is done again.
    #expect(try train(directory, "--epochs", "2", "--resume", "--quiet").status == 0)
    let metrics = try String(contentsOfFile: directory.file("out/metrics.jsonl"), encoding: .utf8)
    #expect(metrics.split(separator: "\n").count { $0.contains("\"kind\":\"epoch\"") } == 2)
  }
}
