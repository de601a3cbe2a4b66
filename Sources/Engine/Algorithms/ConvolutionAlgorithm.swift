import COneDNN
import ConvNetGraphs
import ConvNetTensors

/// A way to compute a convolution.
package enum ConvolutionAlgorithm: String, CaseIterable {
  /// The sum as it is written, by kernels of our own.
  case direct
  /// The same in the library.
  case libraryDirect = "library-direct"
  /// Minimal filtering by kernels of our own: a quarter of the multiplications of 3x3, a sixth of those of 5x5, less than half
  /// of those of 1x3 and 1x7, and some of the precision.
  ///
  /// Winograd; Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015.
  case winograd
  /// The same for 3x3 in the library, which has it up to version 3.1. On a few shapes it is the faster.
  case libraryWinograd = "library-winograd"

  /// `nil` where the kernels are our own.
  var libraryAlgorithm: cdnn_algorithm? {
    switch self {
    case .direct, .winograd: nil
    case .libraryDirect: CDNN_CONVOLUTION_DIRECT
    case .libraryWinograd: CDNN_CONVOLUTION_WINOGRAD
    }
  }

  /// Those that may be tried for a problem, by decreasing speed as a rule where nothing was measured.
  static func candidates(
    for problem: ConvolutionProblem, _ options: CompilationOptions
  ) -> [Self] {
    let all = usual(for: problem, options.compute)
    guard options.usesLibrary else { return all.filter { $0.libraryAlgorithm == nil } }
    return options.compute.kernels == .library ? all.filter { $0.libraryAlgorithm != nil } : all
  }

  private static func usual(
    for problem: ConvolutionProblem, _ options: ComputeOptions
  ) -> [Self] {
    let window = problem.convolution.window(kernel: problem.kernel)
    let isFiltering =
      WinogradConvolution.hasKernel(window.kernel) && window.strides == [1, 1]
      && window.dilations == [1, 1] && problem.convolution.groups == 1
      && problem.input[1] >= Processor.channelBlock
    let direct = try? problem.own(DirectConvolution.self) as? DirectConvolution
    let isOurs = direct.map { !$0.isMakeshift } ?? false
    // The library's blocks are ours with AVX-512 alone: elsewhere its kernels cost reorders on both sides.
    let sums: [Self] =
      isOurs && !Processor.current.sharesBlocks
      ? [.direct]
      : isOurs && !isLibraryFaster(problem)
        ? [.direct, .libraryDirect] : [.libraryDirect, .direct]
    guard isFiltering, !options.isExact,
      repaysTransformation(problem, runs: options.expectedRuns)
    else { return sums }
    let filtering: [Self] =
      window.kernel == [3, 3] && Processor.current.sharesBlocks
      ? [.winograd, .libraryWinograd] : [.winograd]
    return isWorthFiltering(problem) ? filtering + sums : sums + filtering
  }

  /// Whether the library's kernel for channels that are each convolved by itself is the faster, as measured on blocks that are
  /// its own: not for gradients by weights, which it computes by reference for kernels of 5x5 and 7x7, and not where an
  /// activation must follow in a pass of its own.
  private static func isLibraryFaster(_ problem: ConvolutionProblem) -> Bool {
    let convolution = problem.convolution
    guard convolution.groups > 1, convolution.groups == problem.input[1],
      convolution.groups == problem.output[1], Processor.current.sharesBlocks,
      problem.direction != .parameterGradient
    else { return false }
    return convolution.fused.allSatisfy {
      if case .activation(let function) = $0 { function.postOperation != nil } else { true }
    }
  }

  /// Whether transforming the weights, once in inference, is made good in so many runs: as measured, where the runs have some
  /// 1200 positions together.
  private static func repaysTransformation(_ problem: ConvolutionProblem, runs: Int?) -> Bool {
    guard let runs, !problem.isTraining else { return true }
    let positions = problem.output[0] * problem.output.spatial.reduce(1, *)
    return positions.multipliedReportingOverflow(by: runs).overflow || positions * runs >= 1200
  }

  /// Whether filtering saves more products than its transforms cost: tiles of four outputs hang over the edge of small maps, and
  /// few channels share a transform.
  private static func isWorthFiltering(_ problem: ConvolutionProblem) -> Bool {
    let saving = zip(problem.kernel.spatial, problem.output.spatial).reduce(1.0) {
      let (taps, extent) = $1
      return taps == 1 ? $0 : $0 * Double(extent * taps) / Double((extent + 3) / 4 * (taps + 3))
    }
    // In units of the products, as measured: a transform takes 0.3 to 0.45 cycles for each point and channel of a tile.
    let transforms = 4.8 / Double(problem.input[1]) + 7.2 / Double(problem.output[1])
    return saving > 1.25 * (1 + transforms)
  }
}

/// What computes a convolution.
enum ConvolutionKernel {
  case library(Primitive)
  /// For the direction that was asked for.
  case own(any ConvolutionKernels)
  /// Plain loops of our own, for what neither computes.
  case sums
}
