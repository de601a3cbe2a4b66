import ConvNet
import ConvNetTestSupport
import Foundation
import Testing

@Suite("Published weights and tables on the command line") struct PublishedWeightsTests {
  /// Weights of torchvision's smallest residual network, as PyTorch would write them, and pictures of two of ImageNet's classes,
  /// one by its name, one by its number.
  private func fill(_ directory: borrowing TemporaryDirectory) throws {
    let entry = try #require(ModelRegistry["resnet18-torchvision"])
    let weights = Model(entry.network, seed: 1).parameters.map { ($0, $1) }
    try WeightFile.write(weights, to: directory.file("resnet18.pth"))
    for (place, name) in ["n01443537", "tabby"].enumerated() {
      let color = Image.Color(red: UInt8(200 - 100 * place), green: 60, blue: 90)
      try directory.write(
        Image(height: 40, width: 50, color: color, channels: 3).encodedPNG(),
        to: "data/\(name)/a.png")
    }
  }

  @Test("a file of published weights needs nothing more, and what is taken for granted is said")
  func published() throws {
    let directory = try TemporaryDirectory()
    try fill(directory)
    let tail = ["--input", "32x32", "--resize", "36", "--preset", "imagenet"]
    let run = try Invocation(
      ["predict", "resnet18.pth", "data/tabby/a.png", "--json", "--top", "1000"] + tail,
      in: directory.path)
    #expect(run.status == 0, "\(run.errors)")
    #expect(
      run.errors.contains("resnet18.pth: taken as resnet18-torchvision")
        || run.errors.contains("names of torchvision"))
    #expect(run.errors.contains("names no classes: its 1000 are taken as ImageNet's"))
    let answers = try #require(try run.json() as? [[String: Any]])
    let predictions = try #require(answers[0]["predictions"] as? [[String: Any]])
    #expect(predictions.count == 1000)
    for prediction in predictions {
      let index = try #require(prediction["index"] as? Int)
      #expect(prediction["label"] as? String == ImageNetClasses.names[index])
    }
    // Folders by name and by number; among all classes, or among the two.
    func evaluate(_ more: String...) throws -> (text: String, result: [String: Any]) {
      let run = try Invocation(
        ["evaluate", "resnet18.pth", "--data", "data", "--json"] + tail + more,
        in: directory.path)
      #expect(run.status == 0, "\(run.errors)")
      return (run.errors, try #require(try run.json() as? [String: Any]))
    }
    let all = try evaluate()
    #expect(all.text.contains("2 of the model's 1000 classes") && all.text.contains("--among data"))
    #expect((all.result["classes"] as? [Any])?.count == 1000)
    let own = try evaluate("--among", "data")
    let classes = try #require(own.result["classes"] as? [[String: Any]])
    #expect(classes.map { $0["name"] as? String } == ["goldfish", "tabby"])
    #expect(
      (own.result["protocol"] as? String)?.hasSuffix("among the data's 2 of 1000 classes") == true)
    // Of data whose classes are others, that alone is said.
    try directory.write(
      Image(height: 40, width: 50, color: Image.Color(red: 9, green: 60, blue: 90), channels: 3)
        .encodedPNG(), to: "foreign/my cat/a.png")
    let foreign = try Invocation(
      ["evaluate", "resnet18.pth", "--data", "foreign"] + tail, in: directory.path)
    #expect(foreign.status == 1 && foreign.errors.contains("only the data has my cat"))
    #expect(!foreign.errors.contains("of the model's 1000 classes"))
    // The mean loss of the two from the whole answers: of each picture those of the two classes alone.
    var loss = 0.0
    for (label, path) in ["data/n01443537/a.png", "data/tabby/a.png"].enumerated() {
      let run = try Invocation(
        ["predict", "resnet18.pth", path, "--json", "--quiet", "--top", "1000"] + tail,
        in: directory.path)
      let rows = try #require(try run.json() as? [[String: Any]])
      let all = try #require(rows[0]["predictions"] as? [[String: Any]])
      let pair = [1, 281].compactMap { index in
        all.first { $0["index"] as? Int == index }?["probability"] as? Double
      }
      loss -= log(pair[label] / (pair[0] + pair[1])) / 2
    }
    #expect(abs(try #require(own.result["loss"] as? Double) - loss) < 1e-4)
    // The network by name, with the file: its 1000 classes stay.
    let named = try Invocation(
      [
        "evaluate", "resnet18-torchvision", "--weights", "resnet18.pth", "--data", "data", "--json",
        "--among", "data",
      ]
        + tail, in: directory.path)
    #expect(named.status == 0, "\(named.errors)")
    #expect(
      (try named.json() as? [String: Any])?["loss"] as? Double == own.result["loss"] as? Double)
    let converted = try Invocation(
      [
        "convert", "resnet18.pth", "m.safetensors", "--model", "resnet18-torchvision",
        "--class-names", "imagenet", "--quiet",
      ],
      in: directory.path)
    #expect(converted.status == 0, "\(converted.errors)")
    #expect(try Model(loading: directory.file("m.safetensors")).classNames == ImageNetClasses.names)
    let refused = try Invocation(
      [
        "convert", "resnet18.pth", "n.safetensors", "--model", "lenet5", "--class-names",
        "imagenet",
      ],
      in: directory.path)
    #expect(refused.status != 0)
  }

  @Test("--table puts scores beside published ones, by the protocols of the rows")
  func table() throws {
    let directory = try TemporaryDirectory()
    try fill(directory)
    let model = try Model(
      validating: Network("alexnet", input: .image(height: 8, width: 8, channels: 3)) {
        GlobalPool.average
        Dense(2)
      }, classNames: ["tabby", "goldfish"])
    try model.save(to: directory.file("a.safetensors"))
    let run = try convnet(
      "evaluate", "a.safetensors", "--data", "data", "--table", "vgg-methods", "--json", "--quiet",
      in: directory.path)
    #expect(run.status == 0, "\(run.errors)")
    let result = try #require(try run.json() as? [String: Any])
    #expect((result["protocol"] as? String)?.hasPrefix("10-crop") == true)
    let rows = try #require((result["table"] as? [String: Any])?["rows"] as? [[String: Any]])
    let measured = rows.compactMap { ($0["measured"] as? [[String: Any]])?.first }
    #expect(measured.count == 1 && measured[0]["model"] as? String == "a.safetensors")
    #expect((rows.last?["published"] as? [String: Double])?["top-1 error"] == 40.7)
    let text = try convnet(
      "evaluate", "a.safetensors", "--data", "data", "--table", "vgg-3", "--quiet",
      in: directory.path)
    #expect(text.output.contains("VGG at one scale") && text.output.contains("in no row"))
    let unknown = try convnet(
      "evaluate", "a.safetensors", "--data", "data", "--table", "vgg", in: directory.path)
    #expect(unknown.status == 64 && unknown.errors.contains("vgg-methods"))
    // The networks of every row are those of the registry.
    for table in PublishedTable.all {
      for name in table.rows.compactMap(\.fit).flatMap(\.networks) {
        let root = name.prefix { $0.isLetter || $0.isNumber }
        #expect(ModelRegistry[name]?.network.name == name || root.hasPrefix("resnet"), "\(name)")
      }
    }
  }

  @Test(
    "train takes the options of the preparation, keeps them in the file, and goes on with them alone"
  )
  func training() throws {
    let directory = try TemporaryDirectory()
    try writeClasses(["dark": 30, "light": 200], to: directory.file("pictures"), channels: 3)
    let options = [
      "--preset", "inception", "--resize", "20", "--filter", "bicubic", "--epochs", "1",
    ]
    func train(_ more: [String], into output: String = "out") throws -> Invocation {
      try Invocation(
        [
          "train", "--model", "resnet20", "--data", "pictures", "--output", output, "--input",
          "16x16", "--batch-size", "8", "--threads", "1",
        ] + more, in: directory.path)
    }
    let run = try train(options + ["--quiet"])
    #expect(run.status == 0, "\(run.errors)")
    let stored = try #require(Model(loading: directory.file("out/model.safetensors")).preprocessing)
    #expect(stored.fitting == .centerCrop(shorterSide: 20) && stored.filter == .bicubic)
    #expect(stored.mean == [0.5, 0.5, 0.5] && stored.deviation == [0.5, 0.5, 0.5])
    let other = try convnet(
      "train", "--resume", "--output", "out", "--epochs", "2", "--resize", "18", in: directory.path)
    #expect(other.status == 1 && other.errors.contains("--resize 18"))
    #expect(other.errors.contains("--preset inception --resize 20 --filter bicubic"))
    let same = try convnet(
      "train", "--resume", "--output", "out", "--epochs", "2", "--filter", "bicubic", "--quiet",
      in: directory.path)
    #expect(same.status == 0, "\(same.errors)")
    #expect(try Model(loading: directory.file("out/model.safetensors")).preprocessing == stored)
    // Measured numbers stand beside the geometry that was asked for.
    let measured = try train(
      ["--fit", "pad", "--normalize", "colors", "--epochs", "1", "--quiet"], into: "measured")
    #expect(measured.status == 0, "\(measured.errors)")
    let own = try #require(
      Model(loading: directory.file("measured/model.safetensors")).preprocessing)
    #expect(own.fitting == .pad(.black) && own.mean != nil)
    let grey = try TemporaryDirectory()
    try writeClasses(["dark": 30, "light": 200], to: grey.file("pictures"))
    #expect(
      try trainShortly(grey, ["--preset", "imagenet"]).errors.contains("is of color pictures"))
  }
}
