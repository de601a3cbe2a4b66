import CKernels
import ConvNetGraphs
import ConvNetTensors

// Convolutions by our own kernels for Winograd's algorithm, `CKernels/winograd*.c`: a quarter of the multiplications for 3x3, a
// sixth for 5x5, and some more of the rounding error. Pictures lie in blocks of 16 channels.

/// A convolution that Winograd's algorithm computes, in all three directions.
struct WinogradConvolution: Sendable {
  let geometry: ck_winograd
  /// Whether the result is added to the operation's last input.
  let adds: Bool
  /// Whether negative results become zero.
  let rectifies: Bool

  /// Whether the kernels compute the convolution, with all that is fused into it.
  static func canCompute(
    _ convolution: Operation.Convolution, input: Shape, kernel: Shape, output: Shape
  ) throws -> Bool {
    try WinogradConvolution(convolution, input: input, kernel: kernel, output: output) != nil
  }

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
      input[1] % 16 == 0, output[1] % 16 == 0
    else { return nil }
    switch convolution.fused {
    case []: (adds, rectifies) = (false, false)
    case [.activation(.relu)]: (adds, rectifies) = (false, true)
    case [.addition]: (adds, rectifies) = (true, false)
    case [.addition, .activation(.relu)]: (adds, rectifies) = (true, true)
    default: return nil
    }
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
      instructions: CK_WIDEST)
  }

  /// The same convolution for pictures whose examples lie so many floats apart.
  func withStrides(source: Int, result: Int) -> WinogradConvolution {
    var geometry = geometry
    (geometry.in_stride, geometry.out_stride) = (source, result)
    return WinogradConvolution(geometry: geometry, adds: adds, rectifies: rectifies)
  }

  private init(geometry: ck_winograd, adds: Bool, rectifies: Bool) {
    (self.geometry, self.adds, self.rectifies) = (geometry, adds, rectifies)
  }

  private init(transposing other: WinogradConvolution) {
    geometry = withUnsafePointer(to: other.geometry) { ck_winograd_transposed($0) }
    (adds, rectifies) = (false, false)
  }

  /// The convolution that computes this one's gradient by the input from that by the result, with transposed weights.
  var transposed: WinogradConvolution { WinogradConvolution(transposing: self) }

  // MARK: Memory, in floats

  /// Of transformed weights.
  var packedCount: Int { withUnsafePointer(to: geometry) { ck_winograd_weights_size($0) } }

  func forwardScratchCount(threads: Int) -> Int {
    withUnsafePointer(to: geometry) { ck_winograd_forward_scratch($0, Int32(threads)) }
  }

  func gradientScratchCount(threads: Int) -> Int {
    withUnsafePointer(to: geometry) { ck_winograd_gradient_scratch($0, Int32(threads)) }
  }

  // MARK: Work

  /// Multiplications, each with its addition, without those of the transformations.
  var multiplyAdds: Int { withUnsafePointer(to: geometry) { ck_winograd_multiply_adds($0) } }

  /// Transforms weights [O, C, H, W] in row-major order.
  func pack(
    _ packed: UnsafeMutablePointer<Float>, weights: UnsafePointer<Float>, threads: Int
  ) {
    withUnsafePointer(to: geometry) { ck_winograd_pack($0, packed, weights, false, Int32(threads)) }
  }

  /// Transforms the weights, [C, O, H, W], of the convolution that this one is the ``transposed`` of.
  func packTransposed(
    _ packed: UnsafeMutablePointer<Float>, weights: UnsafePointer<Float>, threads: Int
  ) {
    withUnsafePointer(to: geometry) { ck_winograd_pack($0, packed, weights, true, Int32(threads)) }
  }

  /// - Parameter addend: in the result's layout; may be the result's memory.
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

  /// Gradients by weights, [O, C, H, W] in row-major order, and bias.
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

extension Lowering {
  mutating func lowerByWinograd(
    _ winograd: WinogradConvolution, _ convolution: Operation.Convolution, _ operation: Operation
  ) throws {
    let output = operation.outputs[0]
    let layout = try Layout.blocked(shape(output))
    let threads = options.threads
    let source = try readBlocks(operation.inputs[0])
    let packed = try packForWinograd(operation.inputs[1], winograd, operation) {
      winograd.pack($0, weights: $1, threads: threads)
    }
    var addend: Place?
    var result: Place?
    if winograd.adds, let last = operation.inputs.last {
      let place = try read(last, as: layout)
      addend = place
      // What it reads in neighbourhoods must stay as it is.
      if place.buffer != source.buffer { result = make(output, over: place, of: last) }
    }
    let memory = try scratch(floats: winograd.forwardScratchCount(threads: threads))
    let place = result ?? make(output, layout, acceptsStride: !winograd.adds)
    let winograd = winograd.withStrides(
      source: exampleStride(of: operation.inputs[0], at: source),
      result: exampleStride(of: output, at: place))
    var places = KernelPlaces()
    let (to, from, weights) = (places.writes(place), places.reads(source), places.reads(packed))
    let work = places.scratch(memory)
    let bias = places.reads(ifAny: convolution.hasBias ? read(operation.inputs[2]) : nil)
    let added = places.reads(ifAny: addend)
    emitKernel(
      "winograd", places, for: operation, kind: .winograd,
      multiplyAdds: multiplyAdds(of: operation), performedMultiplyAdds: winograd.multiplyAdds
    ) { memory, _ in
      winograd.run(
        memory[to], source: memory[from], packed: memory[weights], bias: memory[ifAny: bias],
        addend: memory[ifAny: added], scratch: memory[work], threads: threads)
    }
  }

  mutating func lowerByWinograd(
    _ winograd: WinogradConvolution, inputGradient operation: Operation
  ) throws {
    let transposed = winograd.transposed
    let threads = options.threads
    let source = try read(operation.inputs[0], as: .blocked(shape(operation.inputs[0])))
    let packed = try packForWinograd(operation.inputs[1], transposed, operation) {
      transposed.packTransposed($0, weights: $1, threads: threads)
    }
    let result = make(operation.outputs[0], try .blocked(shape(operation.outputs[0])))
    var places = KernelPlaces()
    let (to, from, weights) = (places.writes(result), places.reads(source), places.reads(packed))
    let work = places.scratch(
      try scratch(floats: transposed.forwardScratchCount(threads: threads)))
    emitKernel(
      "winograd input gradient", places, for: operation, kind: .winograd,
      multiplyAdds: multiplyAdds(of: operation), performedMultiplyAdds: transposed.multiplyAdds
    ) { memory, _ in
      transposed.run(
        memory[to], source: memory[from], packed: memory[weights], bias: nil, addend: nil,
        scratch: memory[work], threads: threads)
    }
  }

  mutating func lowerByWinograd(
    _ winograd: WinogradConvolution, parameterGradient operation: Operation
  ) throws {
    let threads = options.threads
    let source = try read(operation.inputs[0], as: .blocked(shape(operation.inputs[0])))
    let outputGradient = try read(
      operation.inputs[1], as: .blocked(shape(operation.inputs[1])))
    let results = try operation.outputs.map { make($0, try .rowMajor(shape($0))) }
    var places = KernelPlaces()
    let (from, byOutput) = (places.reads(source), places.reads(outputGradient))
    let work = places.scratch(try scratch(floats: winograd.gradientScratchCount(threads: threads)))
    let byWeights = places.writes(results[0])
    let byBias = places.writes(ifAny: results.dropFirst().first)
    emitKernel(
      "winograd gradient", places, for: operation, kind: .winograd,
      multiplyAdds: multiplyAdds(of: operation), performedMultiplyAdds: winograd.multiplyAdds
    ) { memory, _ in
      winograd.runGradient(
        weights: memory[byWeights], bias: memory[ifAny: byBias], source: memory[from],
        outputGradient: memory[byOutput], scratch: memory[work], threads: threads)
    }
  }

  /// The kernel's transformed weights; made once where the kernel is the same at every run.
  private mutating func packForWinograd(
    _ kernel: ValueID, _ winograd: WinogradConvolution, _ operation: Operation,
    _ pack:
      @escaping @Sendable (
        _ packed: UnsafeMutablePointer<Float>, _ weights: UnsafePointer<Float>
      ) -> Void
  ) throws -> Place {
    let layout = try Layout.rowMajor([winograd.packedCount])
    return derive("winograd weights", layout, from: try readRowMajor(kernel), for: operation) {
      pack($0.assumingMemoryBound(to: Float.self), $1)
    }
  }
}
