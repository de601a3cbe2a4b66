package import ConvNetGraphs
package import ConvNetTensors

/// An operation whose formula, in the file of its family in `Operations/`, is written down once more for the tests.
protocol ReferenceOperation: OperationAttributes {
  /// The outputs, whose shapes are given, in double precision.
  ///
  /// - Parameter evaluator: what the formulas of operations share.
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue]
}

/// A naive interpreter of graphs in double precision: loops written straight from the definitions,
/// to which every faster implementation is compared.
package struct ReferenceEvaluator: Sendable {
  /// Whether dropout keeps an element, by its row-major place.
  package typealias DropoutMask = @Sendable (_ dropout: Operation.Dropout, _ element: Int) -> Bool

  let keeps: DropoutMask
  private let roundingSeed: UInt64?

  /// Without a mask dropout keeps every element (and still divides it).
  ///
  /// With a seed every result of an operation is changed at random by up to a float's last digit, 2^-23 of it: what that changes
  /// of a value is what single precision can be blamed for.
  package init(
    roundingSeed: UInt64? = nil, dropoutMask keeps: @escaping DropoutMask = { _, _ in true }
  ) {
    self.roundingSeed = roundingSeed
    self.keeps = keeps
  }

  /// All values of a graph, from those of its inputs and parameters.
  package func evaluate(
    _ graph: Graph, given: [ValueID: ReferenceValue]
  ) throws -> [ValueID: ReferenceValue] {
    var values = given
    for operation in graph.operations {
      let inputs = try operation.inputs.map { id in
        guard let value = values[id] else {
          throw GraphError(
            subject: operation.name, problem: .invariant("is not given \(graph[id].name)"))
        }
        return value
      }
      let shapes = operation.outputs.map { graph[$0].shape }
      let outputs = try evaluate(operation.kind, inputs, outputs: shapes)
      for (id, output) in zip(operation.outputs, outputs) {
        values[id] = graph[id].type.elementType == .float32 ? rounded(output, id) : output
      }
    }
    return values
  }

  private func rounded(_ value: ReferenceValue, _ id: ValueID) -> ReferenceValue {
    guard let roundingSeed else { return value }
    var draws = SeededDraws(seed: roundingSeed &* 1000 &+ UInt64(id.index))
    return ReferenceValue(
      value.elements.map { $0 * (1 + Double(draws.below(2049) - 1024) * 0x1p-33) },
      shape: value.shape)
  }

  /// The outputs of one operation, whose shapes are given. What a forward operation keeps for its
  /// gradient is in a form of the reference's own.
  package func evaluate(
    _ kind: OperationKind, _ inputs: [ReferenceValue], outputs shapes: [Shape]
  ) throws -> [ReferenceValue] {
    guard let operation = kind.attributes as? any ReferenceOperation else {
      throw GraphError(subject: kind.name, problem: .invariant("has no reference"))
    }
    return try operation.values(of: inputs, outputs: shapes, by: self)
  }
}

/// Attributes with one number an axis, as (row, column); a signal has one row.
func rowsAndColumns(_ numbers: [Int], orElse missing: Int) -> (rows: Int, columns: Int) {
  numbers.count == 2 ? (numbers[0], numbers[1]) : (missing, numbers[0])
}

/// The zeros before the first row and column, written from the definition of each convention.
func leadingPadding(
  _ padding: Padding, input: ReferenceValue, kernel: (rows: Int, columns: Int),
  strides: (rows: Int, columns: Int), dilations: (rows: Int, columns: Int) = (1, 1)
) -> (rows: Int, columns: Int) {
  func same(_ extent: Int, _ kernel: Int, _ stride: Int, _ dilation: Int) -> Int {
    let outputs = Int((Double(extent) / Double(stride)).rounded(.up))
    return max(0, (outputs - 1) * stride + dilation * (kernel - 1) + 1 - extent) / 2
  }
  switch padding {
  case .valid:
    return (0, 0)
  case .same:
    return (
      same(input.height, kernel.rows, strides.rows, dilations.rows),
      same(input.width, kernel.columns, strides.columns, dilations.columns)
    )
  case .symmetric(let amount):
    return (input.shape.rank == 4 ? amount : 0, amount)
  case .explicit(let sides):
    return rowsAndColumns(sides.map(\.before), orElse: 0)
  }
}
