import ConvNet
import ConvNetTestSupport
import Testing

@Suite("Networks of finite weights whose numbers overflow") struct OverflowTests {
  /// The first normalization makes numbers beyond the largest; pictures of two classes are beside the model.
  private func directory() throws -> TemporaryDirectory {
    let directory = try TemporaryDirectory()
    var model = try Model(
      validating: Network("huge", input: .image(height: 12, width: 12, channels: 1)) {
        Conv2D(4, kernel: 5).named("conv")
        BatchNorm().named("bn1")
        ReLU().named("relu")
        Conv2D(2, kernel: 3).named("conv2")
        BatchNorm().named("bn2")
        Flatten()
        Dense(2).named("out")
      }, seed: 1, classNames: ["dark", "light"],
      preprocessing: Preprocessing(height: 12, width: 12, channels: 1))
    for (name, value) in [("conv.weight", 1), ("bn1.weight", 3e38), ("bn1.bias", 3e38)] {
      let shape = try #require(model.parameters[name]).shape
      model.parameters[name] = Tensor(repeating: Float(value), shape: shape)
    }
    #expect(model.nonFiniteParameters.isEmpty)
    try model.save(to: directory.file("huge.safetensors"))
    try writeClasses(["dark": 30, "light": 200], to: directory.file("pictures"))
    return directory
  }

  @Test(
    "what they make is no result: a line says of which values and pictures, and nothing is written",
    arguments: [
      (
        ["visualize", "features", "--data", "pictures", "--output", "o.npy"],
        "huge has no answer for dark/0.png: its values of flatten"
      ),
      (
        ["visualize", "nearest", "--data", "pictures", "--channel", "1", "--output", "o.svg"],
        "huge has no answer for dark/0.png: its values of logits"
      ),
      (
        [
          "visualize", "nearest", "--data", "pictures", "--picture", "pictures/dark/0.png",
          "--output", "o.svg",
        ], "huge has no answer for dark/0.png: its values of flatten"
      ),
      (
        ["visualize", "embedding", "--data", "pictures", "--output", "o.svg"],
        "huge has no answer for dark/0.png: its values of flatten"
      ),
      (
        ["visualize", "landscape", "--data", "pictures", "--points", "3", "--output", "o.svg"],
        "huge has no answer for the pictures: its losses"
      ),
      (
        [
          "visualize", "activations", "pictures/dark/0.png", "--layer", "relu", "--output",
          "o.svg",
        ], "huge has no answer for the picture: its values of relu"
      ),
      (
        [
          "calibrate-batchnorm", "--data", "pictures", "--batch-size", "8", "--output",
          "o.safetensors",
        ], "the statistics of bn2 in huge"
      ),
    ])
  func refused(arguments: [String], says: String) throws {
    let directory = try directory()
    // The model is the first argument behind the command.
    var all = arguments + ["--quiet"]
    all.insert("huge.safetensors", at: arguments[0] == "visualize" ? 2 : 1)
    let line = try Invocation(all, in: directory.path).failure()
    #expect(line.hasPrefix(says) && line.contains("not finite"), "\(line)")
    #expect(try directory.contents() == ["huge.safetensors", "pictures"])
  }

  @Test("a training that begins with them says that the fault is there, not in its steps")
  func training() throws {
    let directory = try TemporaryDirectory()
    try writeClasses(["dark": 30, "light": 200], to: directory.file("pictures"))
    var model = Model(
      lenet5(ModelOptions(height: 16, width: 16, channels: 1, classes: 2)), seed: 1,
      classNames: ["dark", "light"])
    for (name, value) in [("dense2.bias", 10), ("dense3.weight", 3e38)] {
      let shape = try #require(model.parameters[name]).shape
      model.parameters[name] = Tensor(repeating: Float(value), shape: shape)
    }
    try model.save(to: directory.file("huge.safetensors"))
    let line = try trainShortly(
      directory, ["--epochs", "1", "--init", "huge.safetensors", "--quiet"]
    ).failure()
    #expect(line.contains("not finite at step 0, before any weight has changed"), "\(line)")
    #expect(!line.contains("learning rate") && !line.contains("epoch"), "\(line)")
  }
}
