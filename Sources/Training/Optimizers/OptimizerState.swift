import CKernels
package import ConvNetEngine
package import ConvNetGraphs
package import ConvNetTensors

/// An optimizer at work on the parameters of a store: its formula and its memory.
package final class OptimizerState {
  let optimizer: any Optimizer
  private let groups: [ParameterGroup]
  private let memory: SlotMemory
  /// Updates so far.
  package private(set) var updateCount: Int

  /// - Parameters:
  ///   - groups: which parameters are learned, and how.
  ///   - slots: what is remembered, by slot, then by parameter; zero where nothing is.
  /// - Throws: ``EngineError`` where a slot is not `float32`.
  package init(
    _ optimizer: any Optimizer, graph: Graph, groups: [ParameterGroup] = [],
    slots: [String: [String: Tensor]] = [:], updateCount: Int = 0
  ) throws {
    self.optimizer = optimizer
    self.groups = groups
    self.updateCount = updateCount
    memory = try SlotMemory(
      optimizer.slots, of: "the optimizer", for: graph.learnedParameters(groups), kept: slots)
  }

  var byteCount: Int { memory.byteCount }

  /// A copy of what is remembered, by slot, then by parameter.
  package var slots: [String: [String: Tensor]] { memory.values }

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
      rateFactor: group?.rateFactor ?? 1, decayFactor: group?.decayFactor ?? 1)
  }

  /// Updates parameters in place: the share of one task of so many. ``finishUpdate()`` follows when all are done.
  package func update(
    _ parameters: [OptimizedParameter], learningRate: Float, task: Int = 0, tasks: Int = 1
  ) {
    let isShared = optimizer.updatesElementsSeparately
    for (place, parameter) in parameters.enumerated() {
      let range: Range<Int>
      if isShared {
        range = parameter.share(of: task, tasks)
      } else {
        guard place % tasks == task else { continue }
        range = 0..<parameter.count
      }
      guard !range.isEmpty else { continue }
      let step = OptimizerStep(
        parameter, range: range, slots: memory.names, learningRate: learningRate,
        number: updateCount + 1)
      var weights = UnsafeMutableBufferPointer(
        start: parameter.weights + range.lowerBound, count: range.count
      ).mutableSpan
      optimizer.update(&weights, gradient: parameter.gradient.span.extracting(range), in: step)
    }
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
