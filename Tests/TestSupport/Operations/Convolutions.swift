import ConvNetGraphs
import ConvNetTensors

extension OperationCase {
  static let convolutions: [OperationCase] = [
    convolution("plain 3x3", [2, 3, 7, 6], [4, 3, 3, 3], strides: [1, 1]),
    convolution("1x1", [2, 5, 4, 3], [7, 5, 1, 1], strides: [1, 1]),
    convolution("1x1 stride 2", [1, 5, 5, 4], [3, 5, 1, 1], strides: [2, 2]),
    convolution("stride above kernel", [2, 3, 9, 8], [5, 3, 2, 2], strides: [3, 4]),
    convolution("channels 17 to 19", [1, 17, 3, 2], [19, 17, 3, 3], strides: [1, 1], .same),
    convolution("channels 16 to 32", [1, 16, 2, 2], [32, 16, 3, 3], strides: [1, 1], .same),
    convolution("same, even kernel", [2, 2, 5, 6], [3, 2, 4, 2], strides: [1, 1], .same),
    convolution("same, stride 2", [1, 3, 8, 7], [4, 3, 3, 3], strides: [2, 2], .same),
    convolution("batch 1, one channel", [1, 1, 8, 8], [6, 1, 5, 5], strides: [1, 1], .same),
    convolution(
      "kernel larger than the picture", [2, 2, 3, 2], [3, 2, 7, 5], strides: [1, 1],
      .symmetric(3)),
    convolution(
      "kernel as large as the picture", [3, 4, 5, 5], [10, 4, 5, 5], strides: [1, 1]),
    convolution(
      "asymmetric padding", [1, 3, 6, 5], [4, 3, 3, 3], strides: [2, 1],
      .explicit([.init(before: 0, after: 2), .init(before: 1, after: 0)])),
    convolution(
      "dilation 2x3", [1, 3, 9, 10], [2, 3, 3, 3], strides: [1, 1], .symmetric(2),
      dilations: [2, 3]),
    convolution(
      "dilation and stride", [2, 2, 10, 9], [3, 2, 2, 3], strides: [2, 2], .same,
      dilations: [3, 2]),
    convolution("2 groups", [2, 4, 5, 5], [6, 2, 3, 3], strides: [1, 1], groups: 2),
    convolution("depthwise", [1, 6, 6, 6], [6, 1, 3, 3], strides: [1, 1], .same, groups: 6),
    convolution(
      "depthwise, two outputs a channel, stride 2", [1, 3, 7, 7], [6, 1, 3, 3], strides: [2, 2],
      .symmetric(1), groups: 3),
    convolution("without bias", [2, 3, 6, 6], [8, 3, 3, 3], strides: [2, 2], hasBias: false),
    convolution("one position", [2, 8, 1, 1], [9, 8, 1, 1], strides: [1, 1]),
    convolution("flat kernel 1x7", [1, 3, 4, 9], [2, 3, 1, 7], strides: [1, 1], .same),
    convolution("signal", [2, 3, 11], [4, 3, 3], strides: [1]),
    convolution(
      "signal, dilation, stride, 2 groups", [1, 4, 13], [6, 2, 3], strides: [2], .same,
      dilations: [2], groups: 2),
    fusedConvolution(
      "fused addition and relu", fused: [.addition, .activation(.relu)], hasBias: true),
    fusedConvolution("fused tanh, no bias", fused: [.activation(.tanh)], hasBias: false),
  ]

  private static func convolution(
    _ name: String, _ input: Shape, _ kernel: Shape, strides: [Int], _ padding: Padding = .valid,
    dilations: [Int]? = nil, groups: Int = 1, hasBias: Bool = true
  ) -> OperationCase {
    let attributes = Operation.Convolution(
      strides: strides, dilations: dilations, padding: padding, groups: groups, hasBias: hasBias)
    return OperationCase(
      name, attributes, [Input(input), .kernel(kernel)] + (hasBias ? [.bias(kernel[0])] : []))
  }

  private static func fusedConvolution(
    _ name: String, fused: [Operation.Convolution.FusedOperation], hasBias: Bool
  ) -> OperationCase {
    var attributes = Operation.Convolution(strides: [1, 1], padding: .same, hasBias: hasBias)
    attributes.fused = fused
    var inputs: [Input] = [Input([2, 3, 5, 4]), .kernel([9, 3, 3, 3])]
    if hasBias { inputs.append(.bias(9)) }
    if fused.contains(.addition) { inputs.append(Input([2, 9, 5, 4])) }
    return OperationCase(name, attributes, inputs, hasGradient: false)
  }

  static let transposedConvolutions: [OperationCase] = [
    transposed("plain 3x3", [2, 3, 4, 5], [3, 4, 3, 3], .init(strides: [1, 1])),
    transposed("stride 2", [1, 5, 3, 4], [5, 2, 3, 3], .init(strides: [2, 2])),
    transposed("stride above kernel", [1, 3, 3, 2], [3, 4, 2, 2], .init(strides: [3, 4])),
    transposed(
      "output padding", [2, 3, 4, 3], [3, 2, 3, 3],
      .init(strides: [2, 3], padding: .symmetric(1), outputPadding: [1, 2])),
    transposed(
      "2 groups without bias", [1, 4, 4, 4], [4, 3, 3, 3],
      .init(strides: [2, 2], padding: .symmetric(1), groups: 2, hasBias: false)),
    transposed(
      "dilation, asymmetric padding", [1, 2, 5, 4], [2, 3, 3, 2],
      .init(
        strides: [1, 2], dilations: [2, 3],
        padding: .explicit([.init(before: 1, after: 2), .init(before: 0, after: 1)]))),
    transposed(
      "signal", [2, 3, 6], [3, 4, 4], .init(strides: [2], padding: .symmetric(1))),
  ]

  private static func transposed(
    _ name: String, _ input: Shape, _ kernel: Shape, _ attributes: Operation.TransposedConvolution
  ) -> OperationCase {
    let bias = kernel[1] * attributes.groups
    return OperationCase(
      name, attributes,
      [Input(input), .kernel(kernel)] + (attributes.hasBias ? [.bias(bias)] : []))
  }

  static let dense: [OperationCase] = [
    OperationCase("7 to 5", Operation.Dense(), [Input([3, 7]), .kernel([5, 7]), .bias(5)]),
    OperationCase("batch 1", Operation.Dense(), [Input([1, 33]), .kernel([10, 33]), .bias(10)]),
    OperationCase("to one", Operation.Dense(), [Input([4, 16]), .kernel([1, 16]), .bias(1)]),
    OperationCase(
      "without bias", Operation.Dense(hasBias: false), [Input([2, 8]), .kernel([16, 8])]),
    OperationCase(
      "fused addition and tanh",
      Operation.Dense(hasBias: true, fused: [.addition, .activation(.tanh)]),
      [Input([2, 9]), .kernel([6, 9]), .bias(6), Input([2, 6])], hasGradient: false),
  ]
}

extension Operation.Convolution: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    [evaluator.convolution(self, inputs, shapes[0])]
  }
}

extension Operation.ConvolutionInputGradient: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    let (gradient, kernel) = (inputs[0], inputs[1])
    var result = evaluator.zeros(shapes[0])
    evaluator.forEachProduct(of: convolution, result, kernel, gradient) { x, k, y in
      result.elements[x] += gradient.elements[y] * kernel.elements[k]
    }
    return [result]
  }
}

extension Operation.ConvolutionParameterGradient: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    let (input, gradient) = (inputs[0], inputs[1])
    var result = evaluator.zeros(shapes[0])
    evaluator.forEachProduct(of: convolution, input, result, gradient) { x, k, y in
      result.elements[k] += gradient.elements[y] * input.elements[x]
    }
    return convolution.hasBias ? [result, evaluator.channelSum(gradient)] : [result]
  }
}

extension Operation.TransposedConvolution: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    [evaluator.transposedConvolution(self, inputs, shapes[0])]
  }
}

extension Operation.ChannelSum: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    [evaluator.channelSum(inputs[0])]
  }
}

extension Operation.Dense: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    [evaluator.dense(self, inputs, shapes[0])]
  }
}

extension Operation.DenseInputGradient: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    let forward = Operation.Dense(hasBias: false)
    return [
      try evaluator.pullBackByExample(
        inputs[0], through: forward, at: [evaluator.zeros(shapes[0]), inputs[1]])
    ]
  }
}

extension Operation.DenseParameterGradient: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    let forward = Operation.Dense(hasBias: false)
    let kernel = try evaluator.pullBack(
      inputs[1], through: forward, at: [inputs[0], evaluator.zeros(shapes[0])], by: 1)
    return hasBias ? [kernel, evaluator.channelSum(inputs[1])] : [kernel]
  }
}

extension ReferenceEvaluator {
  func convolution(
    _ attributes: Operation.Convolution, _ inputs: [ReferenceValue], _ shape: Shape
  ) -> ReferenceValue {
    let (input, kernel) = (inputs[0], inputs[1])
    var output = ReferenceValue(shape: shape) { _, feature, _, _ in
      attributes.hasBias ? inputs[2].elements[feature] : 0
    }
    forEachProduct(of: attributes, input, kernel, output) { x, k, y in
      output.elements[y] += input.elements[x] * kernel.elements[k]
    }
    return fused(attributes.fused, output, inputs)
  }

  /// Visits every product that a convolution is a sum of: the places of its two factors in input
  /// and kernel, and of the sum in the output. Only the shapes of the values matter.
  func forEachProduct(
    of attributes: Operation.Convolution, _ input: ReferenceValue, _ kernel: ReferenceValue,
    _ output: ReferenceValue, _ body: (_ input: Int, _ kernel: Int, _ output: Int) -> Void
  ) {
    let strides = rowsAndColumns(attributes.strides, orElse: 1)
    let dilations = rowsAndColumns(attributes.dilations, orElse: 1)
    let padding = leadingPadding(
      attributes.padding, input: input, kernel: (kernel.height, kernel.width), strides: strides,
      dilations: dilations)
    let channelsOfGroup = input.channels / attributes.groups
    let outputsOfGroup = kernel.batch / attributes.groups
    output.forEachElement { example, feature, i, j in
      for channel in 0..<channelsOfGroup {
        for m in 0..<kernel.height {
          for n in 0..<kernel.width {
            let row = i * strides.rows + m * dilations.rows - padding.rows
            let column = j * strides.columns + n * dilations.columns - padding.columns
            guard 0..<input.height ~= row, 0..<input.width ~= column else { continue }
            let group = feature / outputsOfGroup
            body(
              input.offset(example, group * channelsOfGroup + channel, row, column),
              kernel.offset(feature, channel, m, n), output.offset(example, feature, i, j))
          }
        }
      }
    }
  }

  func transposedConvolution(
    _ attributes: Operation.TransposedConvolution, _ inputs: [ReferenceValue], _ shape: Shape
  ) -> ReferenceValue {
    let (input, kernel) = (inputs[0], inputs[1])
    let strides = rowsAndColumns(attributes.strides, orElse: 1)
    let dilations = rowsAndColumns(attributes.dilations, orElse: 1)
    let padding = leadingPadding(
      attributes.padding, input: input, kernel: (kernel.height, kernel.width), strides: strides)
    let channelsOfGroup = input.channels / attributes.groups
    var output = ReferenceValue(shape: shape) { _, feature, _, _ in
      attributes.hasBias ? inputs[2].elements[feature] : 0
    }
    input.forEachElement { example, channel, i, j in
      let value = input[example, channel, i, j]
      for feature in 0..<kernel.channels {
        for m in 0..<kernel.height {
          for n in 0..<kernel.width {
            let row = i * strides.rows + m * dilations.rows - padding.rows
            let column = j * strides.columns + n * dilations.columns - padding.columns
            guard 0..<output.height ~= row, 0..<output.width ~= column else { continue }
            let group = channel / channelsOfGroup
            output[example, group * kernel.channels + feature, row, column] +=
              value * kernel[channel, feature, m, n]
          }
        }
      }
    }
    return output
  }

  func dense(
    _ attributes: Operation.Dense, _ inputs: [ReferenceValue], _ shape: Shape
  ) -> ReferenceValue {
    let (input, kernel) = (inputs[0], inputs[1])
    let output = ReferenceValue(shape: shape) { example, feature, _, _ in
      var sum = attributes.hasBias ? inputs[2].elements[feature] : 0
      for channel in 0..<input.channels {
        sum += input[example, channel, 0, 0] * kernel[feature, channel, 0, 0]
      }
      return sum
    }
    return fused(attributes.fused, output, inputs)
  }

  func channelSum(_ input: ReferenceValue) -> ReferenceValue {
    var sums = ReferenceValue(zeros: [input.channels])
    input.forEachElement { example, channel, row, column in
      sums.elements[channel] += input[example, channel, row, column]
    }
    return sums
  }

  private func fused(
    _ operations: [Operation.Convolution.FusedOperation], _ output: ReferenceValue,
    _ inputs: [ReferenceValue]
  ) -> ReferenceValue {
    operations.reduce(output) { output, operation in
      switch operation {
      case .activation(let function): activation(function, output)
      case .addition: elementwise(output, inputs[inputs.count - 1], +)
      }
    }
  }
}
