import CKernels
import ConvNetGraphs
import ConvNetTensors

// Convolutions of each channel by itself by our own kernels, `CKernels/depthwise*.c`: any kernel, stride, dilation and padding.

/// A depthwise convolution that our kernels compute, in all three directions.
struct DepthwiseConvolution: ParameterGradientKernels {
  static let name = "depthwise"

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
    geometry = try ck_direct(convolution, input: input, kernel: kernel, output: output)
    isTransposed = false
    guard withUnsafePointer(to: geometry, { ck_depthwise_can_compute($0, false) }) else {
      return nil
    }
  }

  private init(_ geometry: ck_direct, isTransposed: Bool) {
    self.geometry = geometry
    (adds, activation, self.isTransposed) = (false, CK_IDENTITY, isTransposed)
  }

  func withStrides(source: Int?, result: Int?) -> DepthwiseConvolution {
    var other = self
    if let source { other.geometry.in_stride = source }
    if let result { other.geometry.out_stride = result }
    return other
  }

  var kind: StepKind { .direct }

  var transposed: DepthwiseConvolution? {
    withUnsafePointer(to: geometry) { ck_depthwise_can_compute($0, true) }
      ? DepthwiseConvolution(geometry, isTransposed: true) : nil
  }

  var multiplyAdds: Int {
    geometry.batch * geometry.out_channels * geometry.out_height * geometry.out_width
      * geometry.kernel_height * geometry.kernel_width
  }

  var packedCount: Int {
    withUnsafePointer(to: geometry) { ck_depthwise_weights_size($0, isTransposed) }
  }

  func scratchCount(threads: Int) -> Int {
    withUnsafePointer(to: geometry) { ck_depthwise_scratch($0, isTransposed, Int32(threads)) }
  }

  func pack(
    _ packed: UnsafeMutablePointer<Float>, weights: UnsafePointer<Float>, threads: Int
  ) {
    withUnsafePointer(to: geometry) { ck_depthwise_pack($0, packed, weights, isTransposed) }
  }

  func run(
    _ result: UnsafeMutablePointer<Float>, source: UnsafePointer<Float>,
    packed: UnsafePointer<Float>, bias: UnsafePointer<Float>?, addend: UnsafePointer<Float>?,
    scratch: UnsafeMutablePointer<Float>, threads: Int
  ) {
    withUnsafePointer(to: geometry) {
      if isTransposed {
        ck_depthwise_input_gradient($0, result, source, packed, scratch, Int32(threads))
      } else {
        ck_depthwise_forward(
          $0, result, source, packed, bias, addend, activation, scratch, Int32(threads))
      }
    }
  }

  func gradientScratchCount(threads: Int) -> Int {
    withUnsafePointer(to: geometry) { ck_depthwise_gradient_scratch($0, Int32(threads)) }
  }

  func runGradient(
    weights: UnsafeMutablePointer<Float>, bias: UnsafeMutablePointer<Float>?,
    source: UnsafePointer<Float>, outputGradient: UnsafePointer<Float>,
    scratch: UnsafeMutablePointer<Float>, threads: Int
  ) {
    withUnsafePointer(to: geometry) {
      ck_depthwise_gradient($0, weights, bias, source, outputGradient, scratch, Int32(threads))
    }
  }
}
