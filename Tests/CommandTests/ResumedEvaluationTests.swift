import ConvNet
import ConvNetTestSupport
import Foundation
import Testing

@Suite("An evaluation that is interrupted") struct ResumedEvaluationTests {
  private func fill(_ directory: borrowing TemporaryDirectory, rows: Int) throws {
    let network = Network("small", input: .image(height: 12, width: 12, channels: 3)) {
      Conv2D(8, kernel: 3)
      ReLU()
      Flatten()
      Dense(2)
    }
    try Model(validating: network, seed: 1, classNames: ["dark", "light"])
      .save(to: directory.file("m.safetensors"))
    try writeClasses(["dark": 30, "light": 200], to: directory.file("pictures"), channels: 3)
    var text = "path,label\n"
    for row in 0..<rows {
      let name = ["dark", "light"][row % 2]
      text += "pictures/\(name)/\(row / 2 % 12).png,\(name)\n"
    }
    try directory.write([UInt8](text.utf8), to: "list.csv")
  }

  @Test(
    "goes on with --resume to the same figures and the same tables", arguments: [SIGINT, SIGTERM])
  func same(signal: Int32) throws {
    let directory = try TemporaryDirectory()
    try fill(directory, rows: 20_000)
    let settings = ["CONVNET_CACHE": directory.file("cache")]
    let arguments = [
      "evaluate", "m.safetensors", "--data", "list.csv", "--compare", "single,10-crop", "--json",
      "--quiet", "--temperature", "--suspects", "s.csv", "--predictions",
    ]
    let whole = try Invocation(arguments + ["whole.csv"], in: directory.path, settings: settings)
    #expect(whole.status == 0, "\(whole.errors)")
    let running = try RunningInvocation(
      arguments + ["part.csv"], in: directory.path, settings: settings)
    let folder = directory.file("cache/evaluations")
    while !((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).contains(where: {
      !$0.isEmpty
    }) { usleep(500) }
    running.send(signal)
    let stopped = try running.finished()
    #expect(stopped.status == 128 + signal && stopped.output.isEmpty)
    #expect(
      stopped.errors.contains("of 20000 pictures were measured")
        && stopped.errors.contains("--resume"))
    #expect(!FileManager.default.fileExists(atPath: directory.file("part.csv")))
    let resumed = try Invocation(
      arguments + ["part.csv", "--resume"], in: directory.path, settings: settings)
    #expect(resumed.status == 0, "\(resumed.errors)")
    #expect(resumed.output == whole.output)
    #expect(try fileBytes(directory.file("part.csv")) == fileBytes(directory.file("whole.csv")))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    // Nothing is left to go on with.
    let none = try Invocation(
      arguments + ["part.csv", "--resume"], in: directory.path, settings: settings)
    #expect(try none.failure().contains("leave out --resume"))
  }

  @Test("all confusions, suspects and sortable tables are there for other programs and for people")
  func outputs() throws {
    let directory = try TemporaryDirectory()
    try fill(directory, rows: 30)
    let run = try convnet(
      "evaluate", "m.safetensors", "--data", "list.csv", "--json", "--quiet", "--confusion-csv",
      "c.csv", "--suspects", "s.csv", "--report", "r.html", in: directory.path)
    #expect(run.status == 0, "\(run.errors)")
    let result = try #require(try run.json() as? [String: Any])
    let matrix = try #require(result["confusionMatrix"] as? [[Int]])
    #expect(matrix.map { $0.reduce(0, +) } == [15, 15])
    func lines(_ name: String) throws -> [Substring] {
      try String(contentsOfFile: directory.file(name), encoding: .utf8).split(separator: "\n")
    }
    let confusion = try lines("c.csv")
    #expect(confusion[0] == "model,protocol,truth,dark,light")
    #expect(
      confusion[1] == "m.safetensors,prepared,dark,\(matrix[0][0]),\(matrix[0][1])")
    #expect(try lines("s.csv").count == 1 + (result["suspects"] as? Int ?? -1))
    let page = try lines("r.html").joined(separator: "\n")
    #expect(page.contains("<table class=\"sortable\">") && page.contains("<script>"))
    #expect(page.contains("class=\"gallery\""))
  }
}
