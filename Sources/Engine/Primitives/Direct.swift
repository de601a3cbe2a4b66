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
  let leavesActivation: Bool
  let joined: JoinedGroups?
  private let activation: ck_activation
  /// Whether the gradient by the input is computed.
  private let isTransposed: Bool

  /// `nil` where the kernels cannot compute it.
  init?(
    _ convolution: Operation.Convolution, input: Shape, kernel: Shape, output: Shape
  ) throws {
    guard input.rank == 4, let fused = convolution.additionAndActivation else { return nil }
    (adds, activation, leavesActivation) = fused
    let given = try ck_direct(convolution, input: input, kernel: kernel, output: output)
    let kernels = [DirectKernels.direct, .depthwise].first { family in
      withUnsafePointer(to: given) { family.canCompute($0, false) }
    }
    if let kernels {
      (self.kernels, geometry, joined) = (kernels, given, nil)
    } else if let joined = JoinedGroups(convolution, kernel: kernel) {
      var geometry = given
      geometry.groups = joined.count
      guard withUnsafePointer(to: geometry, { ck_direct_can_compute($0, false) }) else {
        return nil
      }
      (self.kernels, self.geometry, self.joined) = (.direct, geometry, joined)
    } else {
      return nil
    }
    isTransposed = false
    if readsPlain { geometry.in_stride = input.withoutBatch.count }
  }

  private init(transposing other: DirectConvolution) {
    (kernels, geometry, joined) = (other.kernels, other.geometry, other.joined)
    (adds, activation, isTransposed) = (false, CK_IDENTITY, true)
    leavesActivation = false
    // Gradients have their channels in blocks, however few there are.
    geometry.in_stride =
      Processor.wholeBlocks(geometry.in_channels) * geometry.height * geometry.width
  }

  var name: String { kernels.name }

  /// Whether the input is read in plain order, or with the channels innermost, where it is ``interleaved``.
  var readsPlain: Bool { withUnsafePointer(to: geometry) { kernels.isPlain($0) } }

  /// Whether it is more work than the sum as it is written: multiplications by zeros that stand for other groups, or for channels
  /// of a picture that has but one or three, or another pass for what is fused.
  var isMakeshift: Bool {
    let hasFew = geometry.groups == 1 && [1, 3].contains(geometry.in_channels)
    return joined != nil || leavesActivation || (hasFew && (isTransposed || !readsPlain))
  }

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

/// Groups of a convolution that fill no blocks of channels, so many taken for one that they do: weights from a group to another's
/// channels are zero. Where no number of them fills blocks, all are one.
struct JoinedGroups: Sendable {
  /// Groups after joining.
  let count: Int
  private let together: Int
  /// Of a group before.
  private let inputs: Int
  private let outputs: Int
  private let taps: Int

  /// `nil` where there is but one group.
  init?(_ convolution: Operation.Convolution, kernel: Shape) {
    let groups = convolution.groups
    guard groups > 1 else { return nil }
    (inputs, outputs) = (kernel[1], kernel[0] / groups)
    taps = kernel.spatial.reduce(1, *)
    let (inputs, outputs) = (inputs, outputs)
    together =
      (2..<groups).first {
        groups % $0 == 0 && $0 * inputs % Processor.channelBlock == 0
          && $0 * outputs % Processor.channelBlock == 0
      } ?? groups
    count = groups / together
  }

  /// Of all weights, those that are zero too.
  var weightCount: Int { count * together * outputs * together * inputs * taps }

  /// Where the weights of an output channel begin among those of the joined groups.
  private func place(of channel: Int) -> Int {
    let row = inputs * taps
    return channel * together * row + channel / outputs % together * row
  }

  /// Weights [O, C / groups, ...] as those of the joined groups.
  func spread(_ joined: UnsafeMutablePointer<Float>, from weights: UnsafePointer<Float>) {
    joined.update(repeating: 0, count: weightCount)
    for channel in 0..<count * together * outputs {
      (joined + place(of: channel)).update(
        from: weights + channel * inputs * taps, count: inputs * taps)
    }
  }

  /// And back.
  func gather(_ weights: UnsafeMutablePointer<Float>, from joined: UnsafePointer<Float>) {
    for channel in 0..<count * together * outputs {
      (weights + channel * inputs * taps).update(
        from: joined + place(of: channel), count: inputs * taps)
    }
  }
}

extension ck_direct {
  /// Of pictures in blocks of 16 channels; a signal is a picture of one row.
  init(
    _ convolution: Operation.Convolution, input: Shape, kernel: Shape, output: Shape
  ) throws {
    func stride(_ shape: Shape) -> Int {
      Processor.wholeBlocks(shape[1]) * shape.spatial.reduce(1, *)
    }
    func padded(_ numbers: [Int], by filling: Int = 1) -> [Int] {
      numbers.count == 1 ? [filling] + numbers : numbers
    }
    let sides = try convolution.sides(input: input, kernel: kernel)
    let (from, to, window) = (
      padded(input.spatial), padded(output.spatial), padded(kernel.spatial)
    )
    let (strides, dilations) = (padded(convolution.strides), padded(convolution.dilations))
    let before = padded(sides.map(\.before), by: 0)
    self.init(
      batch: input[0], groups: convolution.groups, in_channels: input[1], height: from[0],
      width: from[1], out_channels: output[1], out_height: to[0], out_width: to[1],
      kernel_height: window[0], kernel_width: window[1],
      stride_down: strides[0], stride_along: strides[1],
      dilation_down: dilations[0], dilation_along: dilations[1],
      pad_top: before[0], pad_left: before[1], in_stride: stride(input),
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
