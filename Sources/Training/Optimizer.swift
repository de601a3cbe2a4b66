package import CKernels
package import ConvNetEngine
import ConvNetFiles
package import ConvNetGraphs
package import ConvNetTensors

/// How parameters follow their gradients.
public enum Optimizer: Hashable, Sendable, Codable {
  /// Gradient descent with momentum and weight decay, in the lecture's form (Krizhevsky et al.,
  /// 2012):
  ///
  ///     v <- momentum v - learningRate dL/dw - weightDecay learningRate w
  ///     w <- w + v
  case sgd(momentum: Float, weightDecay: Float, decaying: WeightDecayScope)

  public static func sgd(momentum: Float = 0, weightDecay: Float = 0) -> Optimizer {
    .sgd(momentum: momentum, weightDecay: weightDecay, decaying: .all)
  }
}

extension Optimizer: CustomStringConvertible {
  public var description: String {
    switch self {
    case .sgd(let momentum, let weightDecay, let scope):
      "SGD of momentum \(momentum) and weight decay \(weightDecay) on \(scope)"
    }
  }
}

/// Which parameters weight decay pulls towards zero.
public enum WeightDecayScope: String, Hashable, Sendable, Codable, CaseIterable {
  /// Every trainable parameter, as the lecture's formula has it.
  case all
  /// Kernels of convolutions and dense layers only: not biases, not batch normalization's scale and
  /// shift.
  case kernels

  func includes(_ kind: ParameterKind) -> Bool {
    switch self {
    case .all: kind.isTrainable
    case .kernels: kind == .kernel
    }
  }
}

/// An optimizer at work on the parameters of a store: its formula and its memory.
package final class OptimizerState {
  let optimizer: Optimizer
  private let velocityStore: ParameterStore

  /// - Throws: ``EngineError`` where a velocity is not `float32`.
  package init(_ optimizer: Optimizer, graph: Graph, velocities: [String: Tensor] = [:]) throws {
    self.optimizer = optimizer
    var all: [String: Tensor] = [:]
    let missing = graph.parameters.filter {
      graph[$0].parameterKind?.isTrainable == true && velocities[graph[$0].name] == nil
    }
    try Memory.require(
      missing.reduce(0) { $0 + graph[$1].shape.count * ElementType.float32.byteCount },
      for: "the optimizer's memory")
    for id in graph.parameters where graph[id].parameterKind?.isTrainable == true {
      all[graph[id].name] = velocities[graph[id].name] ?? Tensor(zeros: graph[id].shape)
    }
    velocityStore = try ParameterStore(consume all)
  }

  var byteCount: Int { velocityStore.byteCount }

  /// A copy of what an optimizer remembers of each parameter: the velocity.
  package var velocities: [String: Tensor] { velocityStore.values }

  /// What a step reads and writes of one parameter, as long as the store, and the memory of the gradient, live.
  ///
  /// - Precondition: the store has the parameter, of as many elements as the gradient.
  package func parameter(
    _ name: String, kind: ParameterKind, gradient: UnsafeMutableBufferPointer<Float>,
    in store: ParameterStore
  ) -> ck_momentum {
    guard let weight = store.withFloats(of: name, { $0 }),
      let velocity = velocityStore.withFloats(of: name, { $0 }),
      weight.count == gradient.count, velocity.count == gradient.count
    else { fatalError("the gradient of \(name) fits no parameter that is learned") }
    switch optimizer {
    case .sgd(_, let weightDecay, let scope):
      return ck_momentum(
        weight: weight.baseAddress, velocity: velocity.baseAddress, gradient: gradient.baseAddress,
        count: gradient.count, decay: scope.includes(kind) ? weightDecay : 0)
    }
  }

  /// Updates parameters in place: the share of one task of so many.
  package func step(
    _ parameters: [ck_momentum], learningRate: Float, task: Int = 0, tasks: Int = 1
  ) {
    switch optimizer {
    case .sgd(let momentum, _, _):
      ck_momentum_step(
        parameters, parameters.count, learningRate, momentum, Int32(task), Int32(tasks))
    }
  }
}
