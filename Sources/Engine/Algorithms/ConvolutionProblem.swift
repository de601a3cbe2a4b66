import COneDNN
import ConvNetGraphs
import ConvNetTensors

/// A convolution of given extents in one direction: what an algorithm is chosen for.
struct ConvolutionProblem {
  enum Direction: String {
    case forward
    /// The gradient by the input.
    case inputGradient = "input-gradient"
    /// The gradient by kernel and bias.
    case parameterGradient = "parameter-gradient"
  }

  var direction: Direction
  var convolution: Operation.Convolution
  /// Of the convolution itself, whichever the direction.
  var input: Shape
  var kernel: Shape
  var output: Shape
  var isTraining: Bool

  /// Everything that the time depends on but the machine, in one line.
  var description: String {
    let window = convolution.window(kernel: kernel)
    let sides = (try? convolution.sides(input: input, kernel: kernel)) ?? []
    var parts = [
      direction.rawValue, "\(input.joined)>\(output.joined)",
      "k\(Shape(window.kernel).joined)", "s\(Shape(window.strides).joined)",
      "d\(Shape(window.dilations).joined)",
      "p" + sides.map { "\($0.before),\($0.after)" }.joined(separator: "x"),
      "g\(convolution.groups)",
    ]
    if convolution.hasBias { parts.append("bias") }
    for fused in convolution.fused {
      switch fused {
      case .addition: parts.append("sum")
      case .activation(let function): parts.append("\(function)".prefix { $0 != "(" }.lowercased())
      }
    }
    if isTraining { parts.append("training") }
    return parts.joined(separator: " ")
  }

  /// What computes the convolution by an algorithm.
  ///
  /// - Throws: ``LibraryFailure`` where the algorithm does not apply.
  func kernel(_ algorithm: ConvolutionAlgorithm) throws -> ConvolutionKernel {
    let kernels: (any ConvolutionKernels)?
    switch algorithm {
    case .libraryDirect, .libraryWinograd: return .library(try primitive(algorithm))
    case .direct: kernels = try own(DirectConvolution.self)
    case .winograd: kernels = try own(WinogradConvolution.self)
    }
    guard let kernels else { throw LibraryFailure(status: Int32(CDNN_UNIMPLEMENTED)) }
    return .own(kernels)
  }

  /// Kernels of our own for the direction; `nil` where they do not compute it.
  func own<Kernels: ConvolutionKernels>(
    _ type: Kernels.Type
  ) throws -> (any ConvolutionKernels)? {
    let kernels = try Kernels(convolution, input: input, kernel: kernel, output: output)
    return switch direction {
    case .forward: kernels
    case .inputGradient: kernels?.transposed
    case .parameterGradient: kernels as? any ParameterGradientKernels
    }
  }

  /// The library's primitive for an algorithm, on blocked layouts where it has a kernel for them, so that layouts stay the same
  /// from one layer to the next.
  ///
  /// - Throws: ``LibraryFailure`` where the library has no such primitive.
  func primitive(_ algorithm: ConvolutionAlgorithm) throws -> Primitive {
    if isBlockable, let primitive = try? primitive(algorithm, blocked: true),
      primitive.implementation.isCompiledForProcessor
    {
      return primitive
    }
    guard algorithm == .libraryDirect else {
      throw LibraryFailure(status: Int32(CDNN_UNIMPLEMENTED))
    }
    return try primitive(algorithm, blocked: false)
  }

  private var isBlockable: Bool { input.rank == 4 && output[1] > 1 }

  private func primitive(_ algorithm: ConvolutionAlgorithm, blocked: Bool) throws -> Primitive {
    guard let name = algorithm.libraryAlgorithm else {
      throw LibraryFailure(status: Int32(CDNN_UNIMPLEMENTED))
    }
    let window = try convolution.paddedWindow(input: input, kernel: kernel)
    // Pictures of few channels are read as they come.
    let source =
      try blocked && input[1] >= Processor.channelBlock ? Layout.blocked(input) : .any(input)
    let destination = try blocked ? Layout.blocked(output) : .any(output)
    let weights = try Layout.any(convolution.libraryKernel(kernel))
    let bias = try convolution.hasBias ? Layout.rowMajor([kernel[0]]) : nil
    let attributes = try PostOperations(direction == .forward ? convolution.fused : [])
    return try window.withLibraryWindow { window in
      try Primitive {
        switch direction {
        case .forward:
          cdnn_convolution_forward(
            &$0, isTraining, name, source.handle, weights.handle,
            bias?.handle, destination.handle, window, attributes.handle)
        case .inputGradient:
          cdnn_convolution_backward_data(
            &$0, name, source.handle, weights.handle, destination.handle,
            window)
        case .parameterGradient:
          cdnn_convolution_backward_weights(
            &$0, name, source.handle, weights.handle, nil, destination.handle, window)
        }
      }
    }
  }
}

extension Shape {
  fileprivate var joined: String { dimensions.map(String.init).joined(separator: "x") }
}
