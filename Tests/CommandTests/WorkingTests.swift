import ConvNet
import ConvNetTestSupport
import Foundation
import Testing

/// A folder of 12x12 pictures with `train/` and `val/`: light ones and dark ones.
func writePictures(
  to directory: borrowing TemporaryDirectory, classes: [String] = ["dark", "light"]
) throws {
  for (part, count) in [("train", 12), ("val", 5)] {
    for (label, name) in classes.enumerated() {
      try FileManager.default.createDirectory(
        atPath: directory.file("pictures/\(part)/\(name)"), withIntermediateDirectories: true)
      for index in 0..<count {
        let color = Image.Color(grey: UInt8(30 + 170 * label / (classes.count - 1) + 2 * index))
        try Image(height: 12, width: 12, color: color, channels: 1)
          .writePNG(to: directory.file("pictures/\(part)/\(name)/\(index).png"))
      }
    }
  }
}

func train(
  _ directory: borrowing TemporaryDirectory, _ more: String..., output: String = "out",
  shell: String? = nil
) throws -> Invocation {
  try Invocation(trainingArguments(output) + more, in: directory.path, shell: shell)
}

/// A quick training on the pictures of ``writePictures(to:classes:)``.
func trainingArguments(_ output: String = "out") -> [String] {
  [
    "train", "--model", "lenet5", "--data", "pictures", "--output", output, "--batch-size", "8",
    "--learning-rate", "0.05", "--input", "16x16", "--seed", "3",
    "--threads", "1",
  ]
}

@Suite("Commands that work") struct WorkingTests {
  private static let results = [
    "checkpoint", EventFile.name, "metrics.jsonl", "model.safetensors", "report.html",
  ]

  @Test("a folder of pictures is learnt, evaluated, classified, run and measured")
  func wholeStory() throws {
    let directory = try TemporaryDirectory()
    try writePictures(to: directory)
    let run = try train(directory, "--epochs", "6", "--json")
    #expect(run.status == 0, "\(run.errors)")
    let summary = try #require(try run.json() as? [String: Any])
    let result = summary.compactMapValues { $0 as? Double }
    #expect(
      Set(summary.keys) == [
        "epochs", "top1", "top5", "loss", "seconds", "imagesPerSecond", "dataWaitShare", "skipped",
        "measuredOn",
      ])
    #expect(0...1 ~= result["dataWaitShare"] ?? 2 && result["skipped"] == 0)
    #expect(result["epochs"] == 6 && result["top1"] == 1 && result["top5"] == 1)
    #expect(run.output.split(separator: "\n").count == 1)
    // Plain lines where there is no terminal.
    #expect(run.errors.contains("epoch 6/6: 100 %") && !run.errors.contains("\u{1B}"))
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: directory.file("out")).sorted()
        == Self.results)

    let lines = try String(contentsOfFile: directory.file("out/metrics.jsonl"), encoding: .utf8)
      .split(separator: "\n").filter { $0.contains(#""kind":"epoch""#) }
    #expect(lines.count == 6)
    for (index, line) in lines.enumerated() {
      let metrics = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      #expect(metrics?["epoch"] as? Int == index + 1)
      #expect(metrics?["validationTop1"] is Double)
      #expect(0...1 ~= metrics?["dataWaitShare"] as? Double ?? 2)
    }

    let file = "out/model.safetensors"
    let evaluation = try convnet(
      "evaluate", file, "--data", "pictures", "--json", in: directory.path)
    let scores = try #require(try evaluation.json() as? [String: Any])
    #expect(
      Set(scores.keys) == [
        "images", "top1", "top5", "loss", "protocol", "part", "trainedOn", "skipped", "nonFinite",
        "confusions", "classes", "views", "multiplyAdds", "top1Interval", "top5Interval",
        "calibrationError", "confusionMatrix",
      ])
    #expect((scores["confusions"] as? [Any])?.isEmpty == true)
    // Every picture to validate on is one to train on, too.
    #expect(scores["part"] as? String == "test" && scores["trainedOn"] as? Int == 10)
    #expect(scores["images"] as? Int == 10 && scores["top1"] as? Double == 1)
    #expect((scores["protocol"] as? String)?.hasPrefix("resized to 16x16 (bilinear") == true)
    #expect(abs(try #require(scores["loss"] as? Double) - #require(result["loss"])) < 1e-6)

    let pictures = ["pictures/val/light/2.png", "pictures/val/dark/2.png"]
    let prediction = try Invocation(["predict", file] + pictures + ["--json"], in: directory.path)
    let answers = try #require(try prediction.json() as? [[String: Any]])
    #expect(answers.map { $0["file"] as? String } == pictures)
    let best = try answers.map { answer in
      let predictions = try #require(answer["predictions"] as? [[String: Any]])
      #expect(predictions.count == 2)
      #expect(Set(predictions[0].keys) == ["label", "index", "probability"])
      return predictions[0]["label"] as? String
    }
    #expect(best == ["light", "dark"])
    let plain = try Invocation(["predict", file] + pictures + ["--top", "1"], in: directory.path)
    #expect(plain.output.split(separator: "\n").count == 2)
    #expect(plain.output.hasPrefix("pictures/val/light/2.png: light "))

    let input = Tensor.random([3, 1, 16, 16], seed: 2)
    try input.writeNPY(to: directory.file("x.npy"))
    let raw = try convnet("run", file, "--input", "x.npy", "--output", "y.npy", in: directory.path)
    #expect(raw.status == 0 && raw.output == "saved y.npy, 3x2\n" && raw.errors.isEmpty)
    let logits = try Tensor(npy: directory.file("y.npy"))
    #expect(logits.shape == [3, 2])
    #expect(try Model(loading: directory.file(file)).run(input, order: .channelsFirst) == logits)
    let told = try convnet(
      "run", file, "--input", "x.npy", "--output", "z.npy", "--json", in: directory.path)
    let facts = try #require(try told.json() as? [String: Any])
    #expect(
      Set(facts.keys) == ["model", "input", "output", "saved", "nonFiniteInput", "nonFinite"])
    #expect(facts["input"] as? [Int] == [3, 1, 16, 16] && facts["output"] as? [Int] == [3, 2])
    #expect(facts["saved"] as? String == "z.npy" && facts["nonFinite"] as? Int == 0)

    try Tensor([Int64(1), 0, 1]).writeNPY(to: directory.file("labels.npy"))
    let gradients = try convnet(
      "gradients", file, "--input", "x.npy", "--labels", "labels.npy", "--output", "g.safetensors",
      "--json", in: directory.path)
    #expect(gradients.status == 0 && gradients.errors.isEmpty)
    let numbers = try #require(try gradients.json() as? [String: Double])
    #expect(Set(numbers.keys) == ["gradientNorm", "loss", "parameters", "totalLoss"])
    let written = try Safetensors(contentsOf: directory.file("g.safetensors"))
    let expected = try Model(loading: directory.file(file)).gradients(
      of: input, labels: Tensor([Int64(1), 0, 1]), order: .channelsFirst)
    #expect(written.tensors == expected.gradients && numbers["loss"] == expected.loss)
  }

  @Test("--quiet silences standard error, and a person gets the accuracy and the place")
  func quiet() throws {
    let directory = try TemporaryDirectory()
    try writePictures(to: directory)
    let run = try train(directory, "--epochs", "2", "--quiet")
    #expect(run.status == 0 && run.errors.isEmpty)
    #expect(run.output.hasPrefix("validation accuracy "))
    #expect(run.output.hasSuffix("saved out/model.safetensors\n"))
    let evaluation = try convnet(
      "evaluate", "out/model.safetensors", "--data", "pictures", "--quiet", in: directory.path)
    #expect(evaluation.status == 0 && evaluation.errors.isEmpty)
    #expect(evaluation.output.hasPrefix("10 pictures, resized to 16x16"))
  }

  @Test("a resumed training writes the same model, and every epoch once")
  func resume() throws {
    let directory = try TemporaryDirectory()
    try writePictures(to: directory)
    #expect(try train(directory, "--epochs", "4", "--quiet").status == 0)
    #expect(try train(directory, "--epochs", "2", "--quiet", output: "again").status == 0)
    let resumed = try train(directory, "--epochs", "4", "--resume", output: "again")
    #expect(resumed.status == 0 && resumed.errors.hasPrefix("resuming after epoch 2"))
    #expect(
      try fileBytes(directory.file("again/model.safetensors"))
        == fileBytes(directory.file("out/model.safetensors")))
    for name in ["out", "again"] {
      let metrics = try String(
        contentsOfFile: directory.file("\(name)/metrics.jsonl"), encoding: .utf8)
      #expect(metrics.split(separator: "\n").count { $0.contains(#""kind":"epoch""#) } == 4)
    }

    let other = try train(directory, "--epochs", "5", "--resume", "--momentum", "0.5")
    #expect(
      other.status == 0 && other.errors.contains("optimizer.momentum  0.9  0.5"), "\(other.errors)")
    let none = try train(directory, "--epochs", "5", "--resume", output: "new").failure()
    #expect(none.contains("new holds no training to go on with: new/checkpoint is not there"))
    #expect(try directory.contents() == ["again", "out", "pictures"])
  }

  @Test("numbers that are not finite stop the training and keep the last good model")
  func nonFinite() throws {
    let directory = try TemporaryDirectory()
    try writePictures(to: directory)
    let run = try train(directory, "--epochs", "9", "--learning-rate", "1e20", "--quiet")
    let line = try run.failure()
    #expect(line.contains("not finite at step") && line.contains("learning rate 1e+20"))
    // Either no epoch was finished, or its model can be used.
    let path = directory.file("out/model.safetensors")
    if FileManager.default.fileExists(atPath: path) {
      let parameters = try Model(loading: path).parameters
      #expect(parameters.values.allSatisfy { $0.elements.allSatisfy(\.isFinite) })
    }
  }

  @Test("the head is replaced where the classes differ, and the command says so")
  func fineTuning() throws {
    let directory = try TemporaryDirectory()
    try writePictures(to: directory)
    #expect(try train(directory, "--epochs", "1", "--quiet").status == 0)
    try writePictures(to: directory, classes: ["dark", "light", "middle"])
    // The folder has a third class now.
    let file = "out/model.safetensors"
    let mismatch = try convnet(
      "evaluate", file, "--data", "pictures", "--quiet", in: directory.path)
    #expect(try mismatch.failure().contains("only the data has middle"))
    let tuned = try train(directory, "--epochs", "1", "--init", file, output: "tuned")
    #expect(tuned.status == 0, "\(tuned.errors)")
    #expect(
      tuned.errors.contains(
        "8 of 10 parameters taken; dense3.bias is 2, needs 3; dense3.weight is 2x84, needs 3x84"))
    #expect(!tuned.errors.contains("conv1.weight"))
  }

  @Test("classes of other names are refused with both lists")
  func otherClasses() throws {
    let directory = try TemporaryDirectory()
    try writePictures(to: directory)
    #expect(try train(directory, "--epochs", "1", "--quiet").status == 0)
    try FileManager.default.moveItem(
      atPath: directory.file("pictures/val/light"), toPath: directory.file("pictures/val/bright"))
    let line = try convnet(
      "evaluate", "out/model.safetensors", "--data", "pictures", "--quiet", in: directory.path
    ).failure()
    #expect(line.contains("dark, light") && line.contains("bright, dark"))
  }

  @Test("an output that cannot be written is refused before training")
  func unwritable() throws {
    let directory = try TemporaryDirectory()
    try writePictures(to: directory)
    try directory.write([1], to: "file")
    let line = try train(directory, "--quiet", output: "file/out").failure()
    #expect(line.contains("cannot write to file/out") && line.contains("--output"))
    #expect(try directory.contents() == ["file", "pictures"])
  }

  @Test("a picture that is damaged stops the training by its name")
  func damagedPicture() throws {
    let directory = try TemporaryDirectory()
    try writePictures(to: directory)
    try directory.write([UInt8]("PNG?".utf8), to: "pictures/train/dark/3.png")
    let line = try train(directory, "--quiet").failure()
    #expect(line.contains("pictures/train/dark/3.png"))
    #expect(
      !FileManager.default.fileExists(atPath: directory.file("out/model.safetensors")))
  }

  @Test("evaluate: machines are told the confusions that people are shown")
  func confusions() throws {
    let directory = try TemporaryDirectory()
    for (folder, grey) in [("dark", UInt8(20)), ("light", 220)] {
      try FileManager.default.createDirectory(
        atPath: directory.file("pictures/\(folder)"), withIntermediateDirectories: true)
      for index in 0..<3 {
        try Image(height: 16, width: 16, color: .init(grey: grey + UInt8(index)))
          .writePNG(to: directory.file("pictures/\(folder)/\(index).png"))
      }
    }
    // Weights of zero and one bias: every picture is taken for one class.
    var model = Model(
      lenet5(ModelOptions(height: 16, width: 16, channels: 1, classes: 2)),
      seed: 1, classNames: ["dark", "light"])
    for (name, tensor) in model.parameters {
      model.parameters[name] = Tensor(zeros: tensor.shape)
    }
    model.parameters["dense3.bias"] = Tensor([0, 1] as [Float])
    try model.save(to: directory.file("model.safetensors"))
    let arguments = ["evaluate", "model.safetensors", "--data", "pictures", "--quiet"]
    let text = try Invocation(arguments, in: directory.path)
    #expect(text.output.contains("dark   light             3  100.0 %"), "\(text.output)")
    let result = try #require(
      try Invocation(arguments + ["--json"], in: directory.path).json() as? [String: Any])
    let confusions = try #require(result["confusions"] as? [[String: Any]])
    #expect(confusions.count == 1 && confusions[0]["count"] as? Int == 3)
    #expect(confusions[0]["truth"] as? String == "dark")
    #expect(confusions[0]["takenFor"] as? String == "light")
    #expect(confusions[0]["share"] as? Double == 1)
  }

  @Test("benchmark: the documented keys", arguments: ["inference", "training"])
  func benchmark(mode: String) throws {
    let run = try convnet(
      "benchmark", "lenet5", "--batch", "4", "--mode", mode, "--seconds", "0", "--threads", "1",
      "--json")
    let result = try #require(try run.json() as? [String: Any])
    #expect(
      Set(result.keys) == [
        "model", "mode", "batch", "threads", "imagesPerSecond", "compileSeconds", "weightBytes",
        "activationBytes", "peakMemoryBytes", "environment", "requests",
      ])
    #expect(result["mode"] as? String == mode && result["batch"] as? Int == 4)
    let rates = try #require(result["imagesPerSecond"] as? [String: Double])
    #expect(Set(rates.keys) == ["median", "p10", "p90"])
    let (low, median, high) = (rates["p10"] ?? 0, rates["median"] ?? 0, rates["p90"] ?? 0)
    #expect(0 < low && low <= median && median <= high)
  }

  @Test("benchmark: requests at a time have values of their own, and the weights together")
  func requests() throws {
    func benchmark(_ count: String) throws -> [String: Any] {
      let arguments = ["--threads", count, "--requests", count, "--tune", "off", "--json"]
      let run = try Invocation(
        ["benchmark", "lenet5", "--batch", "4", "--seconds", "0"] + arguments)
      return try #require(try run.json() as? [String: Any])
    }
    let (one, two) = (try benchmark("1"), try benchmark("2"))
    #expect(two["requests"] as? Int == 2 && two["threads"] as? Int == 2)
    #expect(two["weightBytes"] as? Int == one["weightBytes"] as? Int)
    let values = try #require(one["activationBytes"] as? Int)
    #expect(two["activationBytes"] as? Int == 2 * values)
    let rate = try #require(two["imagesPerSecond"] as? [String: Double])
    #expect(rate.values.allSatisfy { $0 > 0 && $0.isFinite })
  }

  @Test(
    "benchmark: the processor as it is used, and as it is asked to be used",
    arguments: Processor.Instructions.allCases.filter { $0 <= Processor.current.instructions })
  func benchmark(on instructions: Processor.Instructions) throws {
    let run = try Invocation(
      ["benchmark", "lenet5", "--seconds", "0", "--threads", "1", "--json"],
      settings: ["CONVNET_INSTRUCTIONS": instructions.rawValue])
    let result = try #require(try run.json() as? [String: Any])
    let environment = try #require(result["environment"] as? [String: Any])
    #expect(
      Set(environment.keys) == [
        "processor", "instructions", "vectorWidth", "channelBlock", "cacheBytes", "library",
      ])
    #expect(environment["instructions"] as? String == instructions.rawValue)
    #expect(environment["vectorWidth"] as? Int == instructions.vectorWidth)
    let caches = try #require(environment["cacheBytes"] as? [Int])
    #expect(caches == caches.sorted() && caches == Processor.current.cacheByteCounts)
  }

  @Test("without the kernel library benchmark and explain say so, and no step is the library's")
  func withoutLibrary() throws {
    let settings = ["CONVNET_LIBRARY": "off"]
    let measured = try Invocation(
      ["benchmark", "lenet5", "--batch", "8", "--seconds", "0", "--threads", "1", "--profile"],
      settings: settings)
    #expect(measured.status == 0 && measured.output.contains(", off\n"), "\(measured.output)")
    let explained = try Invocation(["explain", "lenet5", "--batch", "8"], settings: settings)
    #expect(explained.output.contains(", off: every step is by a kernel of our own"))
    for run in [measured, explained] {
      #expect(!run.output.contains("jit:") && !run.output.contains("gemm"), "\(run.output)")
    }
  }

  @Test("a setting of the kernel library that is none is refused with those that there are")
  func unknownLibrarySetting() throws {
    let run = try Invocation(
      ["benchmark", "lenet5", "--seconds", "0"], settings: ["CONVNET_LIBRARY": "none"])
    #expect(run.status == 1)
    #expect(run.errors == "error: CONVNET_LIBRARY: is none; set it to one of on, off\n")
  }

  @Test("train: what is the same on any number of threads is not chosen by measuring")
  func deterministicByRule() throws {
    let run = try convnet(
      "train", "--model", "lenet5", "--data", "x", "--output", "y", "--deterministic", "--tune",
      "full")
    #expect(run.status == 64 && run.errors.contains("--tune full"), "\(run.errors)")
  }

  @Test("benchmark: the profile's keys, its sums, and the trace")
  func profile() throws {
    let directory = try TemporaryDirectory()
    let run = try convnet(
      "benchmark", "lenet5", "--batch", "4", "--seconds", "0", "--threads", "2", "--trace",
      "trace.json", "--json", in: directory.path)
    #expect(run.status == 0 && run.errors.isEmpty, "\(run.errors)")
    let result = try #require(try run.json() as? [String: Any])
    let profile = try #require(result["profile"] as? [String: Any])
    #expect(Set(profile.keys) == ["peaks", "steps", "kinds", "total"])
    let peaks = try #require(profile["peaks"] as? [String: Double])
    #expect(
      Set(peaks.keys) == [
        "threads", "flopsPerSecond", "readBytesPerSecond", "copyBytesPerSecond",
      ])
    #expect(peaks["threads"] == 2)

    let steps = try #require(profile["steps"] as? [[String: Any]])
    for step in steps {
      #expect(Set(step.keys) == ["operation", "implementation", "kind", "layouts", "work"])
    }
    let kinds = try #require(profile["kinds"] as? [[String: Any]])
    for kind in kinds { #expect(Set(kind.keys) == ["kind", "steps", "work"]) }
    #expect(kinds.reduce(0) { $0 + ($1["steps"] as? Int ?? 0) } == steps.count)
    let total = try #require(profile["total"] as? [String: Double])
    #expect(total["multiplyAdds"] == 4 * 416_520 && total["share"] == 1)
    for part in [steps, kinds] {
      let works = try part.map { try #require($0["work"] as? [String: Double]) }
      for work in works { #expect(Set(work.keys) == Set(total.keys)) }
      for key in ["seconds", "share", "multiplyAdds", "bytes"] {
        let sum = works.reduce(0) { $0 + ($1[key] ?? .nan) }
        let expected = try #require(total[key])
        #expect(abs(sum - expected) <= 1e-9 * expected, "\(key)")
      }
    }

    #expect(try directory.contents() == ["trace.json"])
    let file = try JSONSerialization.jsonObject(
      with: Data(contentsOf: URL(fileURLWithPath: directory.file("trace.json"))))
    let events = try #require((file as? [String: Any])?["traceEvents"] as? [[String: Any]])
    let slices = events.filter { $0["cat"] as? String != "run" && $0["ph"] as? String == "X" }
    // Three runs in two shards.
    #expect(slices.count == 6 * steps.count)
    #expect(
      slices.prefix(steps.count).map { $0["name"] as? String }
        == steps.map { $0["operation"] as? String })
  }

  @Test("benchmark: the profile as text, under the peaks")
  func profileText() throws {
    let run = try convnet(
      "benchmark", "lenet5", "--batch", "4", "--mode", "training", "--seconds", "0", "--threads",
      "1", "--profile")
    #expect(run.status == 0 && run.errors.isEmpty, "\(run.errors)")
    let lines = run.output.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines[1].contains(ComputeEnvironment.current.library))
    #expect(lines[5].hasPrefix("peaks of 1 thread, measured: "))
    let headings = lines.map { $0.split(separator: " ") }.filter { $0.last == "peak" }
    let columns: [Substring] = ["time", "share", "GFLOP/s", "GB/s", "of", "peak"]
    #expect(headings.first ?? [] == ["operation", "implementation"] + columns)
    #expect(headings.last ?? [] == ["kind", "steps"] + columns)
    #expect(headings.count == 2)
    #expect(lines.contains { $0.hasPrefix("all steps ") && $0.contains(" 100.0 % ") })
    #expect(lines.contains { $0.hasPrefix("few channels ") })
    #expect(lines.contains { $0.hasPrefix("of peak: ") })
    // Nothing in this network is computed by Winograd's algorithm.
    #expect(!run.output.contains("winograd"))
  }

  @Test("the environment says how many threads compute, an option before it")
  func threads() throws {
    let arguments = ["benchmark", "lenet5", "--seconds", "0", "--json"]
    func threads(_ more: [String], _ settings: [String: String]) throws -> Int? {
      let run = try Invocation(arguments + more, settings: settings)
      return (try run.json() as? [String: Any])?["threads"] as? Int
    }
    #expect(try threads([], ["OMP_NUM_THREADS": "3,1"]) == 3)
    #expect(try threads(["--threads", "2"], ["OMP_NUM_THREADS": "3"]) == 2)
    #expect(try threads([], ["OMP_NUM_THREADS": "no number"]) == Threads.available)
  }

  @Test("export: pictures of a data set under names that say what they show")
  func export() throws {
    let directory = try TemporaryDirectory()
    try writePictures(to: directory)
    let run = try convnet(
      "dataset", "export", "pictures", "--count", "6", "--output", "shown", "--json",
      in: directory.path)
    let expected = (0..<5).map { "shown/000\($0)-dark.png" } + ["shown/0005-light.png"]
    #expect(try run.json() as? [String] == expected)
    #expect(try Image(contentsOf: directory.file("shown/0005-light.png"))[0, 0, 0] == 200)
  }
}
