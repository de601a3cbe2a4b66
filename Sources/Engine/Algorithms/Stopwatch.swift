import COneDNN
import ConvNetFiles
import ConvNetGraphs
import ConvNetTensors

/// Times a convolution on memory of its own.
enum Stopwatch {
  /// The fastest of several runs: whatever else the machine does only ever adds time.
  static func seconds(
    of kernel: ConvolutionKernel, for problem: ConvolutionProblem, threads: Int
  ) throws -> Double {
    switch kernel {
    case .library(let primitive): try seconds(of: primitive, for: problem)
    case .own(let kernels): try seconds(of: kernels, for: problem, threads: threads)
    // Nothing is chosen against them.
    case .sums: .infinity
    }
  }

  private static func seconds(
    of primitive: Primitive, for problem: ConvolutionProblem
  ) throws -> Double {
    var layouts = try Self.arguments.compactMap { argument in
      try primitive.layout(of: argument, shape: []).map { (argument, $0) }
    }
    if problem.convolution.hasBias {
      let bias = try Layout.rowMajor([problem.output[1]])
      switch problem.direction {
      case .forward: layouts.append((CDNN_BIAS, bias))
      case .inputGradient, .parameterGradient: break
      }
    }
    let memory = try layouts.map { try Zeros(byteCount: $0.1.byteCount) }
    return try withExtendedLifetime(memory) {
      let call = try BoundCall(
        primitive, arguments: zip(layouts, memory).map { ($0.0, $0.1, $1.address) })
      return try fastest {
        guard call.run() == 0 else { throw LibraryFailure(status: Int32(CDNN_UNIMPLEMENTED)) }
      }
    }
  }

  /// In training the weights change between runs, so that packing them is part of the work.
  private static func seconds(
    of kernels: some ConvolutionKernels, for problem: ConvolutionProblem, threads: Int
  ) throws -> Double {
    let gradient = kernels as? any ParameterGradientKernels
    let weights = try Zeros(floats: problem.kernel.count)
    let bias = problem.convolution.hasBias ? try Zeros(floats: problem.output[1]) : nil
    let (x, y) = try (Zeros(blocksOf: problem.input), Zeros(blocksOf: problem.output))
    let packed = try Zeros(floats: kernels.packedCount)
    let scratch = try Zeros(
      floats: max(
        kernels.scratchCount(threads: threads),
        gradient?.gradientScratchCount(threads: threads) ?? 0))
    return try withExtendedLifetime((weights, bias, x, y, scratch, packed)) {
      try fastest {
        switch problem.direction {
        case .forward:
          if problem.isTraining {
            kernels.pack(packed.floats, weights: weights.floats, threads: threads)
          }
          kernels.run(
            y.floats, source: x.floats, packed: packed.floats, bias: bias?.floats,
            addend: kernels.adds ? y.floats : nil, scratch: scratch.floats, threads: threads)
        case .inputGradient:
          kernels.pack(packed.floats, weights: weights.floats, threads: threads)
          kernels.run(
            x.floats, source: y.floats, packed: packed.floats, bias: nil, addend: nil,
            scratch: scratch.floats, threads: threads)
        case .parameterGradient:
          gradient?.runGradient(
            weights: weights.floats, bias: bias?.floats, source: x.floats,
            outputGradient: y.floats, scratch: scratch.floats, threads: threads)
        }
      }
    }
  }

  /// The first run, which brings memory into the caches, does not count.
  private static func fastest(_ run: () throws -> Void) throws -> Double {
    let clock = ContinuousClock()
    var best = Double.infinity
    let deadline = clock.now + .milliseconds(60)
    for index in 0..<12 where index < 3 || clock.now < deadline {
      let start = clock.now
      try run()
      if index > 0 { best = min(best, (clock.now - start) / .seconds(1)) }
    }
    return best
  }

  private static let arguments = [
    CDNN_SRC, CDNN_WEIGHTS, CDNN_DST, CDNN_DIFF_SRC, CDNN_DIFF_WEIGHTS, CDNN_DIFF_DST,
    CDNN_SCRATCHPAD,
  ]

  private final class Zeros {
    private let storage: TensorStorage

    init(byteCount: Int) throws(AllocationError) {
      storage = try TensorStorage(byteCount: max(64, byteCount), for: "a measurement")
      storage.bytes.initializeMemory(as: UInt8.self, repeating: 0)
    }

    convenience init(floats: Int) throws(AllocationError) {
      try self.init(byteCount: floats * MemoryLayout<Float>.stride)
    }

    /// Pictures whose channels fill up blocks of 16.
    convenience init(blocksOf shape: Shape) throws(AllocationError) {
      try self.init(floats: shape.count / shape[1] * Processor.wholeBlocks(shape[1]))
    }

    var address: UnsafeMutableRawPointer {
      guard let address = storage.bytes.baseAddress else {
        fatalError("memory of at least 64 bytes has an address")
      }
      return address
    }

    var floats: UnsafeMutablePointer<Float> { address.assumingMemoryBound(to: Float.self) }
  }
}
