import ConvNet
import ConvNetTestSupport
import Foundation
import Testing

@Suite("Experiments on the command line") struct ExperimentCommandTests {
  private func run(
    _ directory: borrowing TemporaryDirectory, _ more: [String] = []
  ) throws -> Invocation {
    try Invocation(
      [
        "experiment", "heads", "--data", "pictures", "--epochs", "1", "--output", "out",
        "--threads", "1",
      ] + more, in: directory.path)
  }

  private func pictures() throws -> TemporaryDirectory {
    let directory = try TemporaryDirectory()
    try writeClasses(["dark": 30, "light": 200], to: directory.file("pictures"))
    return directory
  }

  @Test("the list has every experiment, and JSON its rows and scales")
  func list() throws {
    let run = try convnet("experiment")
    #expect(run.status == 0 && run.errors.isEmpty)
    for experiment in Experiment.builtIn { #expect(run.output.contains("\n\(experiment.name) ")) }
    let rows = try #require(try convnet("experiment", "--json").json() as? [[String: Any]])
    #expect(rows.count == Experiment.builtIn.count)
    #expect(rows.allSatisfy { $0["rows"] is [String] && $0["quick"] is [String: Any] })
  }

  @Test("one is trained, written, and gone on with: finished rows are not trained again")
  func whole() throws {
    let directory = try pictures()
    let first = try run(directory, ["--row", "global mean", "--seeds", "1,2"])
    #expect(first.status == 0, "\(first.errors)")
    #expect(first.output.contains("global mean") && !first.output.contains("dense"))
    #expect(first.output.contains("ensemble"))
    #expect(try run(directory).failure().contains("--resume"))
    let before = try ExperimentResults(loading: directory.file("out/results.json"))
    let second = try run(directory, ["--seeds", "1..2", "--resume", "--json"])
    #expect(second.status == 0, "\(second.errors)")
    #expect(!second.errors.contains("global mean") && second.errors.contains("dense"))
    let after = try ExperimentResults(loading: directory.file("out/results.json"))
    #expect(after.runs.prefix(2) == before.runs[...] && after.runs.count == 4)
    #expect(after.ensembles.count == 2)
    #expect((try second.json() as? [String: Any])?["runs"] is [Any])
    for name in [
      "epochs.csv", "report.html", "section.md", "heads-test-error.svg",
      "models/global_mean-2.safetensors",
    ] {
      #expect(FileManager.default.fileExists(atPath: directory.file("out/\(name)")), "\(name)")
    }
    #expect(
      try run(directory, ["--resume", "--pictures", "8"]).failure().contains("pictures of an"))
    let again = try run(directory, ["--overwrite", "--row", "global mean", "--quiet"])
    #expect(again.status == 0 && again.errors.isEmpty)
    #expect(try ExperimentResults(loading: directory.file("out/results.json")).runs.count == 1)
  }

  @Test("pictures that were exchanged are not trained on beside those of before")
  func otherPictures() throws {
    let directory = try pictures()
    #expect(try run(directory, ["--row", "global mean", "--quiet"]).status == 0)
    let before = try fileBytes(directory.file("out/results.json"))
    try writeClasses(["dark": 60, "light": 170], to: directory.file("pictures"))
    for rows in [["--row", "global mean"], []] {
      let line = try run(directory, rows + ["--resume", "--quiet"]).failure()
      #expect(line.hasPrefix("training data of an experiment that goes on is"), "\(line)")
      #expect(line.contains("as it began") && line.contains("of fingerprint"), "\(line)")
    }
    #expect(try fileBytes(directory.file("out/results.json")) == before)
    try writeClasses(["dark": 30, "light": 200], to: directory.file("pictures"))
    let same = try run(directory, ["--row", "global mean", "--resume", "--quiet"])
    #expect(same.status == 0, "\(same.errors)")
  }

  @Test("a signal ends it between two steps, and what is finished stays")
  func interrupted() throws {
    let directory = try pictures()
    let running = try RunningInvocation(
      [
        "experiment", "heads", "--data", "pictures", "--epochs", "100000", "--output", "out",
        "--threads", "1",
      ], in: directory.path)
    running.waitForFile(directory.file("out/models"))
    running.send(SIGINT)
    let ended = try running.finished()
    #expect(ended.status == 128 + SIGINT)
    #expect(ended.errors.contains("--resume does the others"))
  }

  @Test(
    "what makes no sense is refused",
    arguments: [
      (["experiment", "degredation", "--output", "o"], "did you mean degradation"),
      (["experiment", "heads", "--row", "densse", "--output", "o"], "dense, 256"),
      (["experiment", "heads", "--resume", "--output", "o"], "o/results.json"),
    ])
  func refused(arguments: [String], says: String) throws {
    let directory = try TemporaryDirectory()
    #expect(try Invocation(arguments, in: directory.path).failure().contains(says))
  }

  @Test(
    "what cannot be understood is told with the usage",
    arguments: [
      ["experiment", "heads"], ["experiment", "heads", "--output", "o", "--seeds", "2..1"],
      ["experiment", "heads", "--output", "o", "--epochs", "0"],
      ["experiment", "heads", "--output", "o", "--epochs", "1", "--minutes", "1"],
      ["experiment", "heads", "--output", "o", "--minutes", "0"],
      ["experiment", "heads", "--output", "o", "--resume", "--overwrite"],
    ])
  func usage(arguments: [String]) throws {
    #expect(try Invocation(arguments).status == 64)
  }
}
