import ConvNet

/// The samples of the article "Fine-tuning".
enum FineTuning {
  static func run() throws {
    try writePretrained()
    let (train, test) = (Bars(count: 96), Bars(count: 24))

    guard let entry = ModelRegistry["resnet20"] else { fatalError("the zoo has it") }
    let options = ModelOptions(height: 32, width: 32, channels: 3, classes: 2)
    var model = try Model(
      validating: entry.build(options), seed: 1, classNames: train.classNames)

    let taken = try model.takeParameters(from: "pretrained.safetensors")
    print("as they were:", taken.left.map(\.name))

    var trainer = Trainer(
      optimizer: .adam(), schedule: .constant(0.002),
      groups: [.frozen("conv1.*"), .frozen("bn1.*"), .frozen("layer*")], batchSize: 12)
    try trainer.fit(&model, on: train, validating: test, epochs: 2) { print($0) }

    trainer.groups = [ParameterGroup("layer*", rateFactor: 0.1)]
    try trainer.fit(&model, on: train, validating: test, epochs: 1) { print($0) }
    try model.save(to: "tuned.safetensors")
  }

  /// The same network for ten classes.
  private static func writePretrained() throws {
    guard let entry = ModelRegistry["resnet20"] else { fatalError("the zoo has it") }
    try Model(validating: entry.network, seed: 3).save(to: "pretrained.safetensors")
  }
}
