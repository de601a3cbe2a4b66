import CKernels
package import ConvNetEngine
import ConvNetFiles
package import ConvNetGraphs
package import ConvNetTensors

/// An optimizer at work on the parameters of a store: its formula and its memory.
package final class OptimizerState {
  let optimizer: any Optimizer
  private let slotNames: [String]
  private let stores: [ParameterStore]
  /// Updates so far.
  package private(set) var updateCount: Int

  /// - Parameter slots: what is remembered, by slot, then by parameter; zero where nothing is.
  /// - Throws: ``EngineError`` where a slot is not `float32`.
  package init(
    _ optimizer: any Optimizer, graph: Graph, slots: [String: [String: Tensor]] = [:],
    updateCount: Int = 0
  ) throws {
    self.optimizer = optimizer
    slotNames = optimizer.slots
    self.updateCount = updateCount
    guard Set(slotNames).count == slotNames.count else {
      throw TrainingError.invalidSetting(
        name: "the optimizer's slots", value: "\(slotNames)", requirement: "of different names")
    }
    let learned = graph.parameters.filter { graph[$0].parameterKind?.isTrainable == true }
    let missing = slotNames.flatMap { slot in
      learned.filter { slots[slot]?[graph[$0].name] == nil }
    }
    try Memory.require(
      missing.reduce(0) { $0 + graph[$1].shape.count * ElementType.float32.byteCount },
      for: "the optimizer's memory")
    stores = try slotNames.map { slot in
      var all: [String: Tensor] = [:]
      for id in learned {
        all[graph[id].name] = slots[slot]?[graph[id].name] ?? Tensor(zeros: graph[id].shape)
      }
      return try ParameterStore(consume all)
    }
  }

  var byteCount: Int { stores.reduce(0) { $0 + $1.byteCount } }

  /// A copy of what is remembered, by slot, then by parameter.
  package var slots: [String: [String: Tensor]] {
    Dictionary(uniqueKeysWithValues: zip(slotNames, stores.map(\.values)))
  }

  /// What a step reads and writes of one parameter, as long as the store, and the memory of the gradient, live.
  ///
  /// - Precondition: the store has the parameter, of as many elements as the gradient.
  package func parameter(
    _ name: String, kind: ParameterKind, gradient: UnsafeMutableBufferPointer<Float>,
    in store: ParameterStore
  ) -> OptimizedParameter {
    func address(in store: ParameterStore) -> UnsafeMutablePointer<Float> {
      guard let elements = store.withFloats(of: name, { $0 }), elements.count == gradient.count,
        let address = elements.baseAddress
      else { fatalError("the gradient of \(name) fits no parameter that is learned") }
      return address
    }
    return OptimizedParameter(
      name: name, kind: kind, weights: address(in: store), gradient: gradient,
      slots: stores.map(address))
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
        parameter, range: range, slots: slotNames, learningRate: learningRate,
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
  let weights: UnsafeMutablePointer<Float>
  let gradient: UnsafeMutableBufferPointer<Float>
  let slots: [UnsafeMutablePointer<Float>]

  var count: Int { gradient.count }

  /// The elements that one task of so many works on.
  func share(of task: Int, _ tasks: Int) -> Range<Int> {
    ck_share_begin(
      count, Int32(task), Int32(tasks))..<ck_share_begin(count, Int32(task + 1), Int32(tasks))
  }
}
