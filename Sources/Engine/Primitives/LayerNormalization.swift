import CKernels
import ConvNetGraphs
import ConvNetTensors

extension Operation.LayerNormalization: LoweredOperation {
  static let lowering = LoweringTraits(kind: .normalization, combinesInputs: false)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    try lowering.lower(self, operation)
  }
}

extension Operation.LayerNormalizationInputGradient: LoweredOperation {
  static let lowering = LoweringTraits(kind: .normalization, combinesInputs: true)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    try lowering.lower(self, operation)
  }
}

extension Operation.LayerNormalizationParameterGradient: LoweredOperation {
  static let lowering = LoweringTraits(kind: .normalization, combinesInputs: true)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    try lowering.lower(self, operation)
  }
}

extension Lowering {
  mutating func lower(_ normalization: Operation.LayerNormalization, _ operation: Operation) throws
  {
    let input = operation.inputs[0]
    let (source, pixels) = try readByPositions(input)
    let result = make(operation.outputs[0], over: source, of: input)
    let (epsilon, tasks) = (normalization.epsilon, Int32(clamping: options.threads))
    var places = KernelPlaces()
    let (to, from) = (places.writes(result), places.reads(source))
    let scale = places.reads(read(operation.inputs[1]))
    let shift = places.reads(read(operation.inputs[2]))
    emitKernel("layer normalization", places, for: operation) { memory, _ in
      withUnsafePointer(to: pixels) {
        ck_layer_normalization(
          $0, memory[to], memory[from], memory[scale], memory[shift], epsilon, tasks)
      }
    }
  }

  mutating func lower(
    _ gradient: Operation.LayerNormalizationInputGradient, _ operation: Operation
  ) throws {
    let (source, pixels) = try readByPositions(operation.inputs[0])
    let incoming = try read(operation.inputs[1], as: source.layout)
    let result = make(operation.outputs[0], over: incoming, of: operation.inputs[1])
    let (epsilon, tasks) = (gradient.epsilon, Int32(clamping: options.threads))
    var places = KernelPlaces()
    let (to, from) = (places.writes(result), places.reads(source))
    let (byOutput, scale) = (places.reads(incoming), places.reads(read(operation.inputs[2])))
    emitKernel("layer normalization input gradient", places, for: operation) { memory, _ in
      withUnsafePointer(to: pixels) {
        ck_layer_normalization_input_gradient(
          $0, memory[to], memory[from], memory[byOutput], memory[scale], epsilon, tasks)
      }
    }
  }

  mutating func lower(
    _ gradient: Operation.LayerNormalizationParameterGradient, _ operation: Operation
  ) throws {
    let (source, pixels) = try readByPositions(operation.inputs[0])
    let incoming = try read(operation.inputs[1], as: source.layout)
    let channels = try Layout.rowMajor([pixels.channels])
    let (epsilon, tasks) = (gradient.epsilon, Int32(clamping: options.parts))
    let floats = withUnsafePointer(to: pixels) { ck_layer_normalization_scratch($0, tasks) }
    var places = KernelPlaces()
    let byScale = places.writes(make(operation.outputs[0], channels))
    let byShift = places.writes(make(operation.outputs[1], channels))
    let (from, byOutput) = (places.reads(source), places.reads(incoming))
    let work = places.scratch(try scratch(floats: floats))
    emitKernel("layer normalization gradient", places, for: operation) { memory, _ in
      withUnsafePointer(to: pixels) {
        ck_layer_normalization_parameter_gradient(
          $0, memory[byScale], memory[byShift], memory[from], memory[byOutput], epsilon,
          memory[work], tasks)
      }
    }
  }
}
