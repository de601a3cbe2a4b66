import COneDNN
import ConvNetGraphs
import ConvNetTensors

/// Times a primitive on memory of its own.
enum Stopwatch {
  /// The fastest of several runs: whatever else the machine does only ever adds time.
  static func seconds(of primitive: Primitive, for problem: ConvolutionProblem) throws -> Double {
    var layouts = try Self.arguments.compactMap { argument in
      try primitive.layout(of: argument, shape: []).map { (argument, $0) }
    }
    if problem.convolution.hasBias {
      let bias = try Layout.rowMajor([problem.output[1]])
      switch problem.direction {
      case .forward: layouts.append((CDNN_BIAS, bias))
      case .parameterGradient: layouts.append((CDNN_DIFF_BIAS, bias))
      case .inputGradient: break
      }
    }
    var memory: [TensorStorage] = []
    var arguments: [(cdnn_argument, Layout, UnsafeMutableRawPointer)] = []
    for (argument, layout) in layouts {
      let storage = TensorStorage(byteCount: layout.byteCount)
      guard let address = storage.bytes.baseAddress else { continue }
      storage.bytes.initializeMemory(as: UInt8.self, repeating: 0)
      memory.append(storage)
      arguments.append((argument, layout, address))
    }
    return try withExtendedLifetime(memory) {
      let call = try BoundCall(primitive, arguments: arguments)
      let clock = ContinuousClock()
      var best = Double.infinity
      let deadline = clock.now + .milliseconds(60)
      // The first brings the memory into the caches.
      for run in 0..<12 where run < 3 || clock.now < deadline {
        let start = clock.now
        guard call.run() == 0 else { throw LibraryFailure(status: Int32(CDNN_UNIMPLEMENTED)) }
        if run > 0 { best = min(best, (clock.now - start) / .seconds(1)) }
      }
      return best
    }
  }

  private static let arguments = [
    CDNN_SRC, CDNN_WEIGHTS, CDNN_DST, CDNN_DIFF_SRC, CDNN_DIFF_WEIGHTS, CDNN_DIFF_DST,
    CDNN_SCRATCHPAD,
  ]
}
