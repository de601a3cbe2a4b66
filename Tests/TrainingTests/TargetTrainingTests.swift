import ConvNetDatasets
import ConvNetEngine
import ConvNetEvaluation
import ConvNetFormats
import ConvNetGraphs
import ConvNetImages
import ConvNetInference
import ConvNetLayers
import ConvNetTensors
import ConvNetTestSupport
import ConvNetTraining
import Foundation
import Testing

/// Bright bars on a dark ground. Of labels: whether there is one on the left, in the middle, on the right; of numbers: where the
/// only one stands, far from zero, and how bright it is.
private struct Bars: Dataset {
  var targetKind: TargetKind
  var count = 96
  var seed: UInt64 = 1
  var name: String { "bars" }
  var imageShape: Shape? { [8, 12, 1] }
  var classNames: [String] {
    targetKind == .labels ? ["left", "middle", "right"] : ["place", "brightness"]
  }

  func label(at index: Int) -> Int { 0 }

  private func draw(_ index: Int) -> (columns: [Int], brightness: UInt8) {
    var random = RandomNumbers(RandomKey(seed: seed, purpose: .input, index: UInt32(index)))
    let brightness = UInt8.random(in: 100...250, using: &random)
    if targetKind == .numbers { return ([Int.random(in: 0..<12, using: &random)], brightness) }
    return ([1, 5, 9].filter { _ in Bool.random(using: &random) }, brightness)
  }

  func targets(at index: Int) -> [Float] {
    let (columns, brightness) = draw(index)
    return targetKind == .labels
      ? [1, 5, 9].map { columns.contains($0) ? 1 : 0 }
      : [2000 + 10 * Float(columns[0]), Float(brightness)]
  }

  func sample(at index: Int) -> Sample {
    let (columns, brightness) = draw(index)
    let pixels = (0..<96).map { columns.contains($0 % 12) ? brightness : 10 }
    return Sample(image: Image(height: 8, width: 12, channels: 1, pixels: pixels), label: 0)
  }
}

@Suite("Trainings on labels and numbers") struct TargetTrainingTests {
  private func model(_ data: Bars, isNamed: Bool = false) -> Model {
    Model(
      Network("small", input: .image(height: 8, width: 12, channels: 1)) {
        Conv2D(4, kernel: 3, padding: .same)
        ReLU()
        Flatten()
        Dropout(0.1)
        Dense(16)
        ReLU()
        Dense(data.classNames.count)
      }, seed: 3, classNames: isNamed ? data.classNames : [])
  }

  private func trainer(_ kind: TargetKind) -> Trainer {
    Trainer(
      optimizer: .adam(), schedule: .constant(0.01), objective: kind.usualObjective,
      batchSize: 16, seed: 7, compute: ComputeOptions(threads: 1))
  }

  @Test(
    "labels are learned, the model file remembers them, and prediction tells those that are there")
  func labels() throws {
    let (training, other) = (Bars(targetKind: .labels), Bars(targetKind: .labels, seed: 2))
    var model = model(training)
    var reports: [EpochReport] = []
    try trainer(.labels).fit(&model, on: training, validating: other, epochs: 8) {
      reports.append($0)
    }
    let last = try #require(reports.last)
    guard case .labels(let measured) = last.validationTargets,
      case .labels(let trained) = last.trainingTargets
    else {
      Issue.record("no figures of labels")
      return
    }
    #expect(try #require(measured.meanAveragePrecision) > 0.98)
    #expect(trained.samples == 96 && trained.microF1 > 0.9 && trained.meanAveragePrecision == nil)
    #expect(abs(last.error - (1 - (measured.meanAveragePrecision ?? 0))) < 1e-12)
    #expect("\(last)".contains("validation mean average precision"))
    #expect(model.targetKind == .labels && model.classNames == training.classNames)
    #expect(model.trainingSummary?.top1 == nil)
    #expect(model.trainingSummary?.outcome?.contains("micro F1") == true)

    let directory = try TemporaryDirectory()
    try model.save(to: directory.file("m.safetensors"))
    let loaded = try Model(loading: directory.file("m.safetensors"))
    let evaluation = try TargetEvaluation(
      of: loaded, on: other, compute: ComputeOptions(threads: 1))
    #expect(evaluation.targets == last.validationTargets)
    #expect(abs(evaluation.metrics.loss - (last.validation?.loss ?? 0)) < 1e-9)
    let classifier = try Classifier(loaded)
    var right = 0
    for index in 0..<12 {
      let answer = try classifier.classify(other.sample(at: index).image)
      let there = zip(other.classNames, other.targets(at: index)).filter { $0.1 == 1 }.map(\.0)
      if Set(answer.labels().map(\.label)) == Set(there) { right += 1 }
      #expect(answer.numbers.isEmpty && answer.targetKind == .labels)
      let coded = try JSONEncoder().encode(answer)
      #expect(try JSONDecoder().decode(Classification.self, from: coded) == answer)
    }
    #expect(right > 9)
  }

  @Test("numbers are learned in their own unit, which the model file knows")
  func numbers() throws {
    let (training, other) = (Bars(targetKind: .numbers), Bars(targetKind: .numbers, seed: 2))
    var model = model(training)
    var reports: [EpochReport] = []
    try trainer(.numbers).fit(&model, on: training, validating: other, epochs: 40) {
      reports.append($0)
    }
    guard case .numbers(let measured) = reports.last?.validationTargets else {
      Issue.record("no figures of numbers")
      return
    }
    for number in measured.numbers { #expect(try #require(number.determination) > 0.85) }
    #expect(reports[11].error == reports[11].validation?.loss)
    let scaling = try #require(model.targetScaling)
    #expect(scaling == (try TargetScaling(of: training)))

    let directory = try TemporaryDirectory()
    try model.save(to: directory.file("m.safetensors"))
    let loaded = try Model(loading: directory.file("m.safetensors"))
    #expect(loaded.targetKind == .numbers && loaded.targetScaling == scaling)
    let predictor = try Predictor(loaded)
    var error: Float = 0
    for index in 0..<12 {
      let answer = try predictor.classify(.image(other.sample(at: index).image))
      let named = answer.namedNumbers
      #expect(named.map(\.label) == ["place", "brightness"])
      error += abs(named[0].value - other.targets(at: index)[0]) / 12
      #expect(answer.probabilities.isEmpty)
      let coded = try JSONEncoder().encode(answer)
      #expect(try JSONDecoder().decode(Classification.self, from: coded) == answer)
    }
    // Places are 10 apart.
    #expect(error < 20)
    // Of data with its numbers in another order the same is told.
    let turned = try #require(other.numbered(as: ["brightness", "place"]))
    #expect(
      try TargetEvaluation(of: loaded, on: turned).targets
        == TargetEvaluation(of: loaded, on: other).targets)
  }

  @Test("labels that are there weigh as it is said, and the loss that is reported is that one")
  func positiveWeights() throws {
    let data = Bars(targetKind: .labels, count: 16)
    let plain = model(data)
    let labels = Tensor((0..<16).flatMap { data.targets(at: $0) }, shape: [16, 3])
    let inputs = Tensor(
      (0..<16).flatMap { data.sample(at: $0).image.pixels.map { Float($0) / 255 } },
      shape: [16, 8, 12, 1])
    func loss(_ objective: any Objective) throws -> Double {
      var trainer = trainer(.labels)
      trainer.objective = objective
      return try TrainingStep(plain, trainer).run(inputs, labels: labels)
    }
    // L(w) = a w + b of every label: known at two weights, it is known at a third.
    let (one, three) = (
      try loss(.binaryCrossEntropy), try loss(.binaryCrossEntropy(positiveWeights: [3, 3, 3]))
    )
    let two = try loss(.binaryCrossEntropy(positiveWeights: [2, 2, 2]))
    #expect(three > one && abs(two - (one + three) / 2) < 1e-6)
    #expect(throws: TrainingError.self) {
      var trainer = trainer(.labels)
      trainer.objective = .binaryCrossEntropy(positiveWeights: [1, 0, 1])
      _ = try TrainingStep(plain, trainer)
    }
  }

  @Test(
    "a training within an epoch goes on byte for byte", arguments: [TargetKind.labels, .numbers])
  func resumed(kind: TargetKind) throws {
    let (training, other) = (
      Bars(targetKind: kind, count: 48), Bars(targetKind: kind, count: 20, seed: 2)
    )
    var trainer = trainer(kind)
    trainer.augmentation = [.mixup()]
    var whole = model(training)
    var reports: [EpochReport] = []
    try trainer.fit(&whole, on: training, validating: other, epochs: 2) { reports.append($0) }
    final class Stopper: TrainingLogger {
      var checkpoint: Checkpoint?
      var asksToStop = false
      func stepEnded(_ step: StepReport, of training: TrainingInProgress) throws {
        guard step.step == 4 else { return }
        checkpoint = try training.checkpoint()
        asksToStop = true
      }
    }
    let stopper = Stopper()
    var part = model(training)
    #expect(throws: TrainingError.self) {
      try trainer.fit(&part, on: training, validating: other, epochs: 2, loggers: [stopper])
    }
    let directory = try TemporaryDirectory()
    try #require(stopper.checkpoint).save(to: directory.file("c"))
    let checkpoint = try Checkpoint(loading: directory.file("c"))
    #expect(try checkpoint.model().targetKind == kind)
    var resumed = model(training, isNamed: true)
    var again: [EpochReport] = []
    try trainer.fit(
      &resumed, on: training, validating: other, epochs: 2, resuming: checkpoint
    ) { report, _ in again.append(report) }
    #expect(resumed.parameters == whole.parameters)
    #expect(resumed.targetScaling == whole.targetScaling)
    #expect(again.last?.trainingTargets == reports.last?.trainingTargets)
    #expect(again.last?.validationTargets == reports.last?.validationTargets)
  }

  @Test(
    "what a frozen beginning makes of pictures is kept with their labels and numbers",
    arguments: [TargetKind.labels, .numbers])
  func keptFeatures(kind: TargetKind) throws {
    let (training, other) = (
      Bars(targetKind: kind, count: 32), Bars(targetKind: kind, count: 16, seed: 2)
    )
    func trained(_ keeping: FeatureKeeping) throws -> (Model, EpochReport?) {
      var trainer = trainer(kind)
      // Adam would make much of the last digits in which sums differ.
      trainer.optimizer = .sgd(momentum: 0.9)
      trainer.groups = [.frozen("conv*")]
      trainer.featureKeeping = keeping
      var model = model(training)
      var last: EpochReport?
      try trainer.fit(&model, on: training, validating: other, epochs: 2) { last = $0 }
      return (model, last)
    }
    let (kept, computed) = (try trained(.memory), try trained(.never))
    for (name, values) in kept.0.parameters {
      let others = try #require(computed.0.parameters[name])
      for (value, other) in zip(values.elements, others.elements) {
        #expect(abs(value - other) < 1e-4, "\(name)")
      }
    }
    #expect(abs((kept.1?.validation?.loss ?? 0) - (computed.1?.validation?.loss ?? 1)) < 1e-4)
    #expect(kept.1?.validationTargets != nil)
  }

  @Test("an objective, a model or data for something else is refused with what it is for")
  func refusals() throws {
    let (labels, numbers) = (Bars(targetKind: .labels), Bars(targetKind: .numbers))
    func failure(_ objective: any Objective, on data: Bars) throws -> String {
      var trainer = trainer(.labels)
      trainer.objective = objective
      let error = #expect(throws: TrainingError.self) {
        var model = self.model(data)
        try trainer.fit(&model, on: data, epochs: 1)
      }
      return error.map { "\($0)" } ?? ""
    }
    #expect(
      try failure(.crossEntropy(), on: labels)
        == "the objective is cross-entropy with label smoothing 0.0, must be for labels, which the data is told by, such as binary cross-entropy"
    )
    #expect(
      try failure(.binaryCrossEntropy, on: numbers)
        == "the objective is binary cross-entropy, must be for numbers, which the data is told by, such as mean squared error"
    )
    var model = model(labels, isNamed: true)
    model.targetKind = .labels
    #expect(throws: EvaluationError.otherKind(model: .labels, data: .numbers)) {
      try TargetEvaluation(of: model, on: numbers)
    }
    #expect(throws: EvaluationError.noClasses(.labels)) { try Evaluation(of: model, on: labels) }
    model.targetKind = .classes
    #expect(throws: EvaluationError.classesAlone) { try TargetEvaluation(of: model, on: labels) }
    model.classNames = ["left", "middle", "top"]
    model.targetKind = .labels
    #expect(throws: EvaluationError.self) { try TargetEvaluation(of: model, on: labels) }
    var constant = numbers
    constant.count = 1
    #expect(throws: DatasetError.self) {
      var model = self.model(constant)
      try trainer(.numbers).fit(&model, on: constant, epochs: 1)
    }
  }

  @Test("a rate is found for labels and numbers too", arguments: [TargetKind.labels, .numbers])
  func sweep(kind: TargetKind) throws {
    let data = Bars(targetKind: kind, count: 32)
    let sweep = try trainer(kind).findLearningRate(for: model(data), on: data, steps: 20)
    #expect(sweep.points.count > 5)
  }

  @Test("a model file whose scaling is not of its outputs is refused")
  func otherScaling() throws {
    let data = Bars(targetKind: .numbers)
    var model = model(data)
    model.targetKind = .numbers
    let directory = try TemporaryDirectory()
    for scaling in [
      TargetScaling(mean: [0], deviation: [1]), TargetScaling(mean: [0, 0], deviation: [1, 0]),
    ] {
      model.targetScaling = scaling
      try model.save(to: directory.file("m.safetensors"))
      #expect(throws: ModelFileError.self) { try Model(loading: directory.file("m.safetensors")) }
    }
  }
}
