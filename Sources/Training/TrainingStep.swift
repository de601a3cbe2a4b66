public import ConvNetDatasets
import ConvNetEngine
import ConvNetInference
public import ConvNetLayers
public import ConvNetTensors

/// A training whose loop is one's own: forward and backward pass, what these computed, and the update.
///
/// ```swift
/// let trainer = Trainer(
///   optimizer: .sgd(momentum: 0.9), schedule: .constant(0.01),
///   gradientTransforms: [.accumulation(batches: 4), .clipping(norm: 1)])
/// let step = try TrainingStep(model, trainer)
/// for (images, labels) in batches {
///   let loss = try step.run(images, labels: labels)
///   print(loss, try step.gradient(of: "conv1.weight")?.shape ?? [])
///   try step.update()
/// }
/// model = step.model
/// ```
///
/// Batches may be of any size; a step is compiled for each size that comes. Belongs to one thread at a time.
public final class TrainingStep {
  private let session: TrainingSession
  private let bare: Model
  /// The step that was run last, and its loss; `nil` after its update.
  private var last: CompiledStep?
  /// Of the last batch, before its update: the mean over the batch; not a number before the first.
  public private(set) var loss = Double.nan
  private var isUpdated = true

  /// - Parameters:
  ///   - model: begins here; ``model`` has what was learnt.
  ///   - trainer: its objective, optimizer, schedule, gradient transforms, parameter groups, seed and compute options. How
  ///     data is read is left to the loop.
  /// - Throws: ``TrainingError`` for settings that make no sense, and for parameters that are not finite.
  public init(_ model: Model, _ trainer: Trainer) throws {
    try trainer.validate()
    bare = model.withoutParameters
    session = try TrainingSession(model, trainer: trainer)
  }

  /// Where the training is: its steps are counted here; a loop that has epochs, and a schedule that goes by them, sets the rest.
  public var point: TrainingPoint {
    get { session.point }
    set { session.point = newValue }
  }

  /// Of the last step.
  public var learningRate: Float { session.learningRate }

  /// Runs forward and backward pass. Another run without an update draws the same random numbers.
  ///
  /// - Parameters:
  ///   - inputs: prepared as the network reads them, in the model's ``Model/dataFormat``: [batch, height, width, channels] by
  ///     default, or one example without the axis of the batch.
  ///   - labels: a class, an integer, for each; or distributions, `float32` [batch, classes], where the objective takes them.
  /// - Returns: the loss.
  /// - Throws: ``TrainingError`` where labels do not fit, and for numbers that are not finite; ``EngineError`` for another shape;
  ///   `CancellationError` where the task is cancelled: the model is then that of the last step.
  @discardableResult
  public func run(_ inputs: Tensor, labels: Tensor) throws -> Double {
    let isOne = inputs.shape.rank == bare.inputExtents.count
    let count = isOne ? 1 : inputs.shape.dimensions.first ?? 0
    guard count > 0 else {
      throw TrainingError.invalidSetting(
        name: "the tensor of inputs", value: "of shape \(inputs.shape)",
        requirement: "at least one example, along the first axis")
    }
    return try run(batch: count) { step in
      try step.write(inputs, to: bare.inputName)
      try step.write(
        labels: labels.labels(of: bare.classCount, examples: count, as: step.labelsShape))
    }
  }

  /// Runs forward and backward pass on a batch of a ``BatchLoader``.
  @discardableResult
  public func run(_ batch: Batch) throws -> Double {
    try run(batch: batch.count) { step in
      try step.write(batch, to: bare.inputName)
    }
  }

  private func run(batch: Int, _ fill: (CompiledStep) throws -> Void) throws -> Double {
    try Task.checkCancellation()
    let step = try session.step(batch: batch)
    try fill(step)
    last = step
    isUpdated = true
    loss = try session.compute(step)
    isUpdated = false
    return loss
  }

  /// Moves the parameters along the gradients of the last run, through the trainer's transforms.
  ///
  /// - Throws: ``TrainingError/nonFinite(what:layer:step:learningRate:gradientNorm:)`` before anything that is not
  ///   finite reaches the parameters. An update without a run before it ends the process.
  public func update() throws {
    guard let last, !isUpdated else { fatalError("an update follows a run of the step") }
    try session.finish(last, loss: loss)
    isUpdated = true
  }

  /// The scores of the last batch, [batch, classes]: probabilities where the objective is cross-entropy. `nil` before the first.
  public func scores() throws -> Tensor? {
    try last?.executable.output(TrainingGraph.probabilitiesName)
  }

  /// The names of the parameters that are learned.
  public var parameterNames: [String] { session.gradients.map(\.parameter) }

  /// dL/dw of the last batch, of the parameter's shape: after ``update()`` what gradient transforms made of it. `nil` before the
  /// first run, and where no such parameter is learned.
  public func gradient(of parameter: String) throws -> Tensor? {
    guard let output = session.gradients.first(where: { $0.parameter == parameter })?.output
    else { return nil }
    return try last?.executable.output(output)
  }

  /// The model with what was learnt so far, ready to use.
  public var model: Model {
    var model = bare
    session.update(&model)
    return model
  }
}
