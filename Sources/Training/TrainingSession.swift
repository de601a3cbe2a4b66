import CKernels
import ConvNetCompiler
package import ConvNetEngine
package import ConvNetGraphs
import ConvNetImages
package import ConvNetLayers
import ConvNetTensors

/// A training in progress: parameters, the optimizer's memory, and the compiled steps, one a batch
/// size.
package final class TrainingSession {
  let trainer: Trainer
  /// Without its parameters, which are the store's.
  let model: Model
  package let store: ParameterStore
  package let optimizer: OptimizerState
  let statistics: RunningStatistics
  /// Where the training is: before its next step.
  var point: TrainingPoint
  /// Of the last step, or of the first where none was taken.
  package private(set) var learningRate: Float
  /// The length of the gradient by all parameters at the last step where it was finite; 0 where there was none.
  package private(set) var gradientNorm = 0.0
  /// Room for what each task adds to it.
  private var squares: [Double] = []
  package let gradients: [(parameter: String, kind: ParameterKind, output: String)]
  private var steps: [Int: CompiledStep] = [:]

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
      trainer.optimizer, graph: self.model.graph, slots: checkpoint?.slots ?? [:],
      updateCount: checkpoint?.state.updateCount ?? 0)
    point = checkpoint?.state.point ?? TrainingPoint()
    learningRate = try trainer.schedule.validRate(at: point)
    gradients = try Self.graph(self.model.graph, trainer, statistics).gradients
    try requireFiniteParameters()
  }

  /// Steps taken since the beginning.
  package var stepCount: Int { point.step }

  private static func graph(
    _ network: Graph, _ trainer: Trainer, _ statistics: RunningStatistics
  ) throws(GraphError) -> TrainingGraph {
    try TrainingGraph(
      network, labelSmoothing: trainer.labelSmoothing,
      labelsAreDistributions: trainer.augmentation.mixesSamples,
      youngVariances: statistics.youngVariances)
  }

  /// The graph of a step for a batch size.
  func trainingGraph(batch: Int) throws(GraphError) -> TrainingGraph {
    try Self.graph(model.graph.batched(batch), trainer, statistics)
  }

  /// How a step is compiled.
  var options: CompilationOptions {
    CompilationOptions(
      mode: .training, inputFormat: model.dataFormat, compute: trainer.compute)
  }

  /// Gives a model what has been learnt so far, its running statistics freed of their beginning.
  package func update(_ model: inout Model) {
    model.parameters = statistics.parameters(of: store.values, at: stepCount)
    model.averageAges = statistics.ages(at: stepCount)
  }

  /// Bytes of the parameters and of the optimizer's memory.
  var byteCount: Int { store.byteCount + optimizer.byteCount }

  /// The step for a batch size; compiled where it is asked for the first time.
  package func step(batch: Int) throws -> CompiledStep {
    if let step = steps[batch] { return step }
    let step = try makeStep(batch: batch)
    steps[batch] = step
    return step
  }

  func makeStep(batch: Int) throws -> CompiledStep {
    let executable = try Executable(
      trainingGraph(batch: batch).graph, training: store, options: options)
    let parameters = try gradients.map { gradient in
      try executable.withUnsafeOutput(gradient.output) {
        optimizer.parameter(gradient.parameter, kind: gradient.kind, gradient: $0, in: store)
      }
    }
    return CompiledStep(executable, updating: parameters)
  }

  /// Forward, backward and update, on the inputs that were written to the step.
  ///
  /// - Returns: the loss before the update.
  /// - Throws: ``TrainingError/nonFinite(what:layer:step:learningRate:gradientNorm:)`` before
  ///   anything that is not finite reaches the parameters, naming where it began;
  ///   ``TrainingError/invalidSetting(name:value:requirement:)`` where the schedule gives no rate.
  @discardableResult
  package func run(_ step: CompiledStep) throws -> Double {
    learningRate = try trainer.schedule.validRate(at: point)
    try step.executable.run(step: stepCount, seed: trainer.seed)
    let loss = try step.executable.withOutput(TrainingGraph.lossName) { Double($0[0]) }
    guard loss.isFinite, update(step) else { throw nonFinite(loss, step) }
    point.step += 1
    return loss
  }

  /// Moves the parameters along the gradients of the step's last run, where all these are finite.
  ///
  /// - Returns: whether they are. Else nothing is moved.
  private func update(_ step: CompiledStep) -> Bool {
    let parameters = step.parameters
    let rate = learningRate
    if let areFinite = step.executable.meansAreFinite {
      guard areFinite else { return false }
      gradientNorm = sumSquares(step) { task, tasks in
        optimizer.update(parameters, learningRate: rate, task: task, tasks: tasks)
      }.squareRoot()
      optimizer.finishUpdate()
      return true
    }
    let sum = sumSquares(step) { _, _ in }
    guard sum.isFinite else { return false }
    gradientNorm = sum.squareRoot()
    step.executable.share(workOn: step.elementCount) { task, tasks in
      optimizer.update(parameters, learningRate: rate, task: task, tasks: tasks)
    }
    optimizer.finishUpdate()
    return true
  }

  /// The sum of the squares of all gradients, in double precision, where no finite number's square overflows: it is finite
  /// where all gradients are.
  ///
  /// - Parameter body: called by each task after its share, which then is in its caches.
  private func sumSquares(
    _ step: CompiledStep, _ body: (_ task: Int, _ tasks: Int) -> Void
  ) -> Double {
    let parameters = step.parameters
    // No more tasks than threads.
    let room = max(1, trainer.compute.threads)
    if squares.count < room { squares = [Double](repeating: 0, count: room) }
    squares.withUnsafeMutableBufferPointer { squares in
      squares.update(repeating: 0)
      step.executable.share(workOn: step.elementCount) { task, tasks in
        squares[task] = parameters.reduce(0) { sum, parameter in
          let range = parameter.share(of: task, tasks)
          return sum
            + ck_sum_of_squares(
              UnsafePointer(parameter.gradient.baseAddress.map { $0 + range.lowerBound }),
              range.count)
        }
        body(task, tasks)
      }
    }
    return squares.reduce(0, +)
  }
}
