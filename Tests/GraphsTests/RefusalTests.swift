import ConvNetGraphs
import ConvNetTensors
import Testing

@Suite struct RefusalTests {
  struct Refusal: Sendable, CustomTestStringConvertible {
    var attributes: any OperationAttributes
    var inputs: [ValueType]
    /// What the description holds.
    var text: String

    init(_ attributes: any OperationAttributes, _ inputs: [Shape], _ text: String) {
      self.init(attributes, types: inputs.map { ValueType($0) }, text)
    }

    init(_ attributes: any OperationAttributes, types: [ValueType], _ text: String) {
      self.attributes = attributes
      inputs = types
      self.text = text
    }

    var testDescription: String { "\(attributes.kind.name): \(text)" }
  }

  private static let picture: Shape = [1, 4, 5, 5]

  static let convolutions: [Refusal] = [
    Refusal(
      Operation.Convolution(strides: [1, 1]), [picture, [2, 4, 3, 3]], "takes 3 inputs, was given 2"
    ),
    Refusal(
      Operation.Convolution(strides: [1, 1], hasBias: false), [[1, 4], [2, 4]],
      "input 0 needs 3 to 4 dimensions, has shape 1x4"),
    Refusal(
      Operation.Convolution(strides: [1, 1], hasBias: false), [picture, [2, 3, 3, 3]],
      "input 1 needs shape 2x4x3x3, has 2x3x3x3"),
    Refusal(
      Operation.Convolution(strides: [1, 1]), [picture, [2, 4, 3, 3], [3]],
      "input 2 needs shape 2, has 3"),
    Refusal(
      Operation.Convolution(strides: [1, 1], hasBias: false), [picture, [2, 4, 7, 3]],
      "a window of 7x3 does not fit into the padded input of 5x5"),
    Refusal(
      Operation.Convolution(strides: [0, 1], hasBias: false), [picture, [2, 4, 3, 3]],
      "strides is [0, 1]"),
    Refusal(
      Operation.Convolution(strides: [1], hasBias: false), [picture, [2, 4, 3, 3]],
      "one number an axis"),
    Refusal(
      Operation.Convolution(strides: [1, 1], dilations: [1, .max], hasBias: false),
      [picture, [2, 4, 3, 3]], "dilations is [1, 9223372036854775807]"),
    Refusal(
      Operation.Convolution(strides: [1, 1], groups: 3, hasBias: false), [picture, [3, 1, 3, 3]],
      "groups is 3, must be a divisor of the 4 input"),
    Refusal(
      Operation.Convolution(strides: [1, 1], groups: 0, hasBias: false), [picture, [3, 1, 3, 3]],
      "groups is [0]"),
    Refusal(
      Operation.Convolution(strides: [1, 1], padding: .symmetric(-1), hasBias: false),
      [picture, [2, 4, 3, 3]], "padding is -1"),
    Refusal(
      Operation.Convolution(strides: [1, 1], padding: .symmetric(.max), hasBias: false),
      [picture, [2, 4, 3, 3]], "padding is 9223372036854775807"),
    Refusal(
      Operation.Convolution(
        strides: [1, 1], padding: .explicit([.init(before: 1, after: 1)]), hasBias: false),
      [picture, [2, 4, 3, 3]], "must be 2 pairs"),
    Refusal(
      Operation.Convolution(strides: [1, 1], hasBias: false),
      types: [ValueType(picture, .uint8), ValueType([2, 4, 3, 3])],
      "input 0 needs elements of type float32, has uint8"),
    Refusal(
      Operation.TransposedConvolution(strides: [2, 2], padding: .same, hasBias: false),
      [picture, [4, 2, 3, 3]], "padding is same, must be valid, symmetric or explicit"),
    Refusal(
      Operation.TransposedConvolution(strides: [2, 2], outputPadding: [0, 2], hasBias: false),
      [picture, [4, 2, 3, 3]], "outputPadding is [0, 2], must be from zero to below the strides"),
    Refusal(
      Operation.TransposedConvolution(strides: [1, 1], padding: .symmetric(4), hasBias: false),
      [picture, [4, 2, 3, 3]], "something of the output remains"),
    Refusal(
      Operation.TransposedConvolution(strides: [1, 1], hasBias: false), [picture, [3, 2, 3, 3]],
      "input 1 needs shape 4x2x3x3"),
    Refusal(
      Operation.Convolution(
        strides: [1, 1], dilations: [1, 1 << 13], padding: .same, hasBias: false),
      [picture, [2, 4, 3, 3]], "window is 3x16385, must be at most 16384 along an axis"),
    Refusal(
      Operation.Convolution(strides: [1, 1], padding: .same, hasBias: false),
      [picture, [2, 4, 1 << 20, 1]], "window is 1048576x1, must be at most 16384"),
    Refusal(
      Operation.Convolution(
        strides: [1 << 30, 1 << 30], padding: .symmetric(1 << 30), hasBias: false),
      [picture, [2, 4, 3, 3]], "must be at most 16384 on a side"),
    Refusal(
      Operation.TransposedConvolution(
        strides: [1, 1], dilations: [1 << 20, 1], padding: .symmetric(1), hasBias: false),
      [picture, [4, 2, 3, 3]], "window is 2097153x3, must be at most 16384"),
    Refusal(
      Operation.TransposedConvolution(
        strides: [1 << 20, 1 << 20], padding: .symmetric(1 << 15), hasBias: false),
      [picture, [4, 2, 3, 3]], "must be at most 16384 on a side"),
    Refusal(
      Operation.Dense(hasBias: false), [[2, 5], [3, 4]], "input 1 needs shape 3x5, has 3x4"),
    Refusal(Operation.Dense(hasBias: false), [picture, [3, 4]], "input 0 needs 2 dimensions"),
  ]

  static let poolings: [Refusal] = [
    Refusal(
      Operation.MaxPooling(window: [2, 2], strides: [1, 1], padding: .symmetric(2)), [picture],
      "smaller than the window 2x2"),
    Refusal(
      Operation.MaxPooling(window: [6, 2], strides: [1, 1]), [picture],
      "a window of 6x2 does not fit into the padded input of 5x5"),
    Refusal(
      Operation.AveragePooling(window: [0, 2], strides: [1, 1]), [picture], "kernel is [0, 2]"),
    Refusal(Operation.AveragePooling(window: [2], strides: [2]), [picture], "one number an axis"),
    Refusal(Operation.GlobalPooling(kind: .max), [[2, 3]], "input 0 needs 3 to 4 dimensions"),
  ]

  static let normalizations: [Refusal] = [
    Refusal(
      Operation.BatchNormalization(), [picture, [4], [4], [3], [4]],
      "input 3 needs shape 4, has 3"),
    Refusal(
      Operation.BatchNormalization(epsilon: -1), [picture, [4], [4], [4], [4]], "epsilon is -1.0"),
    Refusal(
      Operation.BatchNormalization(momentum: .nan), [picture, [4], [4], [4], [4]],
      "momentum is nan, must be between 0 and 1"),
    Refusal(Operation.LocalResponseNormalization(size: 4), [picture], "size is 4, must be odd"),
    Refusal(
      Operation.LocalResponseNormalization(size: 5, bias: 0), [picture],
      "bias is 0.0, must be a finite number above zero"),
    Refusal(
      Operation.LocalResponseNormalization(size: 5, region: .withinChannel), [[2, 3]],
      "input 0 needs 3 to 4 dimensions"),
    Refusal(Operation.MovingAverage(momentum: 2), [[3], [3]], "momentum is 2.0"),
  ]

  static let movements: [Refusal] = [
    Refusal(Operation.Add(), [[2, 3], [2, 4]], "input 1 needs shape 2x3, has 2x4"),
    Refusal(Operation.Add(), [], "takes 1 or more inputs, was given 0"),
    Refusal(Operation.Add(coefficients: [1]), [[2], [2]], "takes 1 input, was given 2"),
    Refusal(
      Operation.Clip(lower: 1, upper: 0), [[2]],
      "the range is 1.0 to 0.0, must be of two finite numbers, the smaller one first"),
    Refusal(Operation.Clip(lower: .nan, upper: 0), [[2]], "the range is nan to 0.0"),
    Refusal(Operation.Clip(lower: 0, upper: .infinity), [[2]], "the range is 0.0 to inf"),
    Refusal(Operation.Clip(lower: 0, upper: 1), [[2], [2]], "takes 1 input, was given 2"),
    Refusal(Operation.Multiply(), [[2, 3], [1, 3]], "input 1 needs shape 2x3, has 1x3"),
    Refusal(Operation.Concatenate(), [picture, [1, 2, 4, 5]], "input 1 needs shape 1x2x5x5"),
    Refusal(Operation.Concatenate(axis: 4), [picture], "axis is 4"),
    Refusal(Operation.Concatenate(axis: -1), [picture], "axis is -1"),
    Refusal(
      Operation.Concatenate(), types: [ValueType(picture), ValueType(picture, .int8)],
      "input 1 needs elements of type float32, has int8"),
    Refusal(
      Operation.Slice(axis: 1, start: 2, count: 3), [picture],
      "start and count is 2, 3, must be within the 4 positions of axis 1"),
    Refusal(Operation.Slice(axis: 1, start: .max, count: 3), [picture], "within the 4 positions"),
    Refusal(
      Operation.Pad(
        sides: [.init(before: 1 << 15, after: 0), .init(before: 0, after: 0)], mode: .zero),
      [picture], "pairs between 0 and 16384"),
    Refusal(
      Operation.Upsample(factors: [1, 1 << 20], mode: .nearest), [picture],
      "must be between 1 and 16384"),
    Refusal(
      Operation.Pad(
        sides: [.init(before: 5, after: 0), .init(before: 0, after: 0)], mode: .reflect),
      [picture], "which is mirrored once"),
    Refusal(
      Operation.Pad(sides: [.init(before: 1, after: 1)], mode: .edge), [picture],
      "must be 2 pairs"),
    Refusal(
      Operation.Unflatten(order: .channelsLast, shape: [2, 3]), [[1, 7]],
      "input 0 needs shape 1x6, has 1x7"),
    Refusal(Operation.Reshape(shape: [7]), [[1, 6]], "to become 7"),
    Refusal(
      Operation.Transpose(permutation: [0, 1, 1, 2]), [picture], "permutation is [0, 1, 1, 2]"),
    Refusal(Operation.Upsample(factors: [2, 0], mode: .nearest), [picture], "factors is [2, 0]"),
    Refusal(
      Operation.Upsample(factors: [1 << 14, 1 << 14], mode: .nearest),
      [[1 << 20, 1 << 10, 1 << 10, 1 << 10]], "cannot be represented"),
    Refusal(
      Operation.UpsampleGradient(Operation.Upsample(factors: [2, 2], mode: .nearest)), [picture],
      "of multiples of [2, 2]"),
    Refusal(Operation.Flatten(order: .channelsLast), [[3]], "input 0 needs 2 to 4 dimensions"),
  ]

  static let channels: [Refusal] = [
    Refusal(
      Operation.ChannelScale(), [[2, 4], [2, 4]], "input 0 needs 3 to 4 dimensions, has shape 2x4"),
    Refusal(
      Operation.ChannelScale(), [picture, [2, 4, 1, 1]], "input 1 needs shape 1x4x1x1, has 2x4x1x1"),
    Refusal(
      Operation.ChannelScale(), [picture, [4, 5, 5]], "input 1 needs shape 4x1x1, has 4x5x5"),
    Refusal(Operation.ChannelScale(), [picture, [5]], "input 1 needs shape 4, has 5"),
    Refusal(
      Operation.ChannelScaleGradient(sharedRank: 2), [picture, picture],
      "the factor's rank is 2, must be 1 or 3"),
    Refusal(
      Operation.ChannelScaleGradient(sharedRank: nil), [picture, [1, 4, 5, 4]],
      "input 1 needs shape 1x4x5x5"),
    Refusal(Operation.LayerNormalization(), [picture, [5], [4]], "input 1 needs shape 4, has 5"),
    Refusal(Operation.LayerNormalization(epsilon: -1), [picture, [4], [4]], "epsilon is -1"),
    Refusal(
      Operation.LayerNormalizationInputGradient(epsilon: .nan), [picture, picture, [4]],
      "epsilon is nan"),
    Refusal(
      Operation.LayerNormalizationParameterGradient(epsilon: 1), [picture, [1, 4, 5, 4]],
      "input 1 needs shape 1x4x5x5"),
  ]

  static let general: [Refusal] = [
    Refusal(
      Operation.Elementwise(.add), [[2, 3], [2, 4]],
      "input 1 needs shape 2x3, or 1 along an axis, has 2x4"),
    Refusal(
      Operation.Elementwise(.add), [[2, 3], [3]], "input 1 needs 2 dimensions, has shape 3"),
    Refusal(Operation.Elementwise(.select), [[2], [2]], "takes 3 inputs, was given 2"),
    Refusal(
      Operation.Elementwise(.sine), types: [ValueType([2], .int32)],
      "input 0 needs elements of type float32, has int32"),
    Refusal(Operation.Reduction(.sum, axes: [1, 1]), [[2, 3]], "axes is [1, 1]"),
    Refusal(Operation.Reduction(.sum, axes: [2]), [[2, 3]], "axes is [2]"),
    Refusal(Operation.Reduction(.sum, axes: [-1]), [[2, 3]], "axes is [-1]"),
    Refusal(
      Operation.MatrixProduct(), [[2, 3], [3, 2]], "input 0 needs 3 or more dimensions"),
    Refusal(
      Operation.MatrixProduct(), [[2, 3, 4], [2, 5, 3]], "input 1 needs shape 2x4x3, has 2x5x3"),
    Refusal(
      Operation.MatrixProduct(), [[2, 3, 4], [3, 4, 3]], "input 1 needs shape 2x4x3, has 3x4x3"),
    Refusal(
      Operation.AxisMap(axis: 1, extent: 3, sources: [3]), [[2, 3]], "sources is [3]"),
    Refusal(Operation.AxisMap(axis: 1, extent: 3, sources: []), [[2, 3]], "sources is []"),
    Refusal(
      Operation.AxisMap(axis: 1, extent: 4, sources: [0]), [[2, 3]],
      "input 0 needs shape 2x4, has 2x3"),
    Refusal(
      Operation.AxisMap(axis: 1, extent: 3, sources: [0, 1], weights: [1]), [[2, 3]],
      "none, or one a source"),
    Refusal(
      Operation.AxisMap(axis: 1, extent: 3, sources: [0, 1], termCount: 0), [[2, 3]],
      "extent and terms is [3, 0]"),
    Refusal(
      Operation.AxisMap(axis: 1, extent: 3, sources: [-1], fill: .infinity), [[2, 3]],
      "fill is inf, must be a finite number"),
    Refusal(Operation.AxisMap(axis: 2, extent: 3, sources: [0]), [[2, 3]], "axis is 2"),
    Refusal(Operation.Top(axis: 1, count: 4), [[2, 3]], "count is 4, must be from 1 to the 3"),
    Refusal(Operation.Top(axis: 1, count: 0), [[2, 3]], "count is 0"),
    Refusal(
      Operation.Regroup(shape: [4, 2]), [[2, 3]], "of 8 elements, to become 4x2"),
    Refusal(Operation.Regroup(shape: [0]), [[2, 3]], "shape is [0]"),
  ]

  static let losses: [Refusal] = [
    Refusal(
      Operation.Dropout(rate: 1, index: 0), [[2]], "rate is 1.0, must be at least 0 and below 1"),
    Refusal(Operation.Dropout(rate: -0.1, index: 0), [[2]], "rate is -0.1"),
    Refusal(Operation.Dropout(rate: .nan, index: 0), [[2]], "rate is nan"),
    Refusal(
      Operation.StochasticDepth(rate: 1, index: 0), [[2]],
      "rate is 1.0, must be at least 0 and below 1"),
    Refusal(Operation.StochasticDepth(rate: .nan, index: 0), [[2]], "rate is nan"),
    Refusal(Operation.StochasticDepth(rate: 0.5, index: -1), [[2]], "index is -1"),
    Refusal(
      Operation.BinaryCrossEntropy(positiveWeights: [1, 2]), [[2, 3], [2, 3]],
      "positiveWeights is [1.0, 2.0], must be a finite number above zero for each of the 3 labels"),
    Refusal(
      Operation.BinaryCrossEntropy(positiveWeights: [1, 0]), [[2, 2], [2, 2]],
      "positiveWeights is [1.0, 0.0]"),
    Refusal(Operation.Dropout(rate: 0.5, index: -1), [[2]], "index is -1"),
    Refusal(
      Operation.CrossEntropy(), types: [ValueType([2, 5]), ValueType([3], .int32)],
      "input 1 needs shape 2, has 3"),
    Refusal(
      Operation.CrossEntropy(), types: [ValueType([2, 5]), ValueType([2], .int64)],
      "type of the labels is int64, must be int32 for classes or float32 for distributions"),
    Refusal(Operation.CrossEntropy(), [[2, 5], [2]], "input 1 needs shape 2x5, has 2"),
    Refusal(
      Operation.CrossEntropy(labelSmoothing: 1.5), [[2, 5], [2, 5]], "labelSmoothing is 1.5"),
    Refusal(Operation.MeanSquaredError(), [[2, 5], [2, 4]], "input 1 needs shape 2x5, has 2x4"),
    Refusal(Operation.MeanSquaredError(hasMask: true), [[2], [2]], "takes 3 inputs, was given 2"),
  ]

  @Test(
    "what does not fit is refused with what would",
    arguments: convolutions + poolings + normalizations + movements + general + channels + losses)
  func refusal(_ refusal: Refusal) {
    let problem = #expect(throws: GraphError.Problem.self) {
      try refusal.attributes.outputTypes(for: refusal.inputs)
    }
    #expect(problem?.description.contains(refusal.text) == true, "\(problem?.description ?? "")")
  }

  @Test("a graph's error names the operation")
  func operationName() {
    var graph = Graph(name: "small")
    let x = graph.addInput("x", ValueType([1, 3]))
    let error = #expect(throws: GraphError.self) {
      try graph.append(Operation.Reshape(shape: [4]), to: x, name: "head.reshape")
    }
    #expect(error?.subject == "head.reshape")
    #expect(graph.operations.isEmpty)
  }

  @Test("a result that no kernel takes, or no machine holds, is refused when it is appended")
  func uncomputable() throws {
    var graph = Graph(name: "small")
    let x = graph.addInput("x", ValueType([1, 1 << 10]))
    for rank in [12, 13, 4095] {
      let shape = Shape([1 << 10] + [Int](repeating: 1, count: rank - 1))
      let error = #expect(throws: GraphError.self) {
        try graph.append(Operation.Reshape(shape: shape), to: x, name: "deep")
      }
      #expect(error?.description == "deep: has \(rank + 1) dimensions; there may be 12")
    }
    let most = Shape([1 << 10] + [Int](repeating: 1, count: 10))
    let deep = try graph.append(Operation.Reshape(shape: most), to: x, name: "deep")
    graph.addOutput("deep", deep)
    try graph.verify()
    // An extent is in bounds, and the elements are not.
    let error = #expect(throws: GraphError.self) { try graph.batched(1 << 30 + 1) }
    #expect(error?.description.contains("batch is") == true)
    var wide = Graph(name: "wide")
    let y = wide.addInput("y", ValueType([1, 1 << 20]))
    _ = try wide.append(
      Operation.Concatenate(), to: [ValueID](repeating: y, count: 1 << 9), name: "joined")
    let tooMany = #expect(throws: GraphError.self) { try wide.batched(1 << 20) }
    #expect(tooMany?.description.contains("joined: has shape") == true, "\(tooMany as Any)")
  }
}
