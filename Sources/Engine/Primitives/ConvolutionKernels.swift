import CKernels
import ConvNetGraphs
import ConvNetTensors

/// A convolution by kernels of our own: pictures in blocks of 16 channels, and weights packed in the kernels' order, which
/// depends on whether the convolution itself is computed or its gradient by the input.
protocol ConvolutionKernels: Sendable {
  /// What its steps are called.
  var name: String { get }
  /// `nil` where the kernels cannot compute the convolution, with all that is fused into it.
  init?(
    _ convolution: Operation.Convolution, input: Shape, kernel: Shape, output: Shape) throws
  /// Of steps that do not only pack.
  var kind: StepKind { get }
  /// Whether the result is added to the operation's last input.
  var adds: Bool { get }
  /// Whether a fused activation is none of the kernels', and applied after them.
  var leavesActivation: Bool { get }
  /// Groups that are taken for one, whose weights are packed.
  var joined: JoinedGroups? { get }
  /// What computes this one's gradient by the input from that by the result, with the same weights; `nil` where that is none of
  /// these kernels.
  var transposed: Self? { get }
  /// The same for pictures whose examples lie so many floats apart, where that is not given by their extents.
  func withStrides(source: Int?, result: Int?) -> Self

  /// Multiplications, each with its addition, that are done.
  var multiplyAdds: Int { get }

  // Memory, in floats.
  var packedCount: Int { get }
  func scratchCount(threads: Int) -> Int

  /// Packs weights [O, C, H, W] in row-major order: those of the convolution, also for what is ``transposed``.
  func pack(_ packed: UnsafeMutablePointer<Float>, weights: UnsafePointer<Float>, threads: Int)

  /// - Parameter addend: in the result's layout; may be the result's memory.
  func run(
    _ result: UnsafeMutablePointer<Float>, source: UnsafePointer<Float>,
    packed: UnsafePointer<Float>, bias: UnsafePointer<Float>?, addend: UnsafePointer<Float>?,
    scratch: UnsafeMutablePointer<Float>, threads: Int)
}

/// Those that compute gradients by weights and bias, too.
protocol ParameterGradientKernels: ConvolutionKernels {
  func gradientScratchCount(threads: Int) -> Int

  /// Gradients by weights, [O, C, H, W] in row-major order, and bias.
  func runGradient(
    weights: UnsafeMutablePointer<Float>, bias: UnsafeMutablePointer<Float>?,
    source: UnsafePointer<Float>, outputGradient: UnsafePointer<Float>,
    scratch: UnsafeMutablePointer<Float>, threads: Int)
}

extension ConvolutionKernels {
  var leavesActivation: Bool { false }
  var joined: JoinedGroups? { nil }
}

extension Operation.Convolution {
  /// What our direct kernels do to a result while it is near: whether they add the last input, what they apply, and whether they
  /// leave an activation that is none of theirs. `nil` where something else is fused into the convolution.
  var additionAndActivation: (adds: Bool, activation: ck_activation, leaves: Bool)? {
    let adds = fused.first == .addition
    switch fused.dropFirst(adds ? 1 : 0).first {
    case nil: return (adds, CK_IDENTITY, false)
    case .activation(let function):
      return function.ofKernels.map { (adds, $0, false) } ?? (adds, CK_IDENTITY, true)
    case .addition: return nil
    }
  }

  /// What our Winograd kernels do to a result while it is in registers: whether they add the last input, and make negative
  /// results zero. `nil` where something else is fused into the convolution.
  var additionAndRectification: (adds: Bool, rectifies: Bool)? {
    switch fused {
    case []: (false, false)
    case [.activation(.relu)]: (false, true)
    case [.addition]: (true, false)
    case [.addition, .activation(.relu)]: (true, true)
    default: nil
    }
  }
}

extension Lowering {
  /// - Parameter source: how the kernels read the input.
  mutating func lower(
    by kernels: some ConvolutionKernels, _ convolution: Operation.Convolution,
    _ operation: Operation, source: Place
  ) throws {
    let output = operation.outputs[0]
    let layout = try Layout.blocked(shape(output))
    let threads = options.threads
    let packed = try pack(operation.inputs[1], for: kernels, operation)
    var addend: Place?
    var result: Place?
    if kernels.adds, let last = operation.inputs.last {
      let place = try read(last, as: layout)
      addend = place
      // What it reads in neighbourhoods must stay as it is.
      if place.buffer != source.buffer { result = make(output, over: place, of: last) }
    }
    let memory = try scratch(floats: kernels.scratchCount(threads: threads))
    let place =
      result
      ?? make(output, layout, acceptsStride: !kernels.adds && !kernels.leavesActivation)
    let kernels = kernels.withStrides(
      source: strideInConcatenation(of: operation.inputs[0], at: source),
      result: strideInConcatenation(of: output, at: place))
    var places = KernelPlaces()
    let (to, from, weights) = (places.writes(place), places.reads(source), places.reads(packed))
    let work = places.scratch(memory)
    let bias = places.reads(ifAny: convolution.hasBias ? read(operation.inputs[2]) : nil)
    let added = places.reads(ifAny: addend)
    emitKernel(
      kernels.name, places, for: operation, kind: kernels.kind,
      multiplyAdds: multiplyAdds(of: operation), performedMultiplyAdds: kernels.multiplyAdds
    ) { memory, _ in
      kernels.run(
        memory[to], source: memory[from], packed: memory[weights], bias: memory[ifAny: bias],
        addend: memory[ifAny: added], scratch: memory[work], threads: threads)
    }
    if kernels.leavesActivation, case .activation(let function) = convolution.fused.last {
      try emitActivation(function, place, for: operation)
    }
  }

  /// The gradient by the input, by kernels that are ``ConvolutionKernels/transposed``.
  mutating func lower(
    by kernels: some ConvolutionKernels, inputGradient operation: Operation
  ) throws {
    let threads = options.threads
    let source = try read(operation.inputs[0], as: .blocked(shape(operation.inputs[0])))
    let packed = try pack(operation.inputs[1], for: kernels, operation)
    let result = make(operation.outputs[0], try .blocked(shape(operation.outputs[0])))
    var places = KernelPlaces()
    let (to, from, weights) = (places.writes(result), places.reads(source), places.reads(packed))
    let work = places.scratch(try scratch(floats: kernels.scratchCount(threads: threads)))
    emitKernel(
      "\(kernels.name) input gradient", places, for: operation, kind: kernels.kind,
      multiplyAdds: multiplyAdds(of: operation), performedMultiplyAdds: kernels.multiplyAdds
    ) { memory, _ in
      kernels.run(
        memory[to], source: memory[from], packed: memory[weights], bias: nil, addend: nil,
        scratch: memory[work], threads: threads)
    }
  }

  mutating func lower(
    by kernels: some ParameterGradientKernels, parameterGradient operation: Operation,
    source: Place
  ) throws {
    let parts = options.parts
    let outputGradient = try read(
      operation.inputs[1], as: .blocked(shape(operation.inputs[1])))
    let results = try operation.outputs.map { make($0, try .rowMajor(shape($0))) }
    var places = KernelPlaces()
    let (from, byOutput) = (places.reads(source), places.reads(outputGradient))
    let work = places.scratch(try scratch(floats: kernels.gradientScratchCount(threads: parts)))
    let ofJoined = try kernels.joined.map { try scratch(floats: $0.weightCount) }
    let byWeights = places.writes(ofJoined ?? results[0])
    let byBias = places.writes(ifAny: results.dropFirst().first)
    emitKernel(
      "\(kernels.name) gradient", places, for: operation, kind: kernels.kind,
      multiplyAdds: multiplyAdds(of: operation), performedMultiplyAdds: kernels.multiplyAdds
    ) { memory, _ in
      kernels.runGradient(
        weights: memory[byWeights], bias: memory[ifAny: byBias], source: memory[from],
        outputGradient: memory[byOutput], scratch: memory[work], threads: parts)
    }
    guard let joined = kernels.joined, let ofJoined else { return }
    var copied = KernelPlaces()
    let (gathered, spread) = (copied.writes(results[0]), copied.reads(ofJoined))
    emitKernel("weights of groups", copied, for: operation, kind: .packing) { memory, _ in
      joined.gather(memory[gathered], from: memory[spread])
    }
  }

  /// Weights in the kernels' order; packed once where they are the same at every run.
  mutating func pack(
    _ weights: ValueID, for kernels: some ConvolutionKernels, _ operation: Operation
  ) throws -> Place {
    let layout = try Layout.rowMajor([kernels.packedCount])
    let threads = options.threads
    var source = try readRowMajor(weights)
    if let joined = kernels.joined {
      source = derive(
        "joined groups", try .rowMajor([joined.weightCount]), from: source, for: operation
      ) {
        joined.spread($0.assumingMemoryBound(to: Float.self), from: $1)
      }
    }
    return derive("\(kernels.name) weights", layout, from: source, for: operation) {
      kernels.pack($0.assumingMemoryBound(to: Float.self), weights: $1, threads: threads)
    }
  }
}
