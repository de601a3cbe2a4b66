import CKernels
package import ConvNetEngine
package import ConvNetGraphs
package import ConvNetTensors

/// An optimizer at work on the parameters of a store: its formula and its memory.
package final class OptimizerState {
  let optimizer: any Optimizer
  private let groups: [ParameterGroup]
  private let memory: SlotMemory
  private let averaging: (any WeightAveraging)?
  /// The averaged weights.
  private let averages: SlotMemory?
  /// Updates so far.
  package private(set) var updateCount: Int
  /// Updates before the first that the averages have.
  let averagedFrom: Int

  /// - Parameters:
  ///   - groups: which parameters are learned, and how.
  ///   - slots: what is remembered, by slot, then by parameter; zero where nothing is.
  ///   - averaging: of the weights, which begins at these unless it goes on.
  ///   - averagedFrom: updates before the first that the averages have.
  /// - Throws: ``EngineError`` where a slot is not `float32`.
  package init(
    _ optimizer: any Optimizer, graph: Graph, groups: [ParameterGroup] = [],
    slots: [String: [String: Tensor]] = [:], updateCount: Int = 0,
    averaging: (any WeightAveraging)? = nil, from averagedFrom: Int = 0,
    weights: [String: Tensor] = [:]
  ) throws {
    self.optimizer = optimizer
    self.groups = groups
    self.updateCount = updateCount
    self.averagedFrom = averagedFrom
    memory = try SlotMemory(
      optimizer.slots, of: "the optimizer", for: graph.learnedParameters(groups), kept: slots)
    self.averaging = averaging
    averages = try averaging.map { _ in
      try SlotMemory(
        [Trainer.averageSlot], of: "averages of the weights", for: graph.learnedParameters(groups),
        kept: [Trainer.averageSlot: slots[Trainer.averageSlot] ?? weights])
    }
  }

  var byteCount: Int { memory.byteCount + (averages?.byteCount ?? 0) }

  /// A copy of what is remembered, by slot, then by parameter.
  package var slots: [String: [String: Tensor]] {
    memory.values.merging(averages?.values ?? [:]) { $1 }
  }

  /// A copy of the averaged weights, where there are any.
  package var averagedWeights: [String: Tensor]? { averages?.values[Trainer.averageSlot] }

  /// What a step reads and writes of one parameter, as long as the store, and the memory of the gradient, live.
  ///
  /// - Precondition: the store has the parameter, of as many elements as the gradient.
  package func parameter(
    _ name: String, kind: ParameterKind, gradient: UnsafeMutableBufferPointer<Float>,
    in store: ParameterStore
  ) -> OptimizedParameter {
    let group = groups.group(of: name)
    return OptimizedParameter(
      name: name, kind: kind, shape: store.shapes[name] ?? [gradient.count],
      weights: store.address(of: name, count: gradient.count),
      gradient: gradient, slots: memory.addresses(of: name, count: gradient.count),
      average: averages?.addresses(of: name, count: gradient.count).first,
      rateFactor: group?.rateFactor ?? 1, decayFactor: group?.decayFactor ?? 1)
  }

  /// Updates parameters in place: the share of one task of so many. ``finishUpdate()`` follows when all are done.
  package func update(
    _ parameters: [OptimizedParameter], learningRate: Float, task: Int = 0, tasks: Int = 1
  ) {
    let isShared = optimizer.updatesElementsSeparately
    let share = averaging?.share(ofUpdate: updateCount - averagedFrom + 1) ?? 0
    // Of so many elements the weights are still in the nearest caches when the average takes its share of them.
    let blockSize = averaging != nil && isShared ? 1 << 14 : .max
    for (place, parameter) in parameters.enumerated() {
      let range: Range<Int>
      if isShared {
        range = parameter.share(of: task, tasks)
      } else {
        guard place % tasks == task else { continue }
        range = 0..<parameter.count
      }
      guard !range.isEmpty else { continue }
      var first = range.lowerBound
      while first < range.upperBound {
        let block = first..<(first + min(blockSize, range.upperBound - first))
        update(parameter, block, learningRate: learningRate)
        if let average = parameter.average {
          ck_average_weights(average + first, parameter.weights + first, block.count, share)
        }
        first = block.upperBound
      }
    }
  }

  private func update(
    _ parameter: OptimizedParameter, _ range: Range<Int>, learningRate: Float
  ) {
    let step = OptimizerStep(
      parameter, range: range, slots: memory.names, learningRate: learningRate,
      number: updateCount + 1)
    var weights = UnsafeMutableBufferPointer(
      start: parameter.weights + range.lowerBound, count: range.count
    ).mutableSpan
    optimizer.update(&weights, gradient: parameter.gradient.span.extracting(range), in: step)
  }

  /// Counts an update of all parameters.
  package func finishUpdate() { updateCount += 1 }
}

/// What an optimizer reads and writes of one parameter: memory of an executable and of stores, which does not move.
package struct OptimizedParameter {
  let name: String
  let kind: ParameterKind
  let shape: Shape
  let weights: UnsafeMutablePointer<Float>
  let gradient: UnsafeMutableBufferPointer<Float>
  let slots: [UnsafeMutablePointer<Float>]
  /// The averaged weights, where there are any.
  let average: UnsafeMutablePointer<Float>?
  /// Of its group, times the learning rate and the weight decay.
  let rateFactor: Float
  let decayFactor: Float

  var count: Int { gradient.count }

  /// The elements that one task of so many works on.
  func share(of task: Int, _ tasks: Int) -> Range<Int> {
    ck_share_begin(
      count, Int32(task), Int32(tasks))..<ck_share_begin(count, Int32(task + 1), Int32(tasks))
  }
}
