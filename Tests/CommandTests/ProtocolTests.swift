import ConvNet
import ConvNetTestSupport
import Foundation
import Testing

/// Two models and pictures of two classes, none of them square.
private func fill(_ directory: borrowing TemporaryDirectory) throws {
  for (seed, names) in [["dark", "light"], ["light", "dark"]].enumerated() {
    let network = Network("small", input: .image(height: 12, width: 12, channels: 3)) {
      Conv2D(4, kernel: 3)
      ReLU()
      MaxPool2D(2)
      Flatten()
      Dense(2)
    }
    try Model(validating: network, seed: UInt64(seed), classNames: names)
      .save(to: directory.file("\(seed).safetensors"))
  }
  for (place, name) in ["dark", "light"].enumerated() {
    try FileManager.default.createDirectory(
      atPath: directory.file("data/\(name)"), withIntermediateDirectories: true)
    for index in 0..<5 {
      var image = Image(height: 20, width: 26 + index, color: .init(grey: UInt8(40 + 120 * place)))
      for row in 0..<20 { image[row, row + index, 1] = UInt8(10 * index + 90) }
      try image.writePNG(to: directory.file("data/\(name)/\(index).png"))
    }
  }
}

@Suite("Scores with their protocol, as a command") struct ProtocolTests {
  @Test("several protocols and an ensemble in one table, with files beside it")
  func compare() throws {
    let directory = try TemporaryDirectory()
    try fill(directory)
    let run = try convnet(
      "evaluate", "0.safetensors", "1.safetensors", "--data", "data", "--compare",
      "single,10-crop,dense", "--report", "report.html", "--predictions", "p.csv",
      "--classes-csv", "c.csv", "--views-sheet", "views.png", "--temperature", "--json", "--quiet",
      in: directory.path)
    #expect(run.status == 0, "\(run.errors)")
    let result = try #require(try run.json() as? [String: Any])
    #expect(result["images"] as? Int == 10)
    let scores = try #require(result["scores"] as? [[String: Any]])
    #expect(scores.count == 9 && (result["comparisons"] as? [Any])?.count == 8)
    #expect(scores.map { $0["views"] as? Int } == [1, 1, 2, 10, 10, 20, 2, 2, 4])
    #expect(scores[5]["model"] as? String == "ensemble")
    let text = try #require(scores[3]["protocol"] as? String)
    #expect(
      text
        == "10-crop: shorter side 14, central square, corners, center, reflections; 10 views a picture, probabilities averaged; input 12x12 (bilinear, antialiased), 3 channels"
    )
    let interval = try #require(result["top1Interval"] as? [Double])
    let top1 = try #require(result["top1"] as? Double)
    #expect(interval[0] <= top1 && top1 <= interval[1])
    func lines(_ name: String) throws -> [Substring] {
      try String(contentsOfFile: directory.file(name), encoding: .utf8).split(separator: "\n")
    }
    #expect(try lines("p.csv").count == 1 + 9 * 10)
    #expect(
      try lines("p.csv")[0] == "picture,model,protocol,label,predicted,probability,dark,light")
    #expect(try lines("c.csv").count == 1 + 9 * 2)
    #expect(try lines("report.html").contains { $0.contains("Reliability") })
    #expect(try Image(contentsOf: directory.file("views.png")).width > 100)
    // The same to read, and each by itself.
    let alone = try convnet(
      "evaluate", "1.safetensors", "--data", "data", "--protocol", "10-crop", "--json", "--quiet",
      in: directory.path)
    let one = try #require(try alone.json() as? [String: Any])
    #expect(one["loss"] as? Double == scores[4]["loss"] as? Double)
    let shown = try convnet(
      "evaluate", "0.safetensors", "1.safetensors", "--data", "data", "--quiet",
      in: directory.path)
    #expect(shown.status == 0 && shown.output.contains("(McNemar)"))
    #expect(shown.output.contains("top-1 accuracy ") && shown.output.contains("(95 %: "))
  }

  @Test("a protocol of parts is the named one of the same parts")
  func parts() throws {
    let directory = try TemporaryDirectory()
    try fill(directory)
    func loss(_ more: String...) throws -> Double? {
      let run = try Invocation(
        ["evaluate", "0.safetensors", "--data", "data", "--json", "--quiet"] + more,
        in: directory.path)
      #expect(run.status == 0, "\(run.errors)")
      return (try run.json() as? [String: Any])?["loss"] as? Double
    }
    #expect(
      try loss("--scales", "14", "--squares", "1", "--crops", "corners,center", "--flips")
        == loss("--protocol", "10-crop"))
    #expect(try loss("--protocol", "squash") == loss())
    #expect(try loss("--protocol", "single") == loss("--resize", "14"))
    #expect(
      try loss("--protocol", "10-crop", "--average", "logits") != loss("--protocol", "10-crop"))
  }

  @Test("what is asked for and cannot be is refused with what would do")
  func refusals() throws {
    let directory = try TemporaryDirectory()
    try fill(directory)
    func refused(_ more: String...) throws -> String {
      let run = try Invocation(
        ["evaluate", "0.safetensors", "--data", "data", "--quiet"] + more, in: directory.path)
      #expect(run.status != 0 && run.output.isEmpty)
      return run.errors
    }
    #expect(try refused("--protocol", "10crop").contains("did you mean 10-crop"))
    #expect(try refused("--protocol", "single", "--flips").contains("give one of them"))
    #expect(try refused("--crops", "middle").contains("--crops has middle"))
    #expect(try refused("--squares", "2").contains("must be 0, 1 or 3"))
    #expect(try refused("--scales", "8").contains("take a larger scale"))
    #expect(try refused("--report", "none/r.html").contains("there is no folder"))
    #expect(try refused("--resize", "11").contains("must be from 12"))
    #expect(try refused("--preset", "imagenet", "--crop-fraction", "0").contains("above 0"))
    var other = try Model(loading: directory.file("1.safetensors"))
    other.classNames = ["light", "dim"]
    try other.save(to: directory.file("2.safetensors"))
    let run = try convnet(
      "evaluate", "0.safetensors", "2.safetensors", "--data", "data", "--quiet",
      in: directory.path)
    #expect(run.errors.contains("dark, light") && run.errors.contains("light, dim"))
  }

  @Test("a preset given to convert is in the file, and is what evaluate says")
  func preset() throws {
    let directory = try TemporaryDirectory()
    try fill(directory)
    let converted = try convnet(
      "convert", "0.safetensors", "n.safetensors", "--preset", "timm", "--quiet",
      in: directory.path)
    #expect(converted.status == 0, "\(converted.errors)")
    let stored = try #require(Model(loading: directory.file("n.safetensors")).preprocessing)
    #expect(stored.fitting == .centerCrop(shorterSide: 13) && stored.filter == .bicubic)
    let run = try convnet(
      "evaluate", "n.safetensors", "--data", "data", "--quiet", in: directory.path)
    #expect(run.output.contains("shorter side 13, centre 12x12 (bicubic, antialiased)"))
  }
}
