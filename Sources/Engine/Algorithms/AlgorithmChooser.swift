import ConvNetTensors

/// Chooses how each convolution of a graph is computed: as the table of measurements says, by measuring, or by rule.
struct AlgorithmChooser {
  private let options: CompilationOptions
  private var table: AlgorithmTable?
  private var isTableChanged = false
  /// Compiled candidates of the problems met so far: networks repeat their layers.
  private var chosen: [String: Primitive] = [:]

  init(_ options: CompilationOptions) {
    self.options = options
    table =
      options.compute.tuning == .off
      ? nil
      : AlgorithmTable(threads: options.threads, folder: options.compute.cacheFolder)
  }

  /// - Throws: ``LibraryFailure`` where the library cannot compute the convolution.
  mutating func primitive(for problem: ConvolutionProblem) throws -> Primitive {
    let key = problem.description
    if let primitive = chosen[key] { return primitive }
    let primitive = try choose(problem, key)
    chosen[key] = primitive
    return primitive
  }

  private mutating func choose(_ problem: ConvolutionProblem, _ key: String) throws -> Primitive {
    let algorithms = ConvolutionAlgorithm.candidates(for: problem, exact: options.compute.isExact)
    if let known = table?[key], algorithms.contains(known),
      let primitive = try? problem.primitive(known)
    {
      return primitive
    }
    if options.compute.tuning == .full, algorithms.count > 1 {
      let measured = algorithms.compactMap { algorithm in
        (try? problem.primitive(algorithm)).flatMap { primitive in
          (try? Stopwatch.seconds(of: primitive, for: problem)).map { (algorithm, primitive, $0) }
        }
      }
      if let best = measured.min(by: { $0.2 < $1.2 }) {
        table?[key] = best.0
        isTableChanged = true
        return best.1
      }
    }
    for algorithm in algorithms.dropLast() {
      if let primitive = try? problem.primitive(algorithm) { return primitive }
    }
    return try problem.primitive(.direct)
  }

  /// Remembers what was measured. A table that cannot be written costs the next compilation time, and nothing else.
  func save() {
    if isTableChanged { try? table?.save() }
  }
}
