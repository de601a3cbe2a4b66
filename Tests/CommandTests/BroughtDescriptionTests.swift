import ConvNet
import ConvNetTestSupport
import Testing

@Suite("What a model file brings") struct BroughtDescriptionTests {
  private static let file = "out/model.safetensors"

  /// A training whose file has a preparation of its own.
  private func prepared(
    _ directory: borrowing TemporaryDirectory, _ normalization: String, _ more: [String] = []
  ) throws -> Model {
    try writeClasses(["dark": 30, "light": 200], to: directory.file("pictures"))
    let run = try trainShortly(
      directory, ["--epochs", "2", "--normalize", normalization, "--quiet"] + more)
    #expect(run.status == 0, "\(run.errors)")
    return try Model(loading: directory.file(Self.file))
  }

  @Test("--init keeps the file's preparation, and says so", arguments: ["colors", "picture"])
  func initial(normalization: String) throws {
    let directory = try TemporaryDirectory()
    let source = try prepared(directory, normalization)
    // A rate that changes nothing: the validation is the file's own.
    let kept = try trainShortly(
      directory, ["--init", Self.file, "--epochs", "1", "--learning-rate", "1e-12"], output: "kept")
    #expect(kept.status == 0)
    #expect(kept.errors.contains("pictures are prepared as \(Self.file) says"))
    #expect(
      try Model(loading: directory.file("kept/model.safetensors")).preprocessing
        == source.preprocessing)
    let replaced = try trainShortly(
      directory, ["--init", Self.file, "--epochs", "1", "--normalize", "none"], output: "replaced")
    #expect(replaced.errors.contains("--normalize none replaces the preparation"))
    let preprocessing = try Model(loading: directory.file("replaced/model.safetensors"))
      .preprocessing
    #expect(preprocessing?.mean == nil && preprocessing?.deviation == nil)
  }

  @Test("so does --model, and what is lost is told")
  func model() throws {
    let directory = try TemporaryDirectory()
    _ = try prepared(directory, "colors", ["--augment", "[\"horizontalReflection\"]"])
    let run = try convnet(
      "train", "--model", Self.file, "--data", "pictures", "--output", "new", "--epochs", "1",
      "--batch-size", "8", "--normalize", "picture", in: directory.path)
    #expect(run.status == 0)
    #expect(run.errors.contains("--normalize picture replaces the preparation that \(Self.file)"))
    #expect(run.errors.contains("was trained with augmentation"))
    #expect(run.errors.contains("this training has none"))
  }

  @Test("a mean picture that does not fit the input is told")
  func unfit() throws {
    let directory = try TemporaryDirectory()
    _ = try prepared(directory, "picture")
    let larger = try convnet(
      "train", "--model", "lenet5", "--data", "pictures", "--output", "larger", "--epochs", "1",
      "--input", "20x20", "--init", Self.file, in: directory.path)
    #expect(larger.status == 0, "\(larger.errors)")
    #expect(larger.errors.contains("is 16x16 and does not fit an input of 20x20"))
  }

  @Test("weights of ours for a named network bring names and preparation to predict and convert")
  func weights() throws {
    let directory = try TemporaryDirectory()
    let source = try prepared(directory, "colors")
    let options = ["--classes", "2", "--input", "16x16"]
    func predict(_ model: [String]) throws -> String {
      let run = try Invocation(
        ["predict"] + model + ["pictures/light/3.png", "--json"], in: directory.path)
      #expect(run.status == 0, "\(run.errors)")
      return run.output
    }
    #expect(
      try predict(["lenet5", "--weights", Self.file] + options) == predict([Self.file]))
    let converted = try Invocation(
      ["convert", Self.file, "copy.safetensors", "--model", "lenet5"] + options, in: directory.path)
    #expect(converted.status == 0, "\(converted.errors)")
    let copy = try Model(loading: directory.file("copy.safetensors"))
    #expect(copy.classNames == ["dark", "light"] && copy.preprocessing == source.preprocessing)
    let bare = try convnet("convert", Self.file, "bare.npz", "--json", in: directory.path)
    for text in ["the network", "the names of its classes", "how pictures are prepared"] {
      #expect(bare.errors.contains(text) && bare.output.contains(text), "\(text)")
    }
    // Of weights alone, nobody knows.
    let trained = try trainShortly(
      directory, ["--init", "bare.npz", "--epochs", "1"], output: "tuned")
    #expect(trained.errors.contains("bare.npz does not say how pictures were prepared"))
  }
}
