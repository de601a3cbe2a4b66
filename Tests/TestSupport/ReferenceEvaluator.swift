package import ConvNetGraphs
package import ConvNetTensors

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
    let shape = shapes[0]
    switch kind.attributes {
    case let attributes as Operation.Convolution: return [convolution(attributes, inputs, shape)]
    case let attributes as Operation.TransposedConvolution:
      return [transposedConvolution(attributes, inputs, shape)]
    case is Operation.ChannelSum: return [channelSum(inputs[0])]
    case let attributes as Operation.Dense: return [dense(attributes, inputs, shape)]
    case let attributes as Operation.MaxPooling: return maxPooling(attributes, inputs[0], shapes)
    case let attributes as Operation.AveragePooling:
      return [averagePooling(attributes, inputs[0], shape)]
    case let attributes as Operation.GlobalPooling:
      return [globalPooling(attributes, inputs[0], shape)]
    case let attributes as Operation.BatchNormalization:
      return batchNormalization(attributes, inputs)
    case let attributes as Operation.FoldedBatchNormalization:
      return foldedBatchNormalization(attributes, inputs)
    case let attributes as Operation.MovingAverage: return [movingAverage(attributes, inputs)]
    case let attributes as Operation.LocalResponseNormalization:
      let output = localResponseNormalization(attributes, inputs[0])
      return shapes.map { _ in output }
    case let attributes as Operation.Activation: return [activation(attributes.function, inputs[0])]
    case let attributes as Operation.Add: return [add(attributes, inputs)]
    case is Operation.Multiply: return [elementwise(inputs[0], inputs[1], *)]
    case let attributes as Operation.Concatenate: return [concatenate(attributes, inputs, shape)]
    case let attributes as Operation.Slice: return [slice(attributes, inputs[0], shape)]
    case let attributes as Operation.Pad: return [pad(attributes, inputs[0], shape)]
    case let attributes as Operation.Flatten: return [flatten(attributes.order, inputs[0], shape)]
    case let attributes as Operation.Unflatten:
      return [unflatten(attributes.order, inputs[0], shape)]
    case is Operation.Reshape: return [ReferenceValue(inputs[0].elements, shape: shape)]
    case let attributes as Operation.Transpose: return [transpose(attributes, inputs[0], shape)]
    case let attributes as Operation.Upsample: return [upsample(attributes, inputs[0], shape)]
    case let attributes as Operation.Dropout: return [dropout(attributes, inputs[0])]
    case let attributes as Operation.Softmax: return [softmax(attributes, inputs[0])]
    case let attributes as Operation.CrossEntropy: return crossEntropy(attributes, inputs)
    case is Operation.MeanSquaredError: return [meanSquaredError(inputs)]
    case let attributes as Operation.Constant:
      return [ReferenceValue(repeating: Double(attributes.value), shape: shape)]
    default:
      return try evaluateGradient(kind, inputs, outputs: shapes)
    }
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
