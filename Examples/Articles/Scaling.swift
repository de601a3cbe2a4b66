import ConvNet

/// The samples of the article "Scaling".
enum Scaling {
  static func run() throws {
    try together()
    try compiled()
  }

  private static func together() throws {
    var model = try Model(validating: network, seed: 1)
    var trainer = Trainer(
      optimizer: .sgd(momentum: 0.9), schedule: .constant(0.02),
      compute: ComputeOptions(threads: 1))

    let processes = try MPIProcesses.joined()
    trainer.processes = processes
    trainer.batchSize = 16 * (processes?.count ?? 1)
    try trainer.fit(&model, on: Bars(count: 96), validating: Bars(count: 24), epochs: 1)
    if processes?.rank ?? 0 == 0 { try model.save(to: "together.safetensors") }
    processes?.finish()
  }

  private static func compiled() throws {
    let model = try Model(validating: network, seed: 1)
    var executable = try model.executable(batch: 16, compute: ComputeOptions(threads: 2))
    print("bytes of a run:", executable.activationByteCount)
    print("bytes of weights:", executable.weightByteCount)

    var second = try executable.duplicate()
    try executable.run()
    try second.run()
  }

  private static let network = Network(
    "scaled", input: .image(height: 32, width: 32, channels: 3)
  ) {
    Conv2D(8, kernel: 3, padding: .same)
    ReLU()
    GlobalPool.average
    Dense(2)
  }
}
