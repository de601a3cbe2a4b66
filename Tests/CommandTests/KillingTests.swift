import ConvNet
import ConvNetTestSupport
import Foundation
import Testing

@Suite("Killed trainings") struct KillingTests {
  private func arguments(_ output: String) -> [String] {
    trainingArguments(output) + [
      "--epochs", "50", "--quiet", "--checkpoint-every", "7", "--keep", "2", "--augment", "shift",
    ]
  }

  @Test("killed fifty times at any moment, a training goes on to the same bytes")
  func killed() throws {
    let directory = try TemporaryDirectory()
    try writePictures(to: directory)
    #expect(try Invocation(arguments("whole"), in: directory.path).status == 0)
    var random = RandomNumbers(RandomKey(seed: 1, purpose: .input))
    var (kills, trainings) = (0, 0)
    // A quick machine finishes before the fiftieth: then another is begun.
    while kills < 50 || trainings == 0 {
      let output = "out\(trainings)"
      let hasBegun = FileManager.default.fileExists(atPath: directory.file("\(output)/checkpoint"))
      let running = try RunningInvocation(
        arguments(output) + (hasBegun ? ["--resume"] : ["--overwrite"]), in: directory.path)
      if kills < 50 {
        usleep(useconds_t(Int.random(in: 20_000..<70_000, using: &random)))
        running.send(SIGKILL)
      }
      let run = try running.finished()
      if run.status == SIGKILL {
        kills += 1
        continue
      }
      #expect(run.status == 0, "\(run.errors)")
      trainings += 1
      #expect(
        try fileBytes(directory.file("\(output)/model.safetensors"))
          == fileBytes(directory.file("whole/model.safetensors")))
      let names = try FileManager.default.contentsOfDirectory(atPath: directory.file(output))
      #expect(
        !names.contains { $0.hasPrefix(".") } && names.count { $0.hasPrefix("checkpoint") } == 3)
    }
  }
}
