import ConvNet

/// Another head on layers that a file brings: these are frozen first, then learn slowly.
enum FineTuning: Example {
  static func run() throws -> String {
    var teacher = try Model(validating: DatasetFromMemory.network, seed: 10)
    let teaching = Trainer(optimizer: .sgd(momentum: 0.9), schedule: .constant(0.05), batchSize: 16)
    try teaching.fit(&teacher, on: Stripes(count: 256), epochs: 3)
    try teacher.save(to: "teacher.safetensors")

    let network = Network("tuned", input: .image(height: 12, width: 12, channels: 1)) {
      Conv2D(8, kernel: 3, padding: .same).named("conv")
      BatchNorm()
      ReLU()
      GlobalPool.max
      Dense(2).named("other head")
    }
    var model = try Model(validating: network, seed: 11)
    let fresh = try model.takeParameters(from: "teacher.safetensors").left.map(\.name)
    let kernel = model.parameters["conv.weight"]
    var trainer = Trainer(
      optimizer: .sgd(momentum: 0.9, weightDecay: 0.001), schedule: .constant(0.02),
      groups: [.frozen("conv.*")], batchSize: 16)
    try trainer.fit(&model, on: Stripes(count: 128), epochs: 2)
    guard fresh == ["other head.bias", "other head.weight"],
      model.parameters["conv.weight"] == kernel
    else { throw Unexpected(what: "fresh \(fresh), or the frozen layer moved") }

    trainer.groups = [ParameterGroup("conv.*", rateFactor: 0.1, decayFactor: 0)]
    try trainer.fit(&model, on: Stripes(count: 128), epochs: 2)
    guard model.parameters["conv.weight"] != kernel else {
      throw Unexpected(what: "the layer did not learn")
    }
    return "fresh are \(fresh.joined(separator: " and ")); the rest stayed, then learned slowly"
  }
}
