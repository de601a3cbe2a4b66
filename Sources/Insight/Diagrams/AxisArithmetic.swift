public import ConvNetGraphs

/// What slides over an input.
public enum WindowKind: String, Hashable, Sendable, Codable, CaseIterable {
  /// A kernel that is multiplied with what is under it.
  case convolution
  /// The same linear map backwards: the input is stretched, with zeros between its positions.
  case transposedConvolution = "transposed"
  /// A window of which the largest number is taken.
  case maxPooling = "max-pooling"
  /// A window of which the mean is taken.
  case averagePooling = "average-pooling"
}

/// A window that slides along one axis of an input: how many positions it has, and what lies under it at each, worked out as the
/// lecture does it, and independently of the engine.
///
///     output = floor((input + before + after - extent) / stride) + 1,    extent = dilation (kernel - 1) + 1
///     output = (input - 1) stride + extent - before - after + output padding     of a transposed convolution
///
/// (V. Dumoulin, F. Visin, "A guide to convolution arithmetic for deep learning", 2016, relations 6 and 14.) It goes further than
/// the engine: windows of pooling may have gaps, as ONNX has them, and the output padding of a transposed convolution may reach
/// the stride where it is below the dilation, as PyTorch has it.
public struct AxisArithmetic: Hashable, Sendable {
  /// What slides.
  public let kind: WindowKind
  /// Positions of the input.
  public let input: Int
  /// Elements of the kernel.
  public let kernel: Int
  /// Positions from one window to the next.
  public let stride: Int
  /// Positions from one element of the kernel to the next.
  public let dilation: Int
  /// Positions that are added before the input; of a transposed convolution, cut from the output.
  public let before: Int
  /// Positions that are added behind the input; of a transposed convolution, cut from the output.
  public let after: Int
  /// Positions that a transposed convolution adds behind its output.
  public let outputPadding: Int
  /// Whether the last window may reach beyond the padded input.
  public let roundsUp: Bool

  /// Positions under the kernel, from its first element to its last.
  public var extent: Int { dilation * (kernel - 1) + 1 }

  /// The largest number that a setting may be.
  public static let limit = 1 << 20

  /// An axis with these settings.
  ///
  /// - Throws: ``InsightError/setting(name:value:requirement:)`` where one is out of range, or the window does not fit.
  public init(
    _ kind: WindowKind = .convolution, input: Int, kernel: Int, stride: Int = 1, dilation: Int = 1,
    padding: Padding = .valid, axis: Int = 0, outputPadding: Int = 0, roundsUp: Bool = false
  ) throws(InsightError) {
    func require(_ name: String, _ value: Int, least: Int = 1) throws(InsightError) {
      guard least...Self.limit ~= value else {
        throw .setting(
          name: name, value: "\(value)", requirement: "from \(least) to \(Self.limit)")
      }
    }
    try require("the input", input)
    try require("the kernel", kernel)
    try require("the stride", stride)
    try require("the dilation", dilation)
    let isPooling = kind == .maxPooling || kind == .averagePooling
    let isTransposed = kind == .transposedConvolution
    guard isPooling || !roundsUp else {
      throw .setting(
        name: "rounding up", value: "asked for",
        requirement: "of pooling; the last window of others lies inside")
    }
    guard isTransposed || outputPadding == 0 else {
      throw .setting(
        name: "the output padding", value: "\(outputPadding)",
        requirement: "0: it is of transposed convolutions")
    }
    guard 0..<max(stride, dilation) ~= outputPadding else {
      throw .setting(
        name: "the output padding", value: "\(outputPadding)",
        requirement:
          "from 0 to \(max(stride, dilation) - 1), below the stride or below the dilation")
    }
    let (extent, overflow) = dilation.multipliedReportingOverflow(by: kernel - 1)
    guard !overflow, extent < Self.limit else {
      throw .setting(
        name: "the dilated kernel", value: "\(dilation) x \(kernel - 1) + 1",
        requirement: "at most \(Self.limit)")
    }
    let sides: (before: Int, after: Int)
    switch padding {
    case .valid: sides = (0, 0)
    case .symmetric(let amount):
      try require("the padding", amount, least: 0)
      sides = (amount, amount)
    case .explicit(let pairs):
      guard pairs.indices.contains(axis) else {
        throw .setting(
          name: "the padding", value: "\(pairs.count) pairs", requirement: "a pair an axis")
      }
      try require("the padding", pairs[axis].before, least: 0)
      try require("the padding", pairs[axis].after, least: 0)
      sides = (pairs[axis].before, pairs[axis].after)
    case .same:
      guard !isTransposed else {
        throw .setting(
          name: "the padding", value: "same",
          requirement: "valid or a number: of a transposed convolution it is cut from the output")
      }
      let positions = (input + stride - 1) / stride
      let missing = max(0, (positions - 1) * stride + extent + 1 - input)
      sides = (missing / 2, missing - missing / 2)
    }
    (before, after) = (sides.before, sides.after)
    (self.kind, self.input, self.kernel) = (kind, input, kernel)
    (self.stride, self.dilation) = (stride, dilation)
    (self.outputPadding, self.roundsUp) = (outputPadding, roundsUp)
    if isTransposed {
      guard output > 0 else {
        throw .setting(
          name: "the padding", value: "\(before) and \(after)",
          requirement: "less: it cuts away all of the output, \(formula)")
      }
    } else {
      guard self.extent <= input + before + after else {
        throw .setting(
          name: "the window", value: "\(self.extent)",
          requirement: "at most the padded input, \(input + before + after)")
      }
      guard !isPooling || max(before, after) < self.extent else {
        throw .setting(
          name: "the padding", value: "\(max(before, after))",
          requirement: "below the window of \(self.extent), or a window would have nothing in it")
      }
      guard !isPooling || !hasEmptyWindow else {
        throw .setting(
          name: "the dilation", value: "\(dilation)",
          requirement: "less: the input of \(input) would lie in a gap of a window")
      }
    }
  }

  /// Whether a window that begins before the input has its elements on both sides of it. Of a window with gaps that reaches the
  /// input, the first element that is not before it lies at the remainder of its start.
  private var hasEmptyWindow: Bool {
    let starts = Swift.stride(from: -before, to: 0, by: stride).prefix(output)
    return starts.contains { (dilation + $0 % dilation) % dilation >= input }
  }

  /// Positions of the output.
  public var output: Int {
    if kind == .transposedConvolution {
      return (input - 1) * stride + extent - before - after + outputPadding
    }
    let room = input + before + after - extent
    guard roundsUp else { return room / stride + 1 }
    let positions = (room + stride - 1) / stride + 1
    // A window that begins behind the input has nothing in it.
    return (positions - 1) * stride >= input + before ? positions - 1 : positions
  }

  /// How the number of positions comes about, with the numbers in it.
  public var formula: String {
    let window = dilation == 1 ? "\(kernel)" : "(\(dilation) · (\(kernel) − 1) + 1)"
    func sum(_ sign: String) -> String {
      before == 0 && after == 0 ? "" : " \(sign) \(before) \(sign) \(after)"
    }
    if kind == .transposedConvolution {
      return "(\(input) − 1) · \(stride) + \(window)\(sum("−"))"
        + (outputPadding > 0 ? " + \(outputPadding)" : "") + " = \(output)"
    }
    let (open, close) = roundsUp ? ("⌈", "⌉") : ("⌊", "⌋")
    let quotient = "(\(input)\(sum("+")) − \(window)) / \(stride)"
    let value = stride == 1 ? "\(quotient.dropLast(4))" : "\(open)\(quotient)\(close)"
    let dropped = roundsUp && output < (input + before + after - extent + stride - 1) / stride + 1
    return "\(value) + 1\(dropped ? " − 1" : "") = \(output)"
  }

  /// The positions under the kernel's elements at an output position, counted from the input's first: what is negative, or not
  /// below ``input``, is padding. Of a transposed convolution they are positions of the stretched input, whose numbers stand
  /// at the multiples of ``stride``.
  public func taps(at position: Int) -> [Int] {
    if kind == .transposedConvolution {
      return (0..<kernel).reversed().map { position + before - $0 * dilation }
    }
    return (0..<kernel).map { position * stride - before + $0 * dilation }
  }

  /// Positions of the input as it lies under the windows: stretched, of a transposed convolution.
  public var stretchedInput: Int {
    kind == .transposedConvolution ? (input - 1) * stride + 1 : input
  }

  /// What windows cover at all, in the positions of ``taps(at:)``: with the padding, or more where a window reaches beyond it.
  public var covered: ClosedRange<Int> {
    let windows = taps(at: 0) + taps(at: output - 1) + [0, stretchedInput - 1]
    let padding = kind == .transposedConvolution ? 0...0 : -before...(input + after - 1)
    return windows.reduce(padding) { min($0.lowerBound, $1)...max($0.upperBound, $1) }
  }
}
