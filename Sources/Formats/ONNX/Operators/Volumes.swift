import ConvNetGraphs
import ConvNetTensors

// Convolutions of volumes, [batch, channels, depth, height, width], by convolutions of pictures: those of all planes that a plane
// of the result sees are its channels, and planes are examples.

extension ONNXOperators {
  /// A picture for each plane of the result, whose channels are the planes that it sees of each channel.
  ///
  /// - Parameter sources: for each plane of the result, as many planes of the input; -1 for one of zeros.
  private static func stacked(
    _ call: ONNXCall, _ input: ONNXOperand, _ sources: [[Int]]
  ) throws -> ValueID {
    let (batch, channels, depth) = (input.shape[0], input.shape[1], input.shape[2])
    let (planes, taps) = (sources.count, sources.first?.count ?? 0)
    let pictures = Array(input.shape.dropFirst(3))
    let seen = try call.append(
      Operation.AxisMap(axis: 2, extent: depth, sources: sources.flatMap(\.self)),
      [call.value(input)], "planes")
    let split = try call.reshaped(seen, to: [batch, channels, planes, taps] + pictures, "windows")
    return try call.reshaped(
      call.transposed(split, [0, 2, 1, 3, 4, 5], "planes as examples"),
      to: [batch * planes, channels * taps] + pictures, "pictures")
  }

  /// The volumes that pictures of their planes are of.
  private static func volumes(
    _ call: ONNXCall, _ pictures: ValueID, batch: Int, planes: Int, type: ONNXElementType
  ) throws -> ONNXOperand {
    let extents = call.shape(pictures).dimensions
    let parted = try call.reshaped(pictures, to: [batch, planes] + extents.dropFirst(), "volumes")
    return try call.result(call.transposed(parted, [0, 2, 1, 3, 4], "result"), type: type)
  }

  private static func requireFolded(_ planes: Int, _ taps: Int, _ call: ONNXCall) throws {
    guard planes > 0, saturatingProduct([planes, taps]) <= ONNXOperand.foldedCount else {
      throw call.problem("it has \(planes) windows of \(taps) planes")
    }
  }

  static func volume(
    _ call: ONNXCall, _ input: ONNXOperand, _ weights: ONNXOperand, _ window: Window
  ) throws -> ONNXOperand {
    let (depth, taps) = (input.shape[2], window.kernel[0])
    let sliding = SlidingWindow(
      kernel: [taps], strides: [window.strides[0]], dilations: [window.dilations[0]])
    let planes = try sliding.outputExtents(
      input: [depth], padding: .explicit([window.sides[0]]), ceilMode: false)[0]
    try requireFolded(planes, taps, call)
    let sources = (0..<planes).map { plane in
      (0..<taps).map { tap in
        let place =
          plane * window.strides[0] + tap * window.dilations[0] - window.sides[0].before
        return 0..<depth ~= place ? place : -1
      }
    }
    // [out, in of the group, depth, ...]: the planes stand behind their channel already.
    let kernel = try call.shaped(
      weights, to: [weights.shape[0], weights.shape[1] * taps] + weights.shape[3...], as: .kernel)
    var values = [try stacked(call, input, sources), kernel]
    if let bias = call.optional(2) { values.append(try call.value(bias, as: .bias)) }
    let operation = Operation.Convolution(
      strides: Array(window.strides.dropFirst()), dilations: Array(window.dilations.dropFirst()),
      padding: .explicit(Array(window.sides.dropFirst())),
      groups: try call.integer("group", or: 1), hasBias: values.count > 2)
    let result = try call.append(operation, values, "convolution")
    return try volumes(call, result, batch: input.shape[0], planes: planes, type: input.type)
  }

  static func transposedVolume(
    _ call: ONNXCall, _ input: ONNXOperand, _ weights: ONNXOperand, _ window: Window,
    _ outputPadding: [Int]
  ) throws -> ONNXOperand {
    let (depth, taps, stride) = (input.shape[2], window.kernel[0], window.strides[0])
    let reach = (taps - 1) * window.dilations[0] + 1
    let planes =
      stride * (depth - 1) + reach + outputPadding[0] - window.sides[0].before
      - window.sides[0].after
    try requireFolded(planes, taps, call)
    // A plane is written to by those whose distance is a multiple of the stride.
    let sources = (0..<planes).map { plane in
      (0..<taps).map { tap in
        let distance = plane + window.sides[0].before - tap * window.dilations[0]
        return distance % stride == 0 && 0..<depth ~= distance / stride ? distance / stride : -1
      }
    }
    guard zip(outputPadding, window.strides).dropFirst().allSatisfy({ $0 < $1 }) else {
      throw call.problem("output_padding is \(outputPadding), strides are \(window.strides)")
    }
    // [in, out of the group, depth, ...]: each plane becomes an input channel of its own.
    let (rows, columns) = (weights.shape[0], weights.shape[1])
    let ordered = try call.transposed(
      call.value(weights, as: .kernel), [0, 2, 1, 3, 4], "kernel's planes")
    let kernel = try call.reshaped(
      ordered, to: [rows * taps, columns] + weights.shape[3...], "kernel")
    var values = [try stacked(call, input, sources), kernel]
    if let bias = call.optional(2) { values.append(try call.value(bias, as: .bias)) }
    let operation = Operation.TransposedConvolution(
      strides: Array(window.strides.dropFirst()), dilations: Array(window.dilations.dropFirst()),
      padding: .explicit(Array(window.sides.dropFirst())),
      outputPadding: Array(outputPadding.dropFirst()),
      groups: try call.integer("group", or: 1), hasBias: values.count > 2)
    let result = try call.append(operation, values, "convolution")
    return try volumes(call, result, batch: input.shape[0], planes: planes, type: input.type)
  }
}
