import ConvNetGraphs

/// An operation that the engine computes with primitives and kernels of its family, in whose file under `Primitives/` it says so.
protocol LoweredOperation: OperationAttributes {
  static var lowering: LoweringTraits { get }

  /// Emits the steps of the operation; places its outputs.
  func lower(_ operation: Operation, with lowering: inout Lowering) throws
}

/// What the engine knows of an operation before it lowers it.
struct LoweringTraits {
  /// What a profile sums up the steps of our own kernels by, where they do not say otherwise.
  var kind: StepKind
  /// Whether inputs of one shape are combined element by element, and so wanted in one layout.
  var combinesInputs: Bool
}

extension Lowering {
  /// Emits the steps of one operation; places its outputs.
  ///
  /// - Throws: ``EngineError`` where the engine does not compute it.
  mutating func lower(_ operation: Operation) throws {
    switch operation.attributes {
    case let attributes as any LoweredOperation:
      try attributes.lower(operation, with: &self)
    case let attributes as any CustomOperation:
      try lower(custom: attributes, operation)
    default:
      throw EngineError(
        subject: operation.name,
        problem: .unsupported(
          requirement:
            "\(operation.kind.name) has no kernel; let its type conform to CustomOperation"))
    }
  }
}
