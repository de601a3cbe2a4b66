import CKernels
import ConvNetCompiler
package import ConvNetEngine
import ConvNetGraphs
import ConvNetImages
package import ConvNetLayers
import ConvNetTensors
import Synchronization

/// A training in progress: parameters, the optimizer's memory, and the compiled steps, one a batch
/// size.
package final class TrainingSession {
  let trainer: Trainer
  /// Without its parameters, which are the store's.
  let model: Model
  package let store: ParameterStore
  package let optimizer: OptimizerState
  let statistics: RunningStatistics
  var schedule: ScheduleState
  /// Steps taken since the beginning.
  package private(set) var stepCount: Int
  private let gradients: [(parameter: String, kind: ParameterKind, output: String)]
  private var steps: [Int: TrainingStep] = [:]

  package init(
    _ model: consuming Model, trainer: Trainer, resuming checkpoint: Checkpoint? = nil
  ) throws {
    self.trainer = trainer
    self.model = model.withoutParameters
    var averages = (consume model).parameters
    if let checkpoint {
      statistics = RunningStatistics(
        of: self.model.graph, beginnings: checkpoint.state.averageBeginnings)
      averages = checkpoint.averages
    } else {
      statistics = RunningStatistics(
        of: self.model.graph, parameters: averages, ages: self.model.averageAges)
      averages = statistics.averages(of: consume averages)
    }
    store = try ParameterStore(consume averages)
    optimizer = try OptimizerState(
      trainer.optimizer, graph: self.model.graph, velocities: checkpoint?.velocities ?? [:])
    schedule = checkpoint?.state.schedule ?? ScheduleState(trainer.schedule)
    stepCount = checkpoint?.state.step ?? 0
    gradients = try Self.graph(self.model.graph, trainer, statistics).gradients
  }

  private static func graph(
    _ network: Graph, _ trainer: Trainer, _ statistics: RunningStatistics
  ) throws(GraphError) -> TrainingGraph {
    try TrainingGraph(
      network, labelSmoothing: trainer.labelSmoothing,
      labelsAreDistributions: trainer.augmentation.mixesSamples,
      youngVariances: statistics.youngVariances)
  }

  /// Gives a model what has been learnt so far, its running statistics freed of their beginning.
  package func update(_ model: inout Model) {
    model.parameters = statistics.parameters(of: store.values, at: stepCount)
    model.averageAges = statistics.ages(at: stepCount)
  }

  /// The step for a batch size; compiled where it is asked for the first time.
  package func step(batch: Int) throws -> TrainingStep {
    if let step = steps[batch] { return step }
    let step = try makeStep(batch: batch)
    steps[batch] = step
    return step
  }

  func makeStep(batch: Int) throws -> TrainingStep {
    let executable = try Executable(
      Self.graph(model.graph.batched(batch), trainer, statistics).graph, training: store,
      options: CompilationOptions(
        mode: .training, inputFormat: model.dataFormat, compute: trainer.compute))
    let parameters = try gradients.map { gradient in
      try executable.withUnsafeOutput(gradient.output) {
        optimizer.parameter(gradient.parameter, kind: gradient.kind, gradient: $0, in: store)
      }
    }
    return TrainingStep(executable, updating: parameters)
  }

  /// Forward, backward and update, on the inputs that were written to the step.
  ///
  /// - Returns: the loss before the update.
  /// - Throws: ``TrainingError/nonFinite(what:layer:step:learningRate:gradientNorm:)`` before
  ///   anything that is not finite reaches the parameters.
  @discardableResult
  package func run(_ step: TrainingStep) throws -> Double {
    try step.executable.run(step: stepCount, seed: trainer.seed)
    let loss = try step.executable.withOutput(TrainingGraph.lossName) { Double($0[0]) }
    guard loss.isFinite, areFinite(step) else { throw try nonFinite(loss, step) }
    step.executable.share(workOn: step.elementCount) { task, tasks in
      optimizer.step(
        step.parameters, learningRate: schedule.learningRate, task: task, tasks: tasks)
    }
    stepCount += 1
    return loss
  }

  /// Whether all gradients of the step's last run are.
  private func areFinite(_ step: TrainingStep) -> Bool {
    if let areFinite = step.executable.meansAreFinite { return areFinite }
    let parameters = step.parameters
    let areFinite = Atomic(true)
    step.executable.share(workOn: step.elementCount) { task, tasks in
      if !ck_momentum_is_finite(parameters, parameters.count, Int32(task), Int32(tasks)) {
        areFinite.store(false, ordering: .relaxed)
      }
    }
    return areFinite.load(ordering: .relaxed)
  }

  /// Checks what the steps made of the parameters: an update may overflow although its gradient is
  /// finite.
  ///
  /// - Parameter step: the last that was run.
  /// - Throws: ``TrainingError`` naming the first parameter or moving average that is not finite.
  func requireFiniteParameters(after step: TrainingStep) throws {
    for id in model.graph.parameters {
      let name = model.graph[id].name
      guard store.withFloats(of: name, { ck_all_finite($0.baseAddress, $0.count) }) == false else {
        continue
      }
      throw nonFinite("the value", of: name, norm: try measureGradients(of: step).norm)
    }
  }

  /// Names the first layer whose gradient is not finite.
  private func nonFinite(_ loss: Double, _ step: TrainingStep) throws -> TrainingError {
    let (norm, culprit) = try measureGradients(of: step)
    return nonFinite(
      loss.isFinite ? "the gradient" : "the loss", of: culprit ?? model.graph.name, norm: norm)
  }

  private func nonFinite(_ what: String, of layer: String, norm: Double) -> TrainingError {
    .nonFinite(
      what: what, layer: layer, step: stepCount, learningRate: schedule.learningRate,
      gradientNorm: norm)
  }

  /// The length of the gradient by all parameters, and the first parameter whose gradient is not
  /// finite.
  private func measureGradients(
    of step: TrainingStep
  ) throws -> (norm: Double, culprit: String?) {
    var squares = 0.0
    var culprit: String?
    for gradient in gradients {
      let (isFinite, sum) = try step.executable.withUnsafeOutput(gradient.output) {
        (ck_all_finite($0.baseAddress, $0.count), ck_sum_of_squares($0.baseAddress, $0.count))
      }
      squares += sum
      if !isFinite, culprit == nil { culprit = gradient.parameter }
    }
    return (squares.squareRoot(), culprit)
  }
}
