import COneDNN
import ConvNetGraphs
import ConvNetTensors

/// A way to compute a convolution.
package enum ConvolutionAlgorithm: String, CaseIterable {
  /// The sum as it is written, in the library.
  case direct
  /// Minimal filtering F(4x4, 3x3) by kernels of our own: a quarter of the multiplications, and some of the precision.
  ///
  /// Winograd; Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015.
  case winograd
  /// The same in the library, which has it up to version 3.1. On a few shapes it is the faster.
  case libraryWinograd = "library-winograd"

  var libraryAlgorithm: cdnn_algorithm? {
    switch self {
    case .direct: CDNN_CONVOLUTION_DIRECT
    case .winograd: nil
    case .libraryWinograd: CDNN_CONVOLUTION_WINOGRAD
    }
  }

  /// Those that may be tried for a problem, by decreasing speed as a rule where nothing was measured.
  static func candidates(for problem: ConvolutionProblem, exact: Bool) -> [Self] {
    let window = problem.convolution.window(kernel: problem.kernel)
    let isFiltering =
      window.kernel == [3, 3] && window.strides == [1, 1] && window.dilations == [1, 1]
      && problem.convolution.groups == 1 && problem.input[1] >= 16
    return isFiltering && !exact ? [.winograd, .libraryWinograd, .direct] : [.direct]
  }
}

/// What computes a convolution.
enum ConvolutionKernel {
  case library(Primitive)
  case winograd(WinogradConvolution)
}
