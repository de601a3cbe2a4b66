import CKernels
import ConvNetGraphs
import ConvNetTensors

// Convolutions by our own kernels as the sum is written: any kernel, stride, dilation and padding.

/// The functions of a family of kernels, in all three directions.
private struct DirectKernels: Sendable {
  typealias Geometry = UnsafePointer<ck_direct>
  typealias Memory = UnsafeMutablePointer<Float>
  typealias Source = UnsafePointer<Float>

  let name: String
  let isPlain: @Sendable (Geometry) -> Bool
  let canCompute: @Sendable (Geometry, _ transposes: Bool) -> Bool
  let weightsSize: @Sendable (Geometry, _ transposes: Bool) -> Int
  let scratch: @Sendable (Geometry, _ transposes: Bool, Int32) -> Int
  let pack: @Sendable (Geometry, Memory, Source, _ transposes: Bool, Int32) -> Void
  let forward:
    @Sendable (Geometry, Memory, Source, Source, Source?, Source?, ck_activation, Memory, Int32)
      -> Void
  let inputGradient: @Sendable (Geometry, Memory, Source, Source, Memory, Int32) -> Void
  let gradientScratch: @Sendable (Geometry, Int32) -> Int
  let gradient: @Sendable (Geometry, Memory, Memory?, Source, Source, Memory, Int32) -> Void

  /// Sums over channels, `CKernels/direct*.c`.
  static let direct = DirectKernels(
    name: "direct", isPlain: { ck_direct_is_plain($0) },
    canCompute: { ck_direct_can_compute($0, $1) },
    weightsSize: { ck_direct_weights_size($0, $1) }, scratch: { ck_direct_scratch($0, $1, $2) },
    pack: { ck_direct_pack($0, $1, $2, $3, $4) },
    forward: { ck_direct_forward($0, $1, $2, $3, $4, $5, $6, $7, $8) },
    inputGradient: { ck_direct_input_gradient($0, $1, $2, $3, $4, $5) },
    gradientScratch: { ck_direct_gradient_scratch($0, $1) },
    gradient: { ck_direct_gradient($0, $1, $2, $3, $4, $5, $6) })

  /// Each channel by itself, `CKernels/depthwise*.c`.
  static let depthwise = DirectKernels(
    name: "depthwise", isPlain: { _ in false }, canCompute: { ck_depthwise_can_compute($0, $1) },
    weightsSize: { ck_depthwise_weights_size($0, $1) },
    scratch: { ck_depthwise_scratch($0, $1, $2) },
    pack: { geometry, packed, weights, transposes, _ in
      ck_depthwise_pack(geometry, packed, weights, transposes)
    },
    forward: { ck_depthwise_forward($0, $1, $2, $3, $4, $5, $6, $7, $8) },
    inputGradient: { ck_depthwise_input_gradient($0, $1, $2, $3, $4, $5) },
    gradientScratch: { ck_depthwise_gradient_scratch($0, $1) },
    gradient: { ck_depthwise_gradient($0, $1, $2, $3, $4, $5, $6) })
}

/// A convolution that our direct kernels compute, in all three directions.
struct DirectConvolution: ParameterGradientKernels {
  private let kernels: DirectKernels
  private var geometry: ck_direct
  let adds: Bool
  private let activation: ck_activation
  /// Whether the gradient by the input is computed.
  private let isTransposed: Bool

  /// `nil` where the kernels cannot compute it.
  init?(
    _ convolution: Operation.Convolution, input: Shape, kernel: Shape, output: Shape
  ) throws {
    guard input.rank == 4, let fused = convolution.additionAndActivation else { return nil }
    (adds, activation) = fused
    let given = try ck_direct(convolution, input: input, kernel: kernel, output: output)
    let kernels = [DirectKernels.direct, .depthwise].first { family in
      withUnsafePointer(to: given) { family.canCompute($0, false) }
    }
    guard let kernels else { return nil }
    (self.kernels, geometry, isTransposed) = (kernels, given, false)
    if readsPlain { geometry.in_stride = input.withoutBatch.count }
  }

  private init(transposing other: DirectConvolution) {
    (kernels, geometry) = (other.kernels, other.geometry)
    (adds, activation, isTransposed) = (false, CK_IDENTITY, true)
  }

  var name: String { kernels.name }

  /// Whether the input is read in plain order, or with the channels innermost, where it is ``interleaved``.
  var readsPlain: Bool { withUnsafePointer(to: geometry) { kernels.isPlain($0) } }

  var interleaved: DirectConvolution {
    var other = self
    other.geometry.is_interleaved = true
    return other
  }

  func withStrides(source: Int?, result: Int?) -> DirectConvolution {
    var other = self
    if let source { other.geometry.in_stride = source }
    if let result { other.geometry.out_stride = result }
    return other
  }

  var kind: StepKind {
    geometry.kernel_height * geometry.kernel_width == 1 ? .pointwise : .direct
  }

  var transposed: DirectConvolution? {
    withUnsafePointer(to: geometry) { kernels.canCompute($0, true) }
      ? DirectConvolution(transposing: self) : nil
  }

  var multiplyAdds: Int {
    geometry.batch * geometry.out_channels * geometry.out_height * geometry.out_width
      * geometry.in_channels / geometry.groups * geometry.kernel_height * geometry.kernel_width
  }

  var packedCount: Int {
    withUnsafePointer(to: geometry) { kernels.weightsSize($0, isTransposed) }
  }

  func scratchCount(threads: Int) -> Int {
    withUnsafePointer(to: geometry) { kernels.scratch($0, isTransposed, Int32(threads)) }
  }

  func pack(
    _ packed: UnsafeMutablePointer<Float>, weights: UnsafePointer<Float>, threads: Int
  ) {
    withUnsafePointer(to: geometry) {
      kernels.pack($0, packed, weights, isTransposed, Int32(threads))
    }
  }

  func run(
    _ result: UnsafeMutablePointer<Float>, source: UnsafePointer<Float>,
    packed: UnsafePointer<Float>, bias: UnsafePointer<Float>?, addend: UnsafePointer<Float>?,
    scratch: UnsafeMutablePointer<Float>, threads: Int
  ) {
    withUnsafePointer(to: geometry) {
      if isTransposed {
        kernels.inputGradient($0, result, source, packed, scratch, Int32(threads))
      } else {
        kernels.forward(
          $0, result, source, packed, bias, addend, activation, scratch, Int32(threads))
      }
    }
  }

  func gradientScratchCount(threads: Int) -> Int {
    withUnsafePointer(to: geometry) { kernels.gradientScratch($0, Int32(threads)) }
  }

  func runGradient(
    weights: UnsafeMutablePointer<Float>, bias: UnsafeMutablePointer<Float>?,
    source: UnsafePointer<Float>, outputGradient: UnsafePointer<Float>,
    scratch: UnsafeMutablePointer<Float>, threads: Int
  ) {
    withUnsafePointer(to: geometry) {
      kernels.gradient($0, weights, bias, source, outputGradient, scratch, Int32(threads))
    }
  }
}

extension ck_direct {
  /// Of pictures in blocks of 16 channels.
  init(
    _ convolution: Operation.Convolution, input: Shape, kernel: Shape, output: Shape
  ) throws {
    func stride(_ shape: Shape) -> Int { Processor.wholeBlocks(shape[1]) * shape[2] * shape[3] }
    let sides = try convolution.sides(input: input, kernel: kernel)
    self.init(
      batch: input[0], groups: convolution.groups, in_channels: input[1], height: input[2],
      width: input[3], out_channels: output[1], out_height: output[2], out_width: output[3],
      kernel_height: kernel.spatial[0], kernel_width: kernel.spatial[1],
      stride_down: convolution.strides[0], stride_along: convolution.strides[1],
      dilation_down: convolution.dilations[0], dilation_along: convolution.dilations[1],
      pad_top: sides[0].before, pad_left: sides[1].before, in_stride: stride(input),
      out_stride: stride(output), is_interleaved: false,
      instructions: Processor.current.kernelInstructions)
  }
}

extension Lowering {
  /// What a first layer reads: pictures as they come, and the kernels for their order.
  mutating func readPlain(
    _ input: ValueID, for direct: DirectConvolution
  ) throws -> (Place, DirectConvolution) {
    if try nativeLayout(input) == .channelsLast(shape(input)) {
      return (read(input), direct.interleaved)
    }
    return (try readRowMajor(input), direct)
  }
}
