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

  @Test("trainings on labels and numbers are reported and compared by their own scores")
  func targets() throws {
    let directory = try TemporaryDirectory()
    var (labels, numbers) = (["path,tags"], ["path,left"])
    for index in 0..<32 {
      let (left, right) = (index % 2 == 0 ? 200 : 20, index % 4 < 2 ? 100 + index : 20)
      try directory.write(
        Image(
          height: 12, width: 12, channels: 1,
          pixels: (0..<144).map { UInt8($0 % 12 < 6 ? left : right) }
        ).encodedPNG(), to: "pictures/\(index).png")
      let tags = (left > 20 ? ["left"] : []) + (right > 20 ? ["right"] : [])
      labels.append("pictures/\(index).png,\(tags.joined(separator: "|"))")
      numbers.append("pictures/\(index).png,\(left + index)")
    }
    for (name, lines, options) in [
      ("labels", labels, []), ("numbers", numbers, ["--target-columns", "left"]),
    ] as [(String, [String], [String])] {
      try directory.write([UInt8](lines.joined(separator: "\n").utf8), to: "\(name).csv")
      let run = try Invocation(
        [
          "train", "--model", "lenet5", "--data", "\(name).csv", "--output", "runs/\(name)",
          "--input", "16x16", "--batch-size", "8", "--epochs", "2", "--optimizer", "adam",
          "--learning-rate", "0.003", "--split", "0.25", "--threads", "1", "--quiet",
        ] + options, in: directory.path)
      #expect(run.status == 0, "\(run.errors)")
    }
    for (name, title) in [("labels", "Labels"), ("numbers", "Numbers")] {
      let report = try String(
        contentsOfFile: directory.file("runs/\(name)/report.html"), encoding: .utf8)
      #expect(report.contains("<h2>\(title)</h2>") && !report.contains("<h2>Confusion</h2>"))
      #expect(!report.contains("Of the 0 pictures"))
    }
    let alone = try convnet("compare", "runs/labels", in: directory.path)
    #expect(alone.output.contains("mean average precision") && alone.output.contains("micro F1"))
    #expect(!alone.output.contains("training error"), "\(alone.output)")
    let both = try convnet("compare", "runs/labels", "runs/numbers", in: directory.path)
    #expect(both.output.contains("scores") && both.output.contains("MAE"), "\(both.output)")
    let json = try convnet("compare", "runs/labels", "runs/numbers", "--json", in: directory.path)
    let result = try #require(json.json() as? [String: Any])
    let runs = try #require(result["runs"] as? [[String: Any]])
    #expect(runs.map { $0["targets"] as? String } == ["labels", "numbers"])
    #expect(runs.allSatisfy { $0["top1"] == nil })
    let figures = runs.map { $0["figures"] as? [String: Double] ?? [:] }
    #expect(figures[0].keys.sorted() == ["macroF1", "meanAveragePrecision", "microF1"])
    #expect(figures[1]["meanAbsoluteError"] != nil && figures[1]["determination"] != nil)
  }
}
