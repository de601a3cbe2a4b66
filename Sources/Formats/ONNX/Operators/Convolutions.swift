import ConvNetGraphs
import ConvNetTensors

extension ONNXOperators {
  static let convolutions: [String: Reader] = [
    "Conv": convolution, "ConvTranspose": transposedConvolution,
  ]

  /// Settings that windows share.
  struct Window {
    var kernel: [Int]
    var strides: [Int]
    var dilations: [Int]
    /// Before and after each axis; what the file says, or what its word for it comes to.
    var sides: [Padding.Sides]
    var automatic: String

    /// - Parameter kernel: of the weights, where there are some.
    init(_ call: ONNXCall, kernel: [Int]?, input: [Int]) throws {
      let extents = try call.integers("kernel_shape") ?? kernel ?? []
      guard extents.count == input.count, kernel == nil || extents == kernel else {
        throw call.problem("kernel_shape is \(extents), for \(input.count) axes")
      }
      self.kernel = extents
      strides = try call.integers("strides") ?? extents.map { _ in 1 }
      dilations = try call.integers("dilations") ?? extents.map { _ in 1 }
      automatic = try call.text("auto_pad", or: "NOTSET")
      let pads = try call.integers("pads") ?? [Int](repeating: 0, count: 2 * extents.count)
      guard strides.count == input.count, dilations.count == input.count,
        pads.count == 2 * input.count
      else { throw call.problem("it has strides \(strides), dilations \(dilations), pads \(pads)") }
      try requirePositive(extents, "kernel_shape")
      try requirePositive(strides, "strides")
      try requirePositive(dilations, "dilations")
      guard pads.allSatisfy({ 0...windowLimit ~= $0 }) else {
        throw call.problem("pads are \(pads)")
      }
      let window = SlidingWindow(kernel: extents, strides: strides, dilations: dilations)
      switch automatic {
      case "NOTSET", "":
        sides = extents.indices.map {
          Padding.Sides(before: pads[$0], after: pads[extents.count + $0])
        }
      case "VALID": sides = extents.map { _ in Padding.Sides(before: 0, after: 0) }
      case "SAME_UPPER", "SAME_LOWER":
        sides = try Padding.same.sides(window: window, input: input)
        if automatic == "SAME_LOWER" {
          sides = sides.map { Padding.Sides(before: $0.after, after: $0.before) }
        }
      default: throw call.problem("auto_pad is \(automatic)")
      }
    }

    /// In the words of ours.
    var padding: Padding {
      if automatic == "SAME_UPPER" { return .same }
      guard let first = sides.first, sides.allSatisfy({ $0 == first }), first.before == first.after
      else { return .explicit(sides) }
      return first.before == 0 ? .valid : .symmetric(first.before)
    }
  }

  private static func convolution(_ call: ONNXCall) throws -> [ONNXOperand] {
    let (input, weights) = (try call.operand(0), try call.operand(1))
    guard 3...5 ~= input.rank, weights.rank == input.rank else {
      throw call.problem(
        "convolutions of one to three dimensions are read, not of \(max(0, input.rank - 2))")
    }
    let window = try Window(
      call, kernel: Array(weights.shape.dropFirst(2)), input: Array(input.shape.dropFirst(2)))
    if input.rank == 5 { return [try volume(call, input, weights, window)] }
    var values = [try call.value(input), try call.value(weights, as: .kernel)]
    if let bias = call.optional(2) { values.append(try call.value(bias, as: .bias)) }
    let operation = Operation.Convolution(
      strides: window.strides, dilations: window.dilations, padding: window.padding,
      groups: try call.integer("group", or: 1), hasBias: values.count > 2)
    return [try call.result(call.append(operation, values), type: input.type)]
  }

  private static func transposedConvolution(_ call: ONNXCall) throws -> [ONNXOperand] {
    let (input, weights) = (try call.operand(0), try call.operand(1))
    guard 3...5 ~= input.rank, weights.rank == input.rank else {
      throw call.problem(
        "transposed convolutions of one to three dimensions are read, not of \(max(0, input.rank - 2))"
      )
    }
    let extents = Array(input.shape.dropFirst(2))
    var window = try Window(call, kernel: Array(weights.shape.dropFirst(2)), input: extents)
    var outputPadding = try call.integers("output_padding") ?? extents.map { _ in 0 }
    guard outputPadding.count == extents.count, outputPadding.allSatisfy({ 0...windowLimit ~= $0 })
    else {
      throw call.problem("output_padding is \(outputPadding)")
    }
    let isAutomatic = window.automatic.hasPrefix("SAME")
    var wanted = try call.integers("output_shape")
    if wanted == nil, isAutomatic { wanted = zip(extents, window.strides).map { $0 * $1 } }
    if let wanted {
      guard wanted.count == extents.count, wanted.allSatisfy({ 1...extentLimit ~= $0 }) else {
        throw call.problem("output_shape is \(wanted)")
      }
      // What is more than that is cut away, half on either side; what is less is added behind.
      for axis in extents.indices {
        let reach = (window.kernel[axis] - 1) * window.dilations[axis] + 1
        let full = window.strides[axis] * (extents[axis] - 1) + outputPadding[axis] + reach
        let total = full - wanted[axis]
        if total < 0 {
          outputPadding[axis] -= total
          window.sides[axis] = .init(before: 0, after: 0)
        } else {
          let isUpper = window.automatic == "SAME_UPPER"
          let (less, more) = (total / 2, total - total / 2)
          window.sides[axis] =
            isUpper ? .init(before: less, after: more) : .init(before: more, after: less)
        }
      }
    }
    if input.rank == 5 {
      return [try transposedVolume(call, input, weights, window, outputPadding)]
    }
    // Output padding of a stride and more, which ours does not have, is a border of what nothing was added to.
    let border = zip(outputPadding, window.strides).map { max(0, $0 - $1 + 1) }
    var values = [try call.value(input), try call.value(weights, as: .kernel)]
    let bias = call.optional(2)
    let hasBorder = border.contains { $0 > 0 }
    if let bias, !hasBorder { values.append(try call.value(bias, as: .bias)) }
    let operation = Operation.TransposedConvolution(
      strides: window.strides, dilations: window.dilations, padding: .explicit(window.sides),
      outputPadding: zip(outputPadding, border).map { $0 - $1 },
      groups: try call.integer("group", or: 1), hasBias: values.count > 2)
    var result = try call.append(operation, values)
    if hasBorder {
      result = try call.append(
        Operation.Pad(sides: border.map { .init(before: 0, after: $0) }, mode: .zero), [result],
        "border")
      if let bias {
        let ones = extents.map { _ in 1 }
        let shift = try call.reshaped(
          call.value(bias, as: .bias), to: [1, bias.count] + ones, "bias")
        result = try call.apply(.add, result, shift, part: "plus bias")
      }
    }
    return [try call.result(result, type: input.type)]
  }
}
