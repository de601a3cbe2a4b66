import COneDNN
import ConvNetGraphs
import ConvNetTensors

/// A way to compute a convolution.
package enum ConvolutionAlgorithm: String, CaseIterable {
  /// The sum as it is written.
  case direct
  /// Minimal filtering F(4x4, 3x3) in the library: a quarter of the multiplications, and some of the precision.
  ///
  /// Winograd; Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015.
  case winograd

  var libraryAlgorithm: cdnn_algorithm {
    switch self {
    case .direct: CDNN_CONVOLUTION_DIRECT
    case .winograd: CDNN_CONVOLUTION_WINOGRAD
    }
  }

  /// Those that may be tried for a problem, the one first that is best as a rule where nothing was measured.
  static func candidates(for problem: ConvolutionProblem, exact: Bool) -> [Self] {
    let window = problem.convolution.window(kernel: problem.kernel)
    let isFiltering =
      window.kernel == [3, 3] && window.strides == [1, 1] && window.dilations == [1, 1]
      && problem.convolution.groups == 1
    guard isFiltering, !exact, problem.input[1] >= 16 else { return [.direct] }
    return [.winograd, .direct]
  }
}
