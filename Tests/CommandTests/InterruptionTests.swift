import ConvNet
import ConvNetTestSupport
import Foundation
import Testing

@Suite("Signals") struct InterruptionTests {
  /// A list that names two pictures many times.
  private func writeList(to directory: borrowing TemporaryDirectory, rows: Int) throws {
    try writePictures(to: directory)
    var text = "path,label\n"
    for row in 0..<rows {
      let name = ["dark", "light"][row % 2]
      text += "pictures/train/\(name)/\(row / 2 % 12).png,\(name)\n"
    }
    try directory.write([UInt8](text.utf8), to: "list.csv")
  }

  private func arguments(_ output: String, epochs: Int) -> [String] {
    trainingArguments(output).map { $0 == "pictures" ? "list.csv" : $0 }
      + ["--epochs", "\(epochs)", "--quiet"]
  }

  /// That a training goes on from where it was stopped to the bytes of one that was not.
  private func expectSameBytes(
    _ directory: borrowing TemporaryDirectory, epochs: Int
  ) throws {
    #expect(
      try Invocation(arguments("out", epochs: epochs) + ["--resume"], in: directory.path).status
        == 0)
    #expect(try Invocation(arguments("whole", epochs: epochs), in: directory.path).status == 0)
    #expect(
      try fileBytes(directory.file("out/model.safetensors"))
        == fileBytes(directory.file("whole/model.safetensors")))
  }

  @Test(
    "a training that a signal stops keeps its last epoch, and goes on as if it had not been",
    arguments: [SIGINT, SIGTERM, SIGHUP])
  func stops(signal: Int32) throws {
    let directory = try TemporaryDirectory()
    try writeList(to: directory, rows: 2000)
    let running = try RunningInvocation(arguments("out", epochs: 10_000), in: directory.path)
    running.waitForFile(directory.file("out"))
    running.send(signal)
    let run = try running.finished()
    #expect(run.status == 128 + signal && run.output.isEmpty)
    #expect(run.errors.contains("stopped by SIG") && run.errors.contains("--resume goes on"))
    let finished = try Checkpoint(loading: directory.file("out/checkpoint")).history.count
    #expect(
      FileManager.default.fileExists(atPath: directory.file("out/model.safetensors"))
        == (finished > 0))
    try expectSameBytes(directory, epochs: finished + 1)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: directory.file("out")).count == 5)
  }

  @Test("a second signal ends a training at once")
  func secondSignal() throws {
    let directory = try TemporaryDirectory()
    try writeList(to: directory, rows: 2000)
    let running = try RunningInvocation(arguments("out", epochs: 10_000), in: directory.path)
    running.waitForFile(directory.file("out"))
    // Both are there when it goes on; the lower number is taken first.
    running.stop()
    running.send(SIGTERM, SIGINT, SIGCONT)
    let run = try running.finished()
    #expect(run.status == 128 + SIGTERM)
    #expect(run.errors.hasPrefix("SIGINT: stopping") && !run.errors.contains("stopped by"))
  }

  @Test(
    "a second signal while a state is being written breaks nothing: the training goes on to the same bytes"
  )
  func secondSignalWhileWriting() throws {
    let directory = try TemporaryDirectory()
    try writeList(to: directory, rows: 200)
    // Another state is begun as soon as one is written.
    let often = ["--checkpoint-every", "1"]
    var random = RandomNumbers(RandomKey(seed: 2, purpose: .input))
    #expect(try Invocation(arguments("out", epochs: 1), in: directory.path).status == 0)
    for trial in 2..<10 {
      let running = try RunningInvocation(
        arguments("out", epochs: 10_000) + often + ["--resume"], in: directory.path)
      usleep(useconds_t(Int.random(in: 60_000..<250_000, using: &random)))
      running.stop()
      running.send(SIGTERM, SIGINT, SIGCONT)
      let run = try running.finished()
      #expect([SIGTERM, SIGINT].contains(run.status - 128), "\(trial): \(run.errors)")
      let names = try FileManager.default.contentsOfDirectory(atPath: directory.file("out"))
      #expect(!names.contains { $0.hasPrefix(".") }, "\(names)")
    }
    let finished = try Checkpoint(loading: directory.file("out/checkpoint")).history.count
    try expectSameBytes(directory, epochs: finished + 1)
  }

  @Test("a signal that is ignored for the command stays so")
  func ignored() throws {
    let directory = try TemporaryDirectory()
    try writeList(to: directory, rows: 200)
    let running = try RunningInvocation(
      arguments("out", epochs: 3), in: directory.path,
      shell: #"trap '' HUP INT; exec "$0" "$@""#)
    running.waitForFile(directory.file("out"))
    running.send(SIGHUP, SIGINT)
    #expect(try running.finished().status == 0)
  }

  @Test(
    "another command ends at once, and leaves no file half-written", arguments: [SIGINT, SIGTERM])
  func otherCommand(signal: Int32) throws {
    let directory = try TemporaryDirectory()
    try writeList(to: directory, rows: 20_000)
    let running = try RunningInvocation(
      ["dataset", "export", "list.csv", "--count", "20000", "--output", "out", "--quiet"],
      in: directory.path)
    running.waitForFile(directory.file("out/0002-dark.png"))
    running.send(signal)
    #expect(try running.finished().status == 128 + signal)
    let names = try FileManager.default.contentsOfDirectory(atPath: directory.file("out"))
    #expect(names.count > 2 && !names.contains { $0.hasPrefix(".") })
    for name in names { _ = try Image(contentsOf: directory.file("out/\(name)")) }
  }

  @Test("what a killed command has left is removed by the next that writes into the folder")
  func killed() throws {
    let directory = try TemporaryDirectory()
    try writeList(to: directory, rows: 20_000)
    let arguments = [
      "dataset", "export", "list.csv", "--output", "out", "--overwrite", "--quiet", "--count",
    ]
    // Until it is killed while a file has its temporary name.
    for _ in 0..<50 {
      let running = try RunningInvocation(arguments + ["20000"], in: directory.path)
      running.waitForFile(directory.file("out/0002-dark.png"))
      running.send(SIGKILL)
      _ = try running.finished()
      let names = try FileManager.default.contentsOfDirectory(atPath: directory.file("out"))
      if names.contains(where: { $0.hasPrefix(".") }) { break }
    }
    #expect(try Invocation(arguments + ["1"], in: directory.path).status == 0)
    let names = try FileManager.default.contentsOfDirectory(atPath: directory.file("out"))
    #expect(!names.contains { $0.hasPrefix(".") })
  }
}
