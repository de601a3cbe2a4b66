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

extension OperationAttributes {
  /// How the engine computes the operation.
  ///
  /// - Throws: ``EngineError`` where it does not.
  func lowered(as name: String) throws -> any LoweredOperation {
    guard let lowered = self as? any LoweredOperation else {
      throw EngineError(
        subject: name,
        problem: .unsupported(
          requirement: "\(Self.name) has no kernel; let its type conform to CustomOperation"))
    }
    return lowered
  }
}

extension Lowering {
  /// Emits the steps of one operation; places its outputs.
  mutating func lower(_ operation: Operation) throws {
    try operation.attributes.lowered(as: operation.name).lower(operation, with: &self)
  }
}
