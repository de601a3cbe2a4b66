import ConvNet
import ConvNetTestSupport
import Foundation
import Testing

@Suite("Comparing trainings") struct ComparingTests {
  @Test(
    "settings that differ, best epochs and curves, as text, JSON and a page; what is no training is named"
  )
  func compare() throws {
    let directory = try TemporaryDirectory()
    try writeClasses(["dark": 30, "light": 200], to: directory.file("pictures"))
    for (name, rate) in [("one", "0.05"), ("two", "0.01")] {
      let run = try Invocation(
        [
          "train", "--model", "lenet5", "--data", "pictures", "--output", "runs/\(name)", "--input",
          "16x16", "--batch-size", "8", "--epochs", "3", "--learning-rate", rate, "--threads", "1",
          "--quiet",
        ], in: directory.path)
      #expect(run.status == 0, "\(run.errors)")
    }
    let text = try convnet(
      "compare", "runs/one", "runs/two", "--output", "page.html", in: directory.path)
    #expect(text.status == 0, "\(text.errors)")
    for part in [
      "one", "two", "best epoch", "schedule.rate", "0.05", "0.01", "└──", "saved page.html",
    ] {
      #expect(text.output.contains(part), "\(part): \(text.output)")
    }
    for line in text.output.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
    #expect(
      try String(contentsOfFile: directory.file("page.html"), encoding: .utf8).contains("<svg"))

    let json = try convnet("compare", "runs/one", "runs/two", "--json", in: directory.path)
    let result = try #require(json.json() as? [String: Any])
    let runs = try #require(result["runs"] as? [[String: Any]])
    #expect(runs.map { $0["run"] as? String } == ["one", "two"])
    #expect(runs.map { $0["epochs"] as? Int } == [3, 3])
    #expect(runs.allSatisfy { $0["measuredOn"] as? String == "validation" })
    let differences = try #require(result["differences"] as? [[String: Any]])
    #expect(differences.map { $0["setting"] as? String } == ["schedule.rate"])
    #expect(differences.first?["values"] as? [String] == ["0.05", "0.01"])

    let partly = try convnet("compare", "runs/one", "pictures", "absent", in: directory.path)
    #expect(partly.status == 1 && partly.output.contains("runs/one"))
    #expect(partly.errors.contains("pictures holds no training"))
    #expect(partly.errors.contains("absent is no folder"))
  }
}
