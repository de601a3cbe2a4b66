import ConvNetCompiler
package import ConvNetDatasets
package import ConvNetEngine
import ConvNetEvaluation
package import ConvNetGraphs
import ConvNetImages
package import ConvNetInference
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
  /// Where the beginning of the network is frozen.
  let trunk: FrozenTrunk?
  /// What is kept of the pictures to train on; `nil` where the trunk is computed at every step.
  package var features: KeptFeatures?
  /// Where the training is: before its next step.
  var point: TrainingPoint
  /// Of the last step, or of the first where none was taken.
  package private(set) var learningRate: Float
  /// The length of the gradient by all parameters at the last step where it was finite; 0 where there was none.
  package private(set) var gradientNorm = 0.0
  /// Samples of the batches that no update has come of yet.
  private(set) var waitingSamples: Int
  private let transforms: [(transform: any GradientTransform, memory: SlotMemory)]
  package let gradients: [(parameter: String, kind: ParameterKind, output: String)]
  /// By batch size, and by the shape of a picture where that is not the network's own.
  private var steps: [StepShape: (step: CompiledStep, lastUse: Int)] = [:]
  private var stepUses = 0
  /// Steps that are kept compiled at most; those that were not used for longest are forgotten.
  package static let stepLimit = 2 * Trainer.mostSides
  /// Steps that are compiled now.
  package var compiledStepCount: Int { steps.count }
  /// The gradients of all processes; `nil` where this one trains alone.
  private let buckets: GradientBuckets?
  /// When steps and sums ran; `nil` where nobody wants to know.
  private let trace: UpdateTrace?
  /// Running statistics, which steps change by themselves.
  private let statisticNames: [String]
  /// For averaged weights.
  var statisticsStep: StatisticsStep?

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
        of: self.model.graph, parameters: averages, ages: self.model.averageAges,
        frozen: trainer.groups.frozenStatistics(in: self.model.graph))
      averages = statistics.averages(of: consume averages)
    }
    store = try ParameterStore(consume averages)
    let graph = self.model.graph
    try trainer.groups.requireFit(graph)
    // What a frozen beginning makes of pictures has another shape for each of their sizes.
    trunk = trainer.inputSides.isEmpty ? FrozenTrunk(graph, groups: trainer.groups) : nil
    let kept = checkpoint?.slots ?? [:]
    optimizer = try OptimizerState(
      trainer.optimizer, graph: graph, groups: trainer.groups, slots: kept,
      updateCount: checkpoint?.state.updateCount ?? 0, averaging: trainer.averaging,
      from: checkpoint?.state.averagedFrom ?? 0,
      weights: trainer.averaging == nil ? [:] : store.values)
    transforms = try trainer.gradientTransforms.enumerated().map { place, transform in
      var own: [String: [String: Tensor]] = [:]
      for slot in transform.slots { own[slot] = kept[Trainer.keptName(of: slot, place, transform)] }
      return (
        transform,
        try SlotMemory(
          transform.slots, of: type(of: transform).name,
          for: graph.learnedParameters(trainer.groups),
          kept: own)
      )
    }
    let learned = Set(graph.learnedParameters([]).map(\.name))
    statisticNames = store.shapes.keys.filter { !learned.contains($0) }.sorted()
    point = checkpoint?.state.point ?? TrainingPoint()
    waitingSamples = checkpoint?.state.waitingSamples ?? 0
    learningRate = try trainer.schedule.validRate(at: point)
    gradients = try Self.graph(
      trunk?.rest ?? graph, trainer, statistics, isOfTargets: self.model.targetKind != .classes
    ).gradients
    let names = gradients.map(\.parameter) + (trainer.normalizesJointly ? [] : statisticNames)
    let shapes = store.shapes
    buckets = trainer.processes.map {
      GradientBuckets($0, counts: names.map { shapes[$0]?.count ?? 0 })
    }
    trace = trainer.tracePath.map { UpdateTrace($0, trainer.processes) }
    if let trace { buckets?.trace = { trace.noted($0) } }
    try requireFiniteParameters()
  }

  /// Steps taken since the beginning.
  package var stepCount: Int { point.step }

  private static func graph(
    _ network: Graph, _ trainer: Trainer, _ statistics: RunningStatistics, isOfTargets: Bool
  ) throws(GraphError) -> TrainingGraph {
    try TrainingGraph(
      network, objective: trainer.objective, frozen: trainer.groups.frozen(in: network),
      frozenStatistics: trainer.groups.frozenStatistics(in: network),
      labelsAreDistributions: trainer.augmentation.mixesSamples || isOfTargets,
      youngVariances: statistics.youngVariances)
  }

  /// The graph of a step for a batch size: of what follows the frozen trunk, where there is one.
  func trainingGraph(batch: Int, sampleShape: Shape? = nil) throws(GraphError) -> TrainingGraph {
    try Self.graph(
      network(batch: batch, sampleShape: sampleShape), trainer, statistics,
      isOfTargets: model.targetKind != .classes)
  }

  /// What is trained, for a batch size.
  ///
  /// - Parameter sampleShape: of a picture, in the model's data format; `nil` for that of the network.
  private func network(batch: Int, sampleShape: Shape?) throws(GraphError) -> Graph {
    guard let sampleShape else { return try (trunk?.rest ?? model.graph).batched(batch) }
    return try model.graph.reshaped(inputs: [
      model.inputName: Shape(model.dataFormat.logical([batch] + sampleShape.dimensions))
    ])
  }

  /// The network for batches such as this one.
  func network(for batch: Batch) throws(GraphError) -> Graph {
    try network(batch: batch.count, sampleShape: otherShape(of: batch))
  }

  /// Of the pictures of a batch, where they may have another than the network's own.
  private func otherShape(of batch: Batch) -> Shape? {
    trainer.inputSides.isEmpty ? nil : batch.sampleShape
  }

  /// A step with forward and backward pass, before it is compiled.
  package func stepGraph(batch: Int) throws(GraphError) -> Graph {
    try trainingGraph(batch: batch).graph
  }

  /// How a step is compiled. Features come in the order of the graph.
  var options: CompilationOptions {
    CompilationOptions(
      mode: .training, inputFormat: trunk == nil ? model.dataFormat : .channelsFirst,
      compute: trainer.compute)
  }

  /// The frozen trunk compiled as inference for a batch size; `nil` where there is none.
  func compiledTrunk(batch: Int) throws -> CompiledTrunk? {
    guard let trunk else { return nil }
    let graph = try trunk.trunk.batched(batch)
    return CompiledTrunk(
      try Executable(
        graph, parameters: parameters(of: graph),
        options: CompilationOptions(
          inputFormat: model.dataFormat, compute: trainer.compute
        ).suited(to: graph)))
  }

  /// Gives a model what has been learnt so far, its running statistics freed of their beginning, its weights averaged where the
  /// trainer says so.
  package func update(_ model: inout Model) {
    model.parameters = statistics.parameters(of: store.values, at: stepCount)
    if let averages = optimizer.averagedWeights { model.parameters.merge(averages) { $1 } }
    model.averageAges = statistics.ages(at: stepCount)
  }

  /// Bytes of the parameters and of what is remembered of them.
  var byteCount: Int {
    store.byteCount + optimizer.byteCount + transforms.reduce(0) { $0 + $1.memory.byteCount }
  }

  /// A copy of what optimizer and transforms remember, by slot, then by parameter.
  var slots: [String: [String: Tensor]] {
    var slots = optimizer.slots
    for (place, (transform, memory)) in transforms.enumerated() {
      for (slot, values) in memory.values {
        slots[Trainer.keptName(of: slot, place, transform)] = values
      }
    }
    return slots
  }

  /// The step for a batch size; compiled where it is asked for the first time.
  package func step(batch: Int) throws -> CompiledStep {
    try step(StepShape(batch: batch))
  }

  /// The step for batches such as this one.
  package func step(for batch: Batch) throws -> CompiledStep {
    try step(StepShape(batch: batch.count, sample: otherShape(of: batch)))
  }

  private func step(_ shape: StepShape) throws -> CompiledStep {
    stepUses += 1
    if let known = steps[shape]?.step {
      steps[shape]?.lastUse = stepUses
      return known
    }
    // Room first: the memory of two may not be there.
    while steps.count >= Self.stepLimit,
      let oldest = steps.min(by: { $0.value.lastUse < $1.value.lastUse })?.key
    { steps[oldest] = nil }
    let step = try makeStep(batch: shape.batch, sampleShape: shape.sample)
    steps[shape] = (step, stepUses)
    return step
  }

  /// A copy of those that a part of the network reads.
  func parameters(of graph: Graph) -> [String: Tensor] {
    let parameters = graph.parameters.compactMap { id in
      store[graph[id].name].map { (graph[id].name, $0) }
    }
    return Dictionary(uniqueKeysWithValues: parameters)
  }

  func makeStep(batch: Int, sampleShape: Shape? = nil) throws -> CompiledStep {
    let executable = try Executable(
      trainingGraph(batch: batch, sampleShape: sampleShape).graph, training: store,
      options: options)
    let parameters = try gradients.map { gradient in
      try executable.withUnsafeOutput(gradient.output) {
        optimizer.parameter(gradient.parameter, kind: gradient.kind, gradient: $0, in: store)
      }
    }
    let endings =
      trainer.processes == nil
      ? [] : try gradients.map { try executable.lastStep(using: $0.output) }
    return CompiledStep(
      executable, batch: batch, updating: parameters, gradientEndings: endings,
      after: try compiledTrunk(batch: batch))
  }

  /// Forward, backward and update, on the inputs that were written to the step.
  ///
  /// - Returns: the loss before the update.
  /// - Throws: ``TrainingError/nonFinite(what:layer:step:learningRate:gradientNorm:)`` before
  ///   anything that is not finite reaches the parameters, naming where it began;
  ///   ``TrainingError/invalidSetting(name:value:requirement:)`` where the schedule gives no rate.
  ///
  /// - Parameter part: the step's place in the batch of all processes.
  @discardableResult
  package func run(_ step: CompiledStep, part: BatchPart? = nil) throws -> Double {
    let loss = try compute(step, part: part)
    try finish(step, loss: loss)
    return loss
  }

  /// Forward and backward pass; where several processes train together, of all of them.
  func compute(_ step: CompiledStep, part: BatchPart? = nil) throws -> Double {
    learningRate = try trainer.schedule.validRate(at: point)
    let joint = part.flatMap { JointNormalization(trainer, share: $0.share) }
    let buckets = part == nil ? nil : buckets
    try trace?.begin(step.executable)
    if let part {
      // Where all normalize together, each has the statistics of all.
      let statistics = joint == nil ? runningStatistics() : []
      buckets?.begin(
        step.parameters.map(\.gradient) + statistics, share: Float(part.share),
        endings: step.gradientEndings)
    }
    try step.run(
      step: stepCount, seed: trainer.seed, firstExample: part?.places.lowerBound ?? 0,
      joint: joint?.sums,
      stepEnded: buckets == nil && trace == nil
        ? nil
        : { [trace] number in
          trace?.stepEnded(number)
          buckets?.stepEnded(number)
        })
    trace?.passesEnded()
    try joint?.throwFailure()
    var loss = try step.executable.withOutput(TrainingGraph.lossName) { Double($0[0]) }
    if let part, let processes = trainer.processes {
      loss = try processes.sum([loss * part.share])[0]
      try buckets?.finish()
      trace?.sumsEnded()
    }
    guard loss.isFinite else { throw nonFinite(loss, step) }
    return loss
  }

  /// The memory of the running statistics, which stays where it is.
  private func runningStatistics() -> [UnsafeMutableBufferPointer<Float>] {
    statisticNames.compactMap { name in store.withFloats(of: name) { $0 } }
  }

  /// The update after both passes.
  func finish(_ step: CompiledStep, loss: Double) throws {
    guard update(step) else { throw nonFinite(loss, step) }
    try trace?.updateEnded()
    point.step += 1
  }

  /// Moves the parameters along the gradients of the step's last run, where all these are finite.
  ///
  /// - Returns: whether they are. Else nothing is moved.
  private func update(_ step: CompiledStep) -> Bool {
    // What this process computed alone says nothing of the sums.
    if trainer.processes == nil, let areFinite = step.executable.meansAreFinite {
      guard areFinite else { return false }
      // One pass for the norm and the update, unless the gradients change in between.
      if transforms.isEmpty {
        gradientNorm = step.sumOfSquares { task, tasks in
          optimizer.update(
            step.parameters, learningRate: learningRate, task: task, tasks: tasks)
        }.squareRoot()
        optimizer.finishUpdate()
        return true
      }
    }
    let sum = step.sumOfSquares()
    guard sum.isFinite else { return false }
    gradientNorm = sum.squareRoot()
    guard transform(step) == .update else { return true }
    step.executable.share(workOn: step.elementCount) { task, tasks in
      optimizer.update(step.parameters, learningRate: learningRate, task: task, tasks: tasks)
    }
    optimizer.finishUpdate()
    return true
  }

  /// Lets the transforms change the gradients, each after the one before it.
  private func transform(_ step: CompiledStep) -> UpdateDecision {
    guard !transforms.isEmpty else { return .update }
    var gradients = Gradients(
      step, step: stepCount, samplesBefore: waitingSamples, norm: gradientNorm)
    for (transform, memory) in transforms {
      gradients.memory = memory
      if transform.apply(to: &gradients) == .wait {
        waitingSamples = gradients.samplesSinceUpdate
        return .wait
      }
    }
    waitingSamples = 0
    return .update
  }
}

/// Where a step's samples are in the batch of all processes.
package struct BatchPart {
  var places: Range<Int>
  /// Of the whole batch.
  var wholeCount: Int

  /// Of the whole batch, what is this process's, 0 to 1.
  var share: Double { Double(places.count) / Double(wholeCount) }
}

/// What a step is compiled for.
private struct StepShape: Hashable {
  var batch: Int
  /// Of a picture; `nil` for that of the network.
  var sample: Shape?
}

extension Trainer {
  /// The name by which a checkpoint keeps a slot of a gradient transform.
  static func keptName(of slot: String, _ place: Int, _ transform: any GradientTransform) -> String
  {
    keptPrefix(place, type(of: transform).name) + slot
  }

  /// What the names of all its slots begin with.
  static func keptPrefix(_ place: Int, _ transform: String) -> String {
    "\(place + 1).\(transform)."
  }

  /// The name by which a checkpoint keeps the averaged weights.
  static let averageSlot = "averaging.weights"

  /// Of all slots: what is remembered of each parameter.
  var slotNames: [String] {
    optimizer.slots + (averaging == nil ? [] : [Self.averageSlot]) + transformSlotNames
  }

  var transformSlotNames: [String] {
    gradientTransforms.enumerated().flatMap { place, transform in
      transform.slots.map { Self.keptName(of: $0, place, transform) }
    }
  }
}

extension Graph {
  /// Names and shapes of the parameters that are learned.
  func learnedParameters(_ groups: [ParameterGroup]) -> [(name: String, shape: Shape)] {
    let frozen = groups.frozen(in: self)
    return parameters.filter {
      self[$0].parameterKind?.isTrainable == true && !frozen.contains(self[$0].name)
    }.map { (self[$0].name, self[$0].shape) }
  }
}
