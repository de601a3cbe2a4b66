import CKernels
import ConvNetGraphs
import ConvNetTensors

// Convolutions by our own kernels for Winograd's algorithm, `CKernels/winograd*.c`: a quarter of the multiplications for 3x3, a
// sixth for 5x5, and some more of the rounding error.

/// A convolution that Winograd's algorithm computes, in all three directions.
struct WinogradConvolution: ParameterGradientKernels {
  var name: String { "winograd" }

  private var geometry: ck_winograd
  let adds: Bool
  private let rectifies: Bool
  /// Whether the weights are those of the convolution that this one is the gradient of.
  private let isTransposed: Bool

  /// Whether there are kernels for a window's extents.
  static func hasKernel(_ window: [Int]) -> Bool {
    window.count == 2 && ck_winograd_can_compute(window[0], window[1])
  }

  /// `nil` where the kernels cannot compute it.
  init?(
    _ convolution: Operation.Convolution, input: Shape, kernel: Shape, output: Shape
  ) throws {
    guard input.rank == 4, Self.hasKernel(kernel.spatial), convolution.groups == 1,
      convolution.strides == [1, 1], convolution.dilations == [1, 1],
      input[1] % Processor.channelBlock == 0, output[1] % Processor.channelBlock == 0,
      let fused = convolution.additionAndRectification
    else { return nil }
    (adds, rectifies) = fused
    let sides = try convolution.sides(input: input, kernel: kernel)
    guard zip(sides, kernel.spatial).allSatisfy({ max($0.before, $0.after) < $1 }) else {
      return nil
    }
    geometry = ck_winograd(
      batch: input[0], in_channels: input[1], height: input[2], width: input[3],
      out_channels: output[1], out_height: output[2], out_width: output[3],
      kernel_height: kernel.spatial[0], kernel_width: kernel.spatial[1],
      pad_top: sides[0].before, pad_left: sides[1].before,
      in_stride: input.count / input[0], out_stride: output.count / output[0],
      instructions: Processor.current.kernelInstructions)
    isTransposed = false
  }

  private init(transposing other: WinogradConvolution) {
    geometry = withUnsafePointer(to: other.geometry) { ck_winograd_transposed($0) }
    (adds, rectifies, isTransposed) = (false, false, true)
  }

  func withStrides(source: Int?, result: Int?) -> WinogradConvolution {
    var other = self
    if let source { other.geometry.in_stride = source }
    if let result { other.geometry.out_stride = result }
    return other
  }

  var kind: StepKind { .winograd }
  var transposed: WinogradConvolution? { WinogradConvolution(transposing: self) }

  /// Without those of the transformations.
  var multiplyAdds: Int { withUnsafePointer(to: geometry) { ck_winograd_multiply_adds($0) } }

  var packedCount: Int { withUnsafePointer(to: geometry) { ck_winograd_weights_size($0) } }

  func scratchCount(threads: Int) -> Int {
    withUnsafePointer(to: geometry) { ck_winograd_forward_scratch($0, Int32(threads)) }
  }

  func gradientScratchCount(threads: Int) -> Int {
    withUnsafePointer(to: geometry) { ck_winograd_gradient_scratch($0, Int32(threads)) }
  }

  func pack(
    _ packed: UnsafeMutablePointer<Float>, weights: UnsafePointer<Float>, threads: Int
  ) {
    withUnsafePointer(to: geometry) {
      ck_winograd_pack($0, packed, weights, isTransposed, Int32(threads))
    }
  }

  func run(
    _ result: UnsafeMutablePointer<Float>, source: UnsafePointer<Float>,
    packed: UnsafePointer<Float>, bias: UnsafePointer<Float>?, addend: UnsafePointer<Float>?,
    scratch: UnsafeMutablePointer<Float>, threads: Int
  ) {
    withUnsafePointer(to: geometry) {
      ck_winograd_forward(
        $0, result, source, packed, bias, addend, rectifies, scratch, Int32(threads))
    }
  }

  func runGradient(
    weights: UnsafeMutablePointer<Float>, bias: UnsafeMutablePointer<Float>?,
    source: UnsafePointer<Float>, outputGradient: UnsafePointer<Float>,
    scratch: UnsafeMutablePointer<Float>, threads: Int
  ) {
    withUnsafePointer(to: geometry) {
      ck_winograd_gradient($0, weights, bias, source, outputGradient, scratch, Int32(threads))
    }
  }
}
