import ConvNetGraphs
import ConvNetTensors

extension OperationCase {
  static let movements: [OperationCase] =
    [
      OperationCase(
        "channels", Operation.Concatenate(),
        [Input([2, 3, 4, 5]), Input([2, 1, 4, 5]), Input([2, 17, 4, 5])]),
      OperationCase(
        "channels of 16", Operation.Concatenate(), [Input([1, 16, 3, 3]), Input([1, 16, 3, 3])]),
      OperationCase(
        "rows", Operation.Concatenate(axis: 2), [Input([2, 3, 1, 4]), Input([2, 3, 5, 4])]),
      OperationCase("features", Operation.Concatenate(), [Input([3, 4]), Input([3, 6])]),
      OperationCase("one", Operation.Concatenate(), [Input([1, 4, 2, 2])]),
      OperationCase(
        "channels", Operation.Slice(axis: 1, start: 2, count: 3), [Input([2, 7, 3, 2])]),
      OperationCase(
        "columns", Operation.Slice(axis: 3, start: 0, count: 2), [Input([1, 3, 2, 5])]),
      OperationCase("examples", Operation.Slice(axis: 0, start: 1, count: 1), [Input([3, 4])]),
      OperationCase("all", Operation.Slice(axis: 1, start: 0, count: 4), [Input([2, 4, 2, 2])]),
      OperationCase("to 4x9", Operation.Reshape(shape: [4, 9]), [Input([2, 3, 4, 3])]),
      OperationCase("to a picture", Operation.Reshape(shape: [3, 2, 5]), [Input([2, 30])]),
      OperationCase(
        "channels last", Operation.Transpose(permutation: [0, 2, 3, 1]), [Input([2, 3, 4, 5])]),
      OperationCase(
        "all axes", Operation.Transpose(permutation: [3, 0, 2, 1]), [Input([2, 3, 4, 5])]),
      OperationCase("matrix", Operation.Transpose(permutation: [1, 0]), [Input([3, 8])]),
    ]
    + flattenings + paddings + upsamplings

  private static let flattenings: [OperationCase] = DataFormat.allCases.flatMap { order in
    [
      OperationCase("\(order)", Operation.Flatten(order: order), [Input([2, 3, 4, 5])]),
      OperationCase(
        "\(order), 17 channels", Operation.Flatten(order: order), [Input([1, 17, 3, 2])]),
      OperationCase("\(order), signal", Operation.Flatten(order: order), [Input([2, 3, 7])]),
      OperationCase("\(order), features", Operation.Flatten(order: order), [Input([2, 6])]),
      OperationCase(
        "\(order)", Operation.Unflatten(order: order, shape: [3, 4, 5]), [Input([2, 60])]),
    ]
  }

  private static let paddings: [OperationCase] = Operation.Pad.Mode.allCases.flatMap { mode in
    let sides: [Padding.Sides] = [.init(before: 2, after: 1), .init(before: 0, after: 3)]
    return [
      OperationCase("\(mode)", Operation.Pad(sides: sides, mode: mode), [Input([2, 3, 4, 5])]),
      OperationCase(
        "\(mode), channels",
        Operation.Pad(sides: sides, mode: mode, channels: .init(before: 1, after: 4)),
        [Input([2, 3, 4, 5])]),
      OperationCase(
        "\(mode), signal", Operation.Pad(sides: [.init(before: 3, after: 2)], mode: mode),
        [Input([1, 17, 4])]),
      OperationCase(
        "\(mode), nothing",
        Operation.Pad(sides: sides.map { _ in .init(before: 0, after: 0) }, mode: mode),
        [Input([1, 2, 3, 3])]),
    ]
  }

  private static let upsamplings: [OperationCase] = [
    Operation.Upsample.Mode.nearest, .bilinear,
  ].flatMap { mode in
    [
      OperationCase(
        "\(mode) 2", Operation.Upsample(factors: [2, 2], mode: mode), [Input([2, 3, 3, 4])]),
      OperationCase(
        "\(mode) 3x1", Operation.Upsample(factors: [3, 1], mode: mode), [Input([1, 17, 2, 5])]),
      OperationCase(
        "\(mode), one position", Operation.Upsample(factors: [4, 3], mode: mode),
        [Input([1, 2, 1, 1])]),
      OperationCase(
        "\(mode), signal", Operation.Upsample(factors: [2], mode: mode), [Input([2, 3, 5])]),
    ]
  }
}
