import ConvNetCompiler
public import ConvNetDatasets
public import ConvNetEngine
public import ConvNetEvaluation
import ConvNetFiles
import ConvNetGraphs
public import ConvNetImages
import ConvNetInference
package import ConvNetLayers
import ConvNetTensors
import Foundation

/// Trains models: an optimizer, a schedule, and what else a recipe says.
///
/// ```swift
/// let trainer = Trainer(
///   optimizer: .sgd(momentum: 0.9, weightDecay: 0.0005), schedule: .plateau(from: 0.01))
/// try trainer.fit(&model, on: train, validating: test, epochs: 5) { print($0) }
/// ```
///
/// The same seed, data and thread count give the same bytes on the same machine.
public struct Trainer: Sendable {
  /// How parameters move, given their gradients.
  public var optimizer: any Optimizer
  /// How far, in the course of the training.
  public var schedule: any LearningRateSchedule
  /// What happens to the gradients before the update, in this order.
  public var gradientTransforms: [any GradientTransform]
  /// Parameters that are learned otherwise than the rest, by their names.
  public var groups: [ParameterGroup]
  /// An average of the weights that is validated and kept in place of the last; `nil`: the last.
  public var averaging: (any WeightAveraging)?
  /// What the training makes small.
  public var objective: any Objective
  /// What is done to training pictures at random; validation sees them as they are.
  public var augmentation: Augmentation
  /// Samples of a step; of several processes, of all together.
  public var batchSize: Int
  /// Of shuffling, augmentation and dropout.
  public var seed: UInt64
  /// On what, and how exactly, it is computed.
  public var compute: ComputeOptions
  /// How samples are read.
  public var loading: LoadingOptions
  /// Pixels of the input's shorter side, of which each batch has one at random, the other side in proportion: for networks that
  /// take pictures of any size, such as those with global pooling before their classifier. A step is compiled for each. None: the
  /// input's own extents. Validation is always by these.
  public var inputSides: [Int] = []
  /// Which samples an epoch goes through.
  public var sampling = Sampling.every
  /// Whether what a frozen beginning of the network makes of pictures is computed once.
  public var featureKeeping: FeatureKeeping = .automatic
  /// Those that train together with this process; `nil` where it trains alone.
  public var processes: (any ProcessGroup)?
  /// Whether batch normalization goes by the samples of all processes, which then meet at each of its layers twice; else by each
  /// process's own.
  public var normalizesJointly = false
  /// Ends a training that gets no better; `nil` where all its epochs are wanted.
  public var earlyStopping: EarlyStopping?
  /// A file that is to tell when each step of three updates ran, and, of several processes, the sums of their gradients: in the
  /// format of ``ExecutionTrace``. The first process writes it. `nil` for none.
  public var tracePath: String?

  /// A trainer; what it is given is checked when a training begins.
  public init(
    optimizer: any Optimizer, schedule: any LearningRateSchedule,
    gradientTransforms: [any GradientTransform] = [], groups: [ParameterGroup] = [],
    averaging: (any WeightAveraging)? = nil, objective: any Objective = .crossEntropy(),
    augmentation: Augmentation = .none, batchSize: Int = 64, seed: UInt64 = 0,
    compute: ComputeOptions = .init(), loading: LoadingOptions = LoadingOptions(),
    earlyStopping: EarlyStopping? = nil
  ) {
    self.optimizer = optimizer
    self.schedule = schedule
    self.gradientTransforms = gradientTransforms
    self.groups = groups
    self.averaging = averaging
    self.objective = objective
    self.augmentation = augmentation
    self.batchSize = batchSize
    self.seed = seed
    self.compute = compute
    self.loading = loading
    self.earlyStopping = earlyStopping
  }

  // MARK: Checks

  /// - Throws: ``TrainingError/invalidSetting(name:value:requirement:)`` where the objective is not for what the data is told by.
  package func requireObjective(for kind: TargetKind) throws(TrainingError) {
    guard !objective.takes(kind) else { return }
    throw .invalidSetting(
      name: "the objective", value: "\(objective)",
      requirement: "for \(kind.rawValue), which the data is told by, such as \(kind.usualObjective)"
    )
  }

  /// With one class, or the same labels everywhere, every answer is right, and nothing is learnt.
  func requireSeveralClasses(in training: any Dataset) throws(TrainingError) {
    guard training.count > 0 else { return }
    switch training.targetKind {
    case .classes:
      let first = training.label(at: 0)
      guard (1..<training.count).allSatisfy({ training.label(at: $0) == first }) else { return }
      throw .oneClass(name: training.classNames[first], data: training.name)
    case .labels:
      let first = training.targets(at: 0)
      guard (1..<training.count).allSatisfy({ training.targets(at: $0) == first }) else { return }
      throw .sameLabels(training.sharedLabelNames, data: training.name)
    case .numbers: return
    }
  }

  /// - Throws: ``TrainingError`` or ``LoadingError`` naming the setting that is out of its range.
  package func validate(epochs: Int) throws {
    try validate()
    guard epochs > 0 else {
      throw TrainingError.invalidSetting(
        name: "epochs", value: "\(epochs)", requirement: "at least 1")
    }
    try schedule.validate(epochs: epochs)
  }

  /// The same, of a loop of one's own, whose length is not known.
  func validate() throws {
    try objective.validate()
    try schedule.validate()
    try optimizer.validate()
    for transform in gradientTransforms { try transform.validate() }
    for group in groups { try group.validate() }
    try averaging?.validate()
    guard batchSize > 0 else {
      throw TrainingError.invalidSetting(
        name: "batch size", value: "\(batchSize)", requirement: "at least 1")
    }
    guard Set(inputSides).count == inputSides.count, inputSides.count <= Self.mostSides,
      inputSides.allSatisfy({ 1...1 << 14 ~= $0 })
    else {
      throw TrainingError.invalidSetting(
        name: "the sides of the input", value: "\(inputSides)",
        requirement:
          "at most \(Self.mostSides) different numbers from 1 to 16384: a step is compiled for each"
      )
    }
    try earlyStopping?.validate()
    try loading.validate()
    // Steps are compiled for the size of their batches.
    guard loading.badSamples != .leaveOut else {
      throw TrainingError.invalidSetting(
        name: "bad samples", value: "left out", requirement: "replaced, or end the training")
    }
  }

  /// Sides of the input at most.
  static let mostSides = 8

  /// The memory of the activations of a step of each of ``inputSides``, in their order; without such, of the one that there is.
  /// All are kept while the training runs, and another for the last batch of an epoch.
  ///
  /// - Throws: as a training, where the network does not take a side.
  package func stepMemory(
    of model: Model
  ) throws -> [(height: Int, width: Int, byteCount: Int)] {
    try requireSides(for: model)
    let own = try model.requiredPreprocessing()
    let all = try inputSides.isEmpty ? [own] : inputSides.map { try own.ofShorterSide($0) }
    return try all.map { preprocessing in
      var sized = model.withoutParameters
      sized.graph = try model.graph.fitted(to: preprocessing, batch: 1, model)
      let memory = try sized.memory(batch: batchSize, mode: .training, compute: compute)
      return (preprocessing.height, preprocessing.width, memory.activationByteCount)
    }
  }

  /// - Throws: ``TrainingError/invalidSetting(name:value:requirement:)`` where a network does not take one of the sides, or what
  ///   is asked for besides needs one size.
  func requireSides(for model: Model) throws {
    guard !inputSides.isEmpty else { return }
    let preprocessing = try model.requiredPreprocessing()
    func refuse(_ value: String, _ requirement: String) -> TrainingError {
      .invalidSetting(name: "the sides of the input", value: value, requirement: requirement)
    }
    guard preprocessing.meanPicture == nil else {
      throw refuse(
        "\(inputSides) with a mean picture that is subtracted",
        "without one, which has one size; subtract mean colors")
    }
    for side in inputSides {
      do {
        _ = try model.graph.fitted(to: preprocessing.ofShorterSide(side), batch: 1, model)
      } catch let error as GraphError {
        throw refuse(
          "\(side) among them", "such that \(model.graph.name) takes them, whose \(error)")
      }
    }
  }
}

extension Graph {
  /// The network for pictures that are prepared otherwise than for its own input.
  func fitted(
    to preprocessing: Preprocessing, batch: Int, _ model: Model
  ) throws(GraphError) -> Graph {
    try reshaped(inputs: [
      model.inputName: [batch, preprocessing.channels, preprocessing.height, preprocessing.width]
    ])
  }
}
