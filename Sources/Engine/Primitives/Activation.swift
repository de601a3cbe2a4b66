import COneDNN
import ConvNetGraphs

extension ActivationFunction {
  /// The library's name of the function, with its two numbers.
  var libraryAlgorithm: (cdnn_algorithm, alpha: Float, beta: Float) {
    switch self {
    case .relu: (CDNN_ELTWISE_RELU, 0, 0)
    case .relu6: (CDNN_ELTWISE_CLIP, 0, 6)
    case .leakyReLU(let slope): (CDNN_ELTWISE_RELU, slope, 0)
    case .elu(let alpha): (CDNN_ELTWISE_ELU, alpha, 0)
    case .silu: (CDNN_ELTWISE_SWISH, 1, 0)
    case .gelu: (CDNN_ELTWISE_GELU_ERF, 0, 0)
    case .tanh: (CDNN_ELTWISE_TANH, 0, 0)
    case .sigmoid: (CDNN_ELTWISE_LOGISTIC, 0, 0)
    }
  }

  /// The library's name of the derivative, computed from what ``derivativeNeedsOnlyOutput`` says.
  var libraryDerivative: (cdnn_algorithm, alpha: Float, beta: Float) {
    let (algorithm, alpha, beta) = libraryAlgorithm
    guard derivativeNeedsOnlyOutput else { return (algorithm, alpha, beta) }
    switch self {
    case .relu, .leakyReLU: return (CDNN_ELTWISE_RELU_FROM_RESULT, alpha, beta)
    case .relu6: return (CDNN_ELTWISE_CLIP_FROM_RESULT, alpha, beta)
    case .elu: return (CDNN_ELTWISE_ELU_FROM_RESULT, alpha, beta)
    case .tanh: return (CDNN_ELTWISE_TANH_FROM_RESULT, alpha, beta)
    case .sigmoid: return (CDNN_ELTWISE_LOGISTIC_FROM_RESULT, alpha, beta)
    case .silu, .gelu: return (algorithm, alpha, beta)
    }
  }
}

extension Lowering {
  mutating func lower(_ activation: Operation.Activation, _ operation: Operation) throws {
    let source = read(operation.inputs[0])
    let result = make(operation.outputs[0], over: source, of: operation.inputs[0])
    try emitActivation(activation.function, from: source, result, for: operation)
  }

  /// Applies a function to every element; in place where no source is given.
  mutating func emitActivation(
    _ function: ActivationFunction, from source: Place? = nil, _ result: Place,
    for operation: Operation
  ) throws {
    let (algorithm, alpha, beta) = function.libraryAlgorithm
    let primitive = try Primitive {
      cdnn_eltwise_forward(&$0, algorithm, result.layout.handle, alpha, beta)
    }
    try emit(primitive, [(CDNN_SRC, source ?? result), (CDNN_DST, result)], for: operation)
  }

  mutating func lower(_ gradient: Operation.ActivationGradient, _ operation: Operation) throws {
    let kept = read(operation.inputs[0])
    let outputGradient = try read(operation.inputs[1], as: kept.layout)
    let (algorithm, alpha, beta) = gradient.function.libraryDerivative
    let primitive = try Primitive {
      cdnn_eltwise_backward(
        &$0, algorithm, kept.layout.handle, kept.layout.handle, alpha, beta)
    }
    let argument = gradient.function.derivativeNeedsOnlyOutput ? CDNN_DST : CDNN_SRC
    let result = make(operation.outputs[0], over: outputGradient, of: operation.inputs[1])
    try emit(
      primitive,
      [(argument, kept), (CDNN_DIFF_DST, outputGradient), (CDNN_DIFF_SRC, result)],
      for: operation)
  }
}
