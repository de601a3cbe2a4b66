public import ConvNetFiles

// The operations of the lecture as plain functions on tensors, to be read beside its formulas. They
// are loops for study and for checking; a network's layers run on the engine.

/// Convolution of two vectors, `(w * x)_t = sum over i of x_{t - i} w_i`, where the kernel fits
/// completely.
///
/// - Parameters:
///   - vector: x, T elements.
///   - kernel: w, K elements, K between 1 and T.
/// - Returns: T - K + 1 elements; the first is the sum for t = K - 1, where every x_{t - i} exists.
/// - Throws: ``ConvolutionError`` where the kernel does not fit.
public func convolution(
  _ vector: [Float], with kernel: [Float]
) throws(ConvolutionError) -> [Float] {
  try crossCorrelation(vector, with: kernel.reversed())
}

/// Cross-correlation of two vectors, `(w ⋆ x)_t = sum over i of x_{t + i} w_i`, where the kernel
/// fits completely.
///
/// - Parameters:
///   - vector: x, T elements.
///   - kernel: w, K elements, K between 1 and T.
/// - Returns: T - K + 1 elements.
/// - Throws: ``ConvolutionError`` where the kernel does not fit.
public func crossCorrelation(
  _ vector: [Float], with kernel: [Float]
) throws(ConvolutionError) -> [Float] {
  try check(kernel: [kernel.count], fits: [vector.count])
  return (0...vector.count - kernel.count).map { t in
    var sum = 0.0
    for i in kernel.indices { sum += Double(vector[t + i]) * Double(kernel[i]) }
    return Float(sum)
  }
}

/// Convolution of a picture,
/// `(K * I)_{i, j, o} = sum over m, n, c of I_{i S - m, j S - n, c} K_{m, n, c, o}`, where the
/// kernel fits completely.
///
/// It differs from ``crossCorrelation(_:with:stride:)`` in that the kernel is flipped along both
/// axes.
///
/// - Parameters:
///   - image: I, `float32` of shape [H, W, C].
///   - kernel: K, `float32` of shape [KH, KW, C, F].
///   - stride: S, at least 1, along both axes.
/// - Returns: shape [(H - KH) / S + 1, (W - KW) / S + 1, F]. Indices count from the first position
///   for which every pixel exists, i = KH - 1 and j = KW - 1.
/// - Throws: ``ConvolutionError`` where the shapes do not fit.
public func convolution(
  _ image: Tensor, with kernel: Tensor, stride: Int = 1
) throws(ConvolutionError) -> Tensor {
  try correlate(image: image, kernel: kernel, stride: stride, flipsKernel: true)
}

/// Cross-correlation of a picture, which is what a convolution layer computes:
/// `(K ⋆ I)_{i, j, o} = sum over m, n, c of I_{i S + m, j S + n, c} K_{m, n, c, o}`, where the
/// kernel fits completely.
///
/// - Parameters:
///   - image: I, `float32` of shape [H, W, C].
///   - kernel: K, `float32` of shape [KH, KW, C, F].
///   - stride: S, at least 1, along both axes.
/// - Returns: shape [(H - KH) / S + 1, (W - KW) / S + 1, F].
/// - Throws: ``ConvolutionError`` where the shapes do not fit.
public func crossCorrelation(
  _ image: Tensor, with kernel: Tensor, stride: Int = 1
) throws(ConvolutionError) -> Tensor {
  try correlate(image: image, kernel: kernel, stride: stride, flipsKernel: false)
}

/// Why two tensors cannot be convolved.
public struct ConvolutionError: Error, Hashable, Sendable {
  /// What does not fit, with the values that show it.
  public enum Problem: Hashable, Sendable {
    /// An operand has other elements than `float32`.
    case elementType(ElementType)
    /// An operand has another number of dimensions.
    case rank(expected: Int, actual: Shape)
    /// The kernel is for another number of channels than the picture has.
    case channels(image: Int, kernel: Int)
    /// The kernel is empty, or larger than what it should move over.
    case kernelDoesNotFit(kernel: [Int], input: [Int])
    /// The stride is below 1.
    case stride(Int)
  }

  /// What does not fit.
  public var problem: Problem
}

extension ConvolutionError: ReadableError {
  public var description: String {
    switch problem {
    case .elementType(let type): "convolution needs float32 elements, was given \(type)"
    case .rank(let expected, let actual):
      "convolution needs \(expected) dimensions here, was given shape \(actual)"
    case .channels(let image, let kernel):
      "the picture has \(image) channels, the kernel \(kernel)"
    case .kernelDoesNotFit(let kernel, let input):
      "a kernel of \(Shape(kernel)) has no valid position in an input of \(Shape(input))"
    case .stride(let stride): "the stride is \(stride), must be at least 1"
    }
  }
}

private func check(_ tensor: Tensor, rank: Int) throws(ConvolutionError) {
  guard tensor.elementType == .float32 else {
    throw ConvolutionError(problem: .elementType(tensor.elementType))
  }
  guard tensor.shape.rank == rank else {
    throw ConvolutionError(problem: .rank(expected: rank, actual: tensor.shape))
  }
}

private func check(kernel: [Int], fits input: [Int]) throws(ConvolutionError) {
  guard zip(kernel, input).allSatisfy({ 1 <= $0 && $0 <= $1 }) else {
    throw ConvolutionError(problem: .kernelDoesNotFit(kernel: kernel, input: input))
  }
}

private func correlate(
  image: Tensor, kernel: Tensor, stride: Int, flipsKernel: Bool
) throws(ConvolutionError) -> Tensor {
  try check(image, rank: 3)
  try check(kernel, rank: 4)
  let (height, width, channels) = (image.shape[0], image.shape[1], image.shape[2])
  let (kernelHeight, kernelWidth, filters) = (kernel.shape[0], kernel.shape[1], kernel.shape[3])
  guard kernel.shape[2] == channels else {
    throw ConvolutionError(problem: .channels(image: channels, kernel: kernel.shape[2]))
  }
  guard stride >= 1 else { throw ConvolutionError(problem: .stride(stride)) }
  try check(kernel: [kernelHeight, kernelWidth], fits: [height, width])
  let outputHeight = (height - kernelHeight) / stride + 1
  let outputWidth = (width - kernelWidth) / stride + 1

  return image.withSpan { x in
    kernel.withSpan { k in
      Tensor(shape: [outputHeight, outputWidth, filters]) { y in
        for i in 0..<outputHeight {
          for j in 0..<outputWidth {
            for o in 0..<filters {
              var sum = 0.0
              for m in 0..<kernelHeight {
                for n in 0..<kernelWidth {
                  let row = flipsKernel ? kernelHeight - 1 - m : m
                  let column = flipsKernel ? kernelWidth - 1 - n : n
                  for c in 0..<channels {
                    let pixel = x[((i * stride + m) * width + j * stride + n) * channels + c]
                    let weight = k[((row * kernelWidth + column) * channels + c) * filters + o]
                    sum += Double(pixel) * Double(weight)
                  }
                }
              }
              y[(i * outputWidth + j) * filters + o] = Float(sum)
            }
          }
        }
      }
    }
  }
}
