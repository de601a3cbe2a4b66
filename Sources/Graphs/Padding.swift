/// How a window that slides over an input treats its border. The words differ because the
/// conventions do.
public enum Padding: Hashable, Sendable, Codable {
  /// None: windows lie inside the input, and the output is smaller.
  case valid
  /// Zeros so that the output has ceil(input / stride) positions. Where their number is odd the
  /// extra one is on the right and at the bottom, as in TensorFlow.
  case same
  /// The same number on both sides of every axis, as in PyTorch.
  case symmetric(Int)
  /// One pair an axis: before (top, left) and after (bottom, right).
  case explicit([Sides])

  /// How many positions are added to an axis.
  public struct Sides: Hashable, Sendable, Codable {
    /// At the top or on the left.
    public var before: Int
    /// At the bottom or on the right.
    public var after: Int

    /// Padding of that many positions before the input and behind it.
    public init(before: Int, after: Int) {
      self.before = before
      self.after = after
    }
  }

  /// The padding of each axis for an input of the given extents.
  package func sides(window: SlidingWindow, input: [Int]) throws(GraphError.Problem) -> [Sides] {
    switch self {
    case .valid:
      return input.map { _ in Sides(before: 0, after: 0) }
    case .symmetric(let amount):
      guard 0...extentLimit ~= amount else {
        throw .attribute(
          name: "padding", value: "\(amount)", requirement: "between 0 and \(extentLimit)")
      }
      return input.map { _ in Sides(before: amount, after: amount) }
    case .explicit(let sides):
      let allowed = 0...extentLimit
      guard sides.count == input.count,
        sides.allSatisfy({ allowed ~= $0.before && allowed ~= $0.after })
      else {
        throw .attribute(
          name: "padding", value: "\(sides.map { [$0.before, $0.after] })",
          requirement: "\(input.count) pairs between 0 and \(extentLimit)")
      }
      return sides
    case .same:
      return input.indices.map { axis in
        let positions = (input[axis] + window.strides[axis] - 1) / window.strides[axis]
        let covered = (positions - 1) * window.strides[axis] + window.extent(axis)
        let total = max(0, covered - input[axis])
        return Sides(before: total / 2, after: total - total / 2)
      }
    }
  }
}

extension Padding: CustomStringConvertible {
  /// `valid`, `same`, `padding 1`, or each axis's sides as in `padding 0+1 0+1`.
  public var description: String {
    switch self {
    case .valid: "valid"
    case .same: "same"
    case .symmetric(let amount): "padding \(amount)"
    case .explicit(let sides):
      "padding " + sides.map { "\($0.before)+\($0.after)" }.joined(separator: " ")
    }
  }
}

/// The geometry that convolution and pooling share: a kernel that visits the input in strides.
package struct SlidingWindow: Hashable, Sendable {
  package var kernel: [Int]
  package var strides: [Int]
  package var dilations: [Int]

  package init(kernel: [Int], strides: [Int], dilations: [Int]) {
    self.kernel = kernel
    self.strides = strides
    self.dilations = dilations
  }

  /// Input positions from the first to the last tap of the kernel: dilation x (kernel - 1) + 1.
  package func extent(_ axis: Int) -> Int {
    dilations[axis] * (kernel[axis] - 1) + 1
  }

  /// The output's extents: floor((input + padding - extent) / stride) + 1 along each axis.
  ///
  /// With `ceilMode` the quotient is rounded up, except that a window which would start in the
  /// padding after the input is dropped.
  package func outputExtents(
    input: [Int], padding: Padding, ceilMode: Bool = false
  ) throws(GraphError.Problem) -> [Int] {
    guard kernel.count == input.count, strides.count == input.count, dilations.count == input.count
    else {
      throw .attribute(
        name: "kernel, strides, dilations", value: "\(kernel), \(strides), \(dilations)",
        requirement: "one number an axis of \(input)")
    }
    try requirePositive(input, "input")
    try requirePositive(kernel, "kernel")
    try requirePositive(strides, "strides")
    try requirePositive(dilations, "dilations")
    let sides = try padding.sides(window: self, input: input)
    let padded = input.indices.map { input[$0] + sides[$0].before + sides[$0].after }
    guard input.indices.allSatisfy({ extent($0) <= padded[$0] }) else {
      throw .windowExceedsInput(window: input.indices.map(extent), paddedInput: padded)
    }
    return input.indices.map { axis in
      let room = padded[axis] - extent(axis)
      guard ceilMode else { return room / strides[axis] + 1 }
      let rounded = (room + strides[axis] - 1) / strides[axis] + 1
      let lastStart = (rounded - 1) * strides[axis]
      return lastStart >= input[axis] + sides[axis].before ? rounded - 1 : rounded
    }
  }
}
