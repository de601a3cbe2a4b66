import ConvNetGraphs
import ConvNetTensors
import Testing

/// Shapes computed by hand, or as PyTorch and TensorFlow give them.
@Suite struct OutputTypesTests {
  struct Inference: Sendable, CustomTestStringConvertible {
    var attributes: any OperationAttributes
    var inputs: [Shape]
    var outputs: [Shape]

    init(_ attributes: any OperationAttributes, _ inputs: [Shape], _ outputs: [Shape]) {
      self.attributes = attributes
      self.inputs = inputs
      self.outputs = outputs
    }

    var testDescription: String { "\(attributes.kind.name) of \(inputs) makes \(outputs)" }
  }

  static let windows: [Inference] = [
    Inference(
      Operation.Convolution(strides: [2, 2], padding: .symmetric(3)),
      [[2, 3, 224, 224], [64, 3, 7, 7], [64]], [[2, 64, 112, 112]]),
    Inference(
      Operation.Convolution(strides: [2, 2], padding: .same, hasBias: false),
      [[1, 8, 224, 225], [16, 8, 3, 3]], [[1, 16, 112, 113]]),
    Inference(
      Operation.Convolution(strides: [3, 4], hasBias: false), [[1, 1, 9, 8], [2, 1, 2, 2]],
      [[1, 2, 3, 2]]),
    Inference(
      Operation.Convolution(strides: [1, 1], dilations: [2, 3], hasBias: false),
      [[1, 3, 9, 10], [2, 3, 3, 3]], [[1, 2, 5, 4]]),
    Inference(
      Operation.Convolution(strides: [1, 1], groups: 3, hasBias: false),
      [[1, 6, 4, 4], [9, 2, 3, 3]], [[1, 9, 2, 2]]),
    Inference(
      Operation.Convolution(strides: [1], hasBias: false), [[4, 3, 10], [5, 3, 4]], [[4, 5, 7]]),
    Inference(
      Operation.TransposedConvolution(strides: [2, 2], padding: .symmetric(1)),
      [[1, 3, 4, 5], [3, 6, 4, 4], [6]], [[1, 6, 8, 10]]),
    Inference(
      Operation.TransposedConvolution(
        strides: [2, 3], dilations: [2, 1], outputPadding: [1, 2], groups: 2, hasBias: false),
      [[1, 4, 3, 3], [4, 5, 3, 2]], [[1, 10, 10, 10]]),
    Inference(Operation.Dense(), [[5, 12], [7, 12], [7]], [[5, 7]]),
    Inference(
      Operation.MaxPooling(window: [3, 3], strides: [2, 2]), [[1, 96, 55, 55]], [[1, 96, 27, 27]]),
    Inference(
      Operation.MaxPooling(window: [3, 3], strides: [2, 2], ceilMode: true), [[1, 64, 112, 112]],
      [[1, 64, 56, 56]]),
    Inference(
      Operation.MaxPooling(
        window: [2, 2], strides: [3, 3], padding: .symmetric(1), ceilMode: true),
      [[1, 1, 4, 4]], [[1, 1, 2, 2]]),
    Inference(
      Operation.AveragePooling(window: [3, 2], strides: [2, 2], padding: .same), [[1, 1, 5, 6]],
      [[1, 1, 3, 3]]),
    Inference(Operation.GlobalPooling(kind: .average), [[2, 7, 5, 3]], [[2, 7, 1, 1]]),
    Inference(Operation.GlobalPooling(kind: .max), [[2, 7, 5]], [[2, 7, 1]]),
  ]

  static let others: [Inference] = [
    Inference(
      Operation.BatchNormalization(), [[2, 3, 4, 4], [3], [3], [3], [3]], [[2, 3, 4, 4]]),
    Inference(
      Operation.BatchNormalization(form: .training), [[2, 3], [3], [3], [3], [3]],
      [[2, 3], [3], [3]]),
    Inference(
      Operation.FoldedBatchNormalization(epsilon: 0.1, hasBias: true),
      [[8, 3, 5, 5], [8], [8], [8], [8], [8]], [[8, 3, 5, 5], [8]]),
    Inference(Operation.LocalResponseNormalization(size: 5), [[1, 96, 9, 9]], [[1, 96, 9, 9]]),
    Inference(Operation.Concatenate(), [[2, 3, 4, 4], [2, 5, 4, 4]], [[2, 8, 4, 4]]),
    Inference(Operation.Slice(axis: 2, start: 1, count: 3), [[2, 3, 4, 4]], [[2, 3, 3, 4]]),
    Inference(
      Operation.Pad(sides: [.init(before: 1, after: 2), .init(before: 0, after: 3)], mode: .zero),
      [[1, 2, 3, 4]], [[1, 2, 6, 7]]),
    Inference(Operation.Flatten(order: .channelsLast), [[5, 2, 3, 4]], [[5, 24]]),
    Inference(
      Operation.Unflatten(order: .channelsLast, shape: [2, 3, 4]), [[5, 24]], [[5, 2, 3, 4]]),
    Inference(Operation.Reshape(shape: [6, 4]), [[5, 2, 3, 4]], [[5, 6, 4]]),
    Inference(Operation.Transpose(permutation: [0, 2, 3, 1]), [[5, 2, 3, 4]], [[5, 3, 4, 2]]),
    Inference(
      Operation.Upsample(factors: [2, 3], mode: .nearest), [[1, 2, 3, 4]], [[1, 2, 6, 12]]),
    Inference(Operation.ChannelSum(), [[5, 2, 3, 4]], [[2]]),
    Inference(Operation.MeanSquaredError(hasMask: true), [[2, 3], [2, 3], [2, 3]], [[1]]),
    Inference(Operation.Constant(1, shape: [3, 2]), [], [[3, 2]]),
  ]

  @Test("outputs have the shapes of the definition", arguments: windows + others)
  func outputShapes(_ inference: Inference) throws {
    let types = try inference.attributes.outputTypes(for: inference.inputs.map { ValueType($0) })
    #expect(types.map(\.shape) == inference.outputs)
    #expect(types.allSatisfy { $0.elementType == .float32 })
  }

  @Test("cross-entropy takes classes and distributions")
  func labels() throws {
    let logits = ValueType([4, 10])
    for labels in [ValueType([4], .int32), ValueType([4, 10])] {
      let types = try Operation.CrossEntropy().outputTypes(for: [logits, labels])
      #expect(types == [ValueType([1]), logits])
    }
  }

  @Test("what moves elements keeps their type")
  func elementTypes() throws {
    let type = ValueType([2, 3, 4, 4], .uint8, scale: 0.5)
    let movements: [any OperationAttributes] = [
      Operation.Flatten(order: .channelsLast), Operation.Reshape(shape: [48]),
      Operation.Transpose(permutation: [0, 2, 3, 1]), Operation.Slice(axis: 1, start: 0, count: 1),
      Operation.Concatenate(),
    ]
    for attributes in movements {
      let output = try attributes.outputTypes(for: [type])[0]
      #expect(output.elementType == .uint8 && output.scale == 0.5)
    }
  }

  @Test("multiply-adds of LeNet-5's layers, of ResNet's first, and of a backward pass")
  func multiplyAdds() throws {
    func count(_ attributes: any OperationAttributes, _ inputs: [Shape]) throws -> Int {
      let types = inputs.map { ValueType($0) }
      return attributes.multiplyAdds(
        inputs: types, outputs: try attributes.outputTypes(for: types))
    }
    let same = Operation.Convolution(strides: [1, 1], padding: .same)
    #expect(try count(same, [[1, 1, 28, 28], [6, 1, 5, 5], [6]]) == 117_600)
    let valid = Operation.Convolution(strides: [1, 1])
    #expect(try count(valid, [[2, 6, 14, 14], [16, 6, 5, 5], [16]]) == 480_000)
    #expect(try count(Operation.Dense(), [[1, 400], [120, 400], [120]]) == 48_000)
    let first = Operation.Convolution(strides: [2, 2], padding: .symmetric(3), hasBias: false)
    let inputs: [Shape] = [[1, 3, 224, 224], [64, 3, 7, 7]]
    #expect(try count(first, inputs) == 118_013_952)
    let gradient = Operation.ConvolutionParameterGradient(first, kernel: inputs[1])
    #expect(try count(gradient, [inputs[0], [1, 64, 112, 112]]) == 118_013_952)
    let transposed = Operation.TransposedConvolution(strides: [2, 2], hasBias: false)
    #expect(try count(transposed, [[1, 3, 4, 5], [3, 6, 4, 4]]) == 4 * 5 * 3 * 6 * 16)
    #expect(
      try count(Operation.MaxPooling(window: [2, 2], strides: [2, 2]), [[1, 3, 4, 4]]) == 0)
  }
}
