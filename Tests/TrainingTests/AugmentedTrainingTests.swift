import ConvNetDatasets
import ConvNetEngine
import ConvNetEvaluation
import ConvNetFormats
import ConvNetGraphs
import ConvNetImages
import ConvNetLayers
import ConvNetTensors
import ConvNetTestSupport
import ConvNetTraining
import Foundation
import Testing

@Suite("Training on augmented data") struct AugmentedTrainingTests {
  private static let augmentation: Augmentation = [
    .randomCrop(padding: 1), .horizontalReflection(), .mixup(), .cutMix(),
  ]

  private static func trainer(
    _ augmentation: Augmentation, loading: LoadingOptions = LoadingOptions()
  ) -> Trainer {
    var trainer = momentumTrainer
    trainer.augmentation = augmentation
    trainer.loading = loading
    return trainer
  }

  @Test("Labels as distributions give the loss and the gradient of classes where they are certain")
  func certainDistributions() throws {
    let network = Network("n", input: .image(height: 8, width: 8, channels: 1)) {
      Conv2D(3, kernel: 3)
      ReLU()
      Flatten()
      Dense(4)
    }
    let model = Model(network, seed: 1)
    let images = Tensor.random([5, 8, 8, 1], seed: 2, in: 0..<1)
    func trained(
      _ augmentation: Augmentation, _ labels: Tensor
    ) throws -> (losses: [Double], parameters: [String: Tensor]) {
      let session = try TrainingSession(model, trainer: Self.trainer(augmentation))
      let step = try session.step(batch: 5)
      try step.executable.write(images, to: model.inputName)
      try step.executable.write(labels, to: TrainingGraph.labelsName)
      let losses = try (0..<3).map { _ in try session.run(step) }
      return (losses, session.store.values)
    }
    let classes: [Int32] = [0, 3, 1, 1, 2]
    var distributions: [Float] = []
    for label in classes { for other in 0..<4 { distributions.append(label == other ? 1 : 0) } }
    let first = try trained([], Tensor(classes))
    let second = try trained([.mixup()], Tensor(distributions, shape: [5, 4]))
    for (a, b) in zip(first.losses, second.losses) { #expect(abs(a - b) < 1e-6) }
    for (name, tensor) in first.parameters {
      let other = try #require(second.parameters[name])
      for (a, b) in zip(tensor.elements, other.elements) { #expect(abs(a - b) < 1e-6) }
    }
    // Uncertain ones: -sum q log p, by the first step's loss of untrained logits.
    let even = try trained([.mixup()], Tensor([Float](repeating: 0.25, count: 20), shape: [5, 4]))
    let mean =
      try (0..<4).map { label in
        try trained([], Tensor([Int32](repeating: Int32(label), count: 5))).losses[0]
      }.reduce(0, +) / 4
    #expect(abs(even.losses[0] - mean) < 1e-6)
  }

  @Test("It learns, and the model says what was done to its pictures")
  func learns() throws {
    var trainer = Self.trainer([.colorJitter(brightness: 0.1), .mixup()])
    trainer.batchSize = 32
    var model = Model(smallNetwork(extent: 16), seed: 1)
    let data = try syntheticData(count: 320, extent: 16)
    var last: EpochReport?
    try trainer.fit(
      &model, on: data, validating: syntheticData(count: 80, extent: 16, seed: 2), epochs: 12
    ) {
      last = $0
    }
    let report = try #require(last)
    #expect(try #require(report.validation).top1 > 0.9)
    #expect(report.training.loss.isFinite && report.training.samples == 320)
    #expect(report.skippedCount == 0 && 0...1 ~= report.dataWaitShare)
    #expect(model.augmentation == trainer.augmentation)
    let directory = try TemporaryDirectory()
    try model.save(to: directory.file("m.safetensors"))
    #expect(
      try Model(loading: directory.file("m.safetensors")).augmentation == trainer.augmentation)
  }

  @Test("A resumed training equals an uninterrupted one byte for byte, with other workers too")
  func resumes() throws {
    let data = try syntheticData(count: 50, extent: 8)
    let directory = try TemporaryDirectory()
    func run(
      from checkpoint: Checkpoint?, to epochs: Int, _ loading: LoadingOptions
    ) throws -> [String: Tensor] {
      var model = Model(smallNetwork(), seed: 1)
      try Self.trainer(Self.augmentation, loading: loading).fit(
        &model, on: data, epochs: epochs, resuming: checkpoint
      ) { try $1.save(to: directory.file("checkpoint")) }
      return model.parameters
    }
    let whole = try run(from: nil, to: 3, LoadingOptions(workers: 1))
    _ = try run(from: nil, to: 1, LoadingOptions(workers: 4, prefetch: 1))
    let checkpoint = try Checkpoint(loading: directory.file("checkpoint"))
    #expect(try run(from: checkpoint, to: 3, LoadingOptions(workers: 2)) == whole)

    var model = Model(smallNetwork(), seed: 1)
    let error = #expect(throws: TrainingError.self) {
      try Self.trainer([.randomCrop(padding: 1)]).fit(
        &model, on: data, epochs: 3, resuming: checkpoint
      ) { _, _ in }
    }
    #expect("\(error as Any)".contains("augmentation random crop of the picture padded by 1, h"))
  }

  @Test("Principal components are those of the training data")
  func components() throws {
    let pixels = (0..<12 * 64).flatMap { index -> [UInt8] in
      let level = UInt8(index * 37 % 200)
      return [level, level / 2 + 9, 200 - level]
    }
    let data = try IDXDataset(
      name: "colors", images: Tensor(pixels, shape: [12, 8, 8, 3]),
      labels: Tensor((0..<12).map { UInt8($0 % 4) }))
    let network = Network("n", input: .image(height: 8, width: 8, channels: 3)) {
      Flatten()
      Dense(4)
    }
    var model = Model(network)
    try Self.trainer([.colorShift()]).fit(&model, on: data, epochs: 1)
    guard case .colorShift(let shift) = model.augmentation?.steps.first else {
      Issue.record("no color shift")
      return
    }
    let statistics = try DatasetStatistics(
      of: data, preprocessing: try #require(model.preprocessing), workers: 1)
    #expect(shift.components == statistics.principalComponents && shift.components != nil)
    // One axis: red, half of green, against blue.
    let axis = try #require(shift.components?.vectors.first)
    #expect(axis[0] > 0 && axis[1] > 0 && axis[2] < 0)

    var grey = Model(smallNetwork())
    #expect(throws: AugmentationError.self) {
      try Self.trainer([.colorShift()]).fit(
        &grey, on: syntheticData(count: 8, extent: 8), epochs: 1)
    }
  }

  @Test("Samples that cannot be read are told once and counted; validation leaves them out")
  func skipping() throws {
    let directory = try TemporaryDirectory()
    for label in 0..<4 {
      for index in 0..<6 {
        let image = Image(
          height: 8, width: 8, color: .init(grey: UInt8(60 * label + index)), channels: 1)
        try directory.write(image.encodedPNG(), to: "\(label)/\(index).png")
      }
    }
    try directory.write([0x89], to: "2/1.png")
    let data = try ImageFolder(directory.path)
    var model = Model(smallNetwork())
    var told: [SkippedSample] = []
    var reports: [EpochReport] = []
    try Self.trainer([], loading: LoadingOptions(badSamples: .replace)).fit(
      &model, on: data, validating: data, epochs: 3
    ) { _ in
    } sampleSkipped: {
      told.append($0)
    } epochEnded: { report, _ in
      reports.append(report)
    }
    #expect(told.map(\.index) == [13])
    #expect(told.first?.reason.contains("2/1.png") == true)
    #expect(reports.map(\.skippedCount) == [1, 1, 1])
    #expect(reports.allSatisfy { $0.training.samples == 24 && $0.validation?.samples == 23 })

    var other = Model(smallNetwork())
    let error = #expect(throws: ImageError.self) {
      try Self.trainer([]).fit(&other, on: data, epochs: 1)
    }
    #expect(error?.file?.hasSuffix("2/1.png") == true)
  }

  @Test("loading that makes no sense is refused before anything is changed")
  func refusals() throws {
    let data = try syntheticData(count: 8, extent: 8)
    let before = Model(smallNetwork())
    var model = before
    let error = #expect(throws: LoadingError.self) {
      try Self.trainer([], loading: LoadingOptions(prefetch: 0)).fit(&model, on: data, epochs: 1)
    }
    #expect(error?.setting == .prefetch && error?.value == 0)
    // A step is compiled for the size of a batch, which must not shrink.
    #expect(
      throws: TrainingError.invalidSetting(
        name: "bad samples", value: "left out", requirement: "replaced, or end the training")
    ) {
      try Self.trainer([], loading: LoadingOptions(badSamples: .leaveOut)).fit(
        &model, on: data, epochs: 1)
    }
    #expect(model.parameters == before.parameters && model.augmentation == nil)
  }
}
