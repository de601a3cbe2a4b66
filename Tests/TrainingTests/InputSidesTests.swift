import ConvNetDatasets
import ConvNetEngine
import ConvNetEvaluation
import ConvNetGraphs
import ConvNetImages
import ConvNetLayers
import ConvNetTensors
import ConvNetTestSupport
import ConvNetTraining
import Testing

/// Which shapes the network read, and a checkpoint in between.
private final class ShapeLogger: TrainingLogger {
  var shapes: [Shape] = []
  var checkpoint: Checkpoint?
  var stop: Int?
  var asksToStop = false

  func stepEnded(_ step: StepReport, of training: TrainingInProgress) throws {
    if let inputs = try training.inputs() { shapes.append(inputs.shape) }
    guard step.step == stop else { return }
    checkpoint = try training.checkpoint()
    asksToStop = true
  }
}

@Suite("Input sizes that vary by batch") struct InputSidesTests {
  /// Takes any size.
  private let network = Network("pooled", input: .image(height: 8, width: 8, channels: 1)) {
    Conv2D(6, kernel: 3, padding: .same)
    BatchNorm()
    ReLU()
    GlobalPool.average
    Dropout(0.2)
    Dense(4)
  }

  private func trainer(sides: [Int] = [8, 12, 16]) -> Trainer {
    var trainer = momentumTrainer
    trainer.inputSides = sides
    trainer.augmentation = [.randomCrop(padding: 1)]
    return trainer
  }

  @Test(
    "every batch has one of the sizes, other ones at every epoch, and the same seed gives the same bytes"
  )
  func sizes() throws {
    let data = try syntheticData(count: 120, extent: 16)
    var (first, second) = (Model(network, seed: 1), Model(network, seed: 1))
    let (log, again) = (ShapeLogger(), ShapeLogger())
    try trainer().fit(&first, on: data, validating: data, epochs: 4, loggers: [log])
    try trainer().fit(&second, on: data, validating: data, epochs: 4, loggers: [again])
    let sides = log.shapes.map { $0[1] }
    #expect(log.shapes.allSatisfy { $0[1] == $0[2] })
    #expect(log.shapes.count == 32 && Set(sides) == [8, 12, 16])
    let epochs: [[Int]] = (0..<4).map { epoch in Array(sides[(8 * epoch)..<(8 * epoch + 8)]) }
    #expect(Set(epochs).count > 1)
    #expect(again.shapes == log.shapes && second.parameters == first.parameters)
    // What is kept is a network of its own size.
    #expect(first.graph == Model(network, seed: 1).graph)
  }

  @Test(
    "a training within an epoch goes on byte for byte, in batches of the same sizes",
    arguments: [3, 8, 13])
  func resumed(step: Int) throws {
    let data = try syntheticData(count: 120, extent: 16)
    var trainer = trainer()
    trainer.augmentation = [.mixup()]
    var (whole, part, resumed) = (
      Model(network, seed: 1), Model(network, seed: 1), Model(network, seed: 1)
    )
    let (all, before, after) = (ShapeLogger(), ShapeLogger(), ShapeLogger())
    try trainer.fit(&whole, on: data, epochs: 2, loggers: [all])
    before.stop = step
    #expect(throws: TrainingError.self) {
      try trainer.fit(&part, on: data, epochs: 2, loggers: [before])
    }
    try trainer.fit(
      &resumed, on: data, epochs: 2, resuming: before.checkpoint, loggers: [after])
    #expect(before.shapes + after.shapes == all.shapes)
    #expect(resumed.parameters == whole.parameters)
    var other = trainer
    other.inputSides = [8, 12]
    let error = #expect(throws: TrainingError.self) {
      try before.checkpoint?.requireFit(for: other, resumed)
    }
    #expect(error.map { "\($0)".contains("inputs of sides [8, 12, 16]") } == true)
  }

  @Test("steps are compiled once for each shape, and a bounded number is kept")
  func bounded() throws {
    let session = try TrainingSession(Model(network, seed: 1), trainer: trainer(sides: []))
    let first = try session.step(batch: 1)
    #expect(try session.step(batch: 1) === first)
    for batch in 2...TrainingSession.stepLimit + 4 {
      _ = try session.step(batch: batch)
      #expect(session.compiledStepCount <= TrainingSession.stepLimit)
      // Used again and again, it stays.
      #expect(try session.step(batch: 1) === first)
    }
    #expect(session.compiledStepCount == TrainingSession.stepLimit)
    // All sizes with both sizes of batches fit.
    #expect(2 * 8 <= TrainingSession.stepLimit)
  }

  @Test(
    "averaged weights have statistics of batches of one size, and validation is by the network's own"
  )
  func averaged() throws {
    let data = try syntheticData(count: 64, extent: 16)
    var trainer = trainer()
    trainer.averaging = .exponential(decay: 0.9)
    var model = Model(network, seed: 1)
    var reports: [EpochReport] = []
    try trainer.fit(&model, on: data, validating: data, epochs: 3) { reports.append($0) }
    #expect(reports.count == 3 && reports.allSatisfy { $0.validation?.nonFiniteCount == 0 })
  }

  @Test("a longer side grows in proportion")
  func proportion() throws {
    let preprocessing = try Preprocessing(height: 12, width: 18, channels: 1)
    let larger = try preprocessing.ofShorterSide(16)
    #expect(larger.height == 16 && larger.width == 24)
    let loader = try BatchLoader(
      syntheticData(count: 12, extent: 16), batchSize: 4, preprocessing: preprocessing,
      shuffleSeed: 1, sides: [6, 16])
    var shapes: Set<Shape> = []
    for epoch in 0..<6 {
      loader.start(epoch: epoch)
      while let batch = try loader.next() {
        shapes.insert(batch.sampleShape)
        batch.withImages { #expect($0.count == 4 * batch.sampleShape.count) }
      }
    }
    #expect(shapes == [[6, 9, 1], [16, 24, 1]])
  }

  @Test("the memory of a step of each size is told")
  func memory() throws {
    let steps = try trainer().stepMemory(of: Model(network, seed: 1))
    #expect(steps.map(\.height) == [8, 12, 16])
    #expect(steps.map(\.byteCount) == steps.map(\.byteCount).sorted() && steps[0].byteCount > 0)
  }

  @Test("what has no place in it is refused before anything is trained")
  func refused() throws {
    let data = try syntheticData(count: 16, extent: 16)
    func failure(_ trainer: Trainer, _ model: Model) throws -> String {
      let error = #expect(throws: TrainingError.self) {
        var model = model
        try trainer.fit(&model, on: data, epochs: 1)
      }
      return error.map { "\($0)" } ?? ""
    }
    let dense = Model(smallNetwork(), seed: 1)
    #expect(
      try failure(trainer(), dense).contains("12 among them, must be such that small takes them"))
    let pooled = Model(network, seed: 1)
    for sides in [[8, 8], [0], [1, 2, 3, 4, 5, 6, 7, 8, 9]] {
      #expect(try failure(trainer(sides: sides), pooled).contains("at most 8 different numbers"))
    }
    var frozen = trainer()
    frozen.augmentation = .none
    frozen.groups = [.frozen("conv*")]
    frozen.featureKeeping = .memory
    #expect(try failure(frozen, pooled).contains("of pictures of one size"))
    frozen.featureKeeping = .automatic
    var model = pooled
    try frozen.fit(&model, on: data, epochs: 1)
    #expect(model.parameters["conv1.weight"] == pooled.parameters["conv1.weight"])
    var meaned = pooled
    meaned.preprocessing?.meanPicture = MeanPicture(
      height: 8, width: 8, channels: 1, values: [Float](repeating: 0.5, count: 64))
    #expect(try failure(trainer(), meaned).contains("subtract mean colors"))
  }
}
