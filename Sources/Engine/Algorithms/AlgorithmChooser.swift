import ConvNetTensors

/// Chooses how each convolution of a graph is computed: as the table of measurements says, by measuring, or by rule.
struct AlgorithmChooser {
  private let options: CompilationOptions
  private var table: AlgorithmTable?
  private var isTableChanged = false
  /// Of the problems met so far: networks repeat their layers.
  private var chosen: [String: ConvolutionKernel] = [:]

  init(_ options: CompilationOptions) {
    self.options = options
    table =
      !options.compute.isMeasured
      ? nil
      : AlgorithmTable(
        threads: options.threads, folder: options.compute.cacheFolder,
        kernels: options.compute.kernels)
  }

  /// - Throws: ``LibraryFailure`` where the library cannot compute the convolution.
  mutating func kernel(for problem: ConvolutionProblem) throws -> ConvolutionKernel {
    let key = problem.description
    if let kernel = chosen[key] { return kernel }
    let kernel = try choose(problem, key)
    chosen[key] = kernel
    return kernel
  }

  private mutating func choose(
    _ problem: ConvolutionProblem, _ key: String
  ) throws -> ConvolutionKernel {
    let algorithms = ConvolutionAlgorithm.candidates(for: problem, options)
    if let known = table?[key], algorithms.contains(known),
      let kernel = try? problem.kernel(known)
    {
      return kernel
    }
    if options.compute.tuning == .full, options.compute.isMeasured, algorithms.count > 1 {
      let measured = algorithms.compactMap { algorithm in
        (try? problem.kernel(algorithm)).flatMap { kernel in
          (try? Stopwatch.seconds(of: kernel, for: problem, threads: options.threads)).map {
            (algorithm, kernel, $0)
          }
        }
      }
      if let best = measured.min(by: { $0.2 < $1.2 }) {
        table?[key] = best.0
        isTableChanged = true
        return best.1
      }
    }
    for algorithm in algorithms {
      if let kernel = try? problem.kernel(algorithm) { return kernel }
    }
    return options.usesLibrary ? try problem.kernel(.libraryDirect) : .sums
  }

  /// Remembers what was measured. A table that cannot be written costs the next compilation time, and nothing else.
  func save() {
    if isTableChanged { try? table?.save() }
  }
}
