import ConvNetGraphs
import ConvNetTensors

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
