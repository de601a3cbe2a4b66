import ConvNet

/// y = scale x |x|, with a kernel and a gradient.
struct SignedSquare: CustomOperation {
  static let name = "outside.signedSquare"
  var scale: Float

  var traits: OperationTraits { .outside(isGradient: false, linear: .inNone) }

  func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
    [inputs[0]]
  }

  func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { outputs[0].shape.count }

  func appendGradient(
    of operation: Operation, outputGradients: [ValueID?], to builder: inout GradientBuilder
  ) throws(GraphError) -> [ValueID?] {
    guard let gradient = outputGradients[0] else { return [nil] }
    return try builder.append(
      SignedSquareGradient(scale: scale), to: [operation.inputs[0], gradient], of: operation)
  }

  func compute(
    output: Int, from inputs: borrowing KernelInputs, into result: inout MutableSpan<Float>
  ) {
    inputs.withSpan(of: 0) { x in
      for index in x.indices { result[index] = scale * x[index] * abs(x[index]) }
    }
  }
}

/// dx = 2 scale |x| dy
struct SignedSquareGradient: CustomOperation {
  static let name = "outside.signedSquareGradient"
  var scale: Float

  var traits: OperationTraits { .outside(isGradient: true, linear: .inEach([1])) }

  func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
    [inputs[0]]
  }

  func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { outputs[0].shape.count }

  func compute(
    output: Int, from inputs: borrowing KernelInputs, into result: inout MutableSpan<Float>
  ) {
    inputs.withSpans(of: 0, 1) { x, gradient in
      for index in x.indices { result[index] = 2 * scale * abs(x[index]) * gradient[index] }
    }
  }
}
