import CKernels
import ConvNetGraphs
import ConvNetTensors

extension Operation.ChannelScale: LoweredOperation {
  static let lowering = LoweringTraits(kind: .elementwise, combinesInputs: false)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    try lowering.lower(self, operation)
  }
}

extension Operation.ChannelScaleGradient: LoweredOperation {
  static let lowering = LoweringTraits(kind: .elementwise, combinesInputs: true)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    try lowering.lower(self, operation)
  }
}

extension Lowering {
  mutating func lower(_ scale: Operation.ChannelScale, _ operation: Operation) throws {
    let (input, factor) = (operation.inputs[0], operation.inputs[1])
    let areShared = shape(factor).rank < shape(input).rank
    let (source, pixels) = try readByPositions(input)
    let factors = try readRowMajor(factor)
    let result = make(operation.outputs[0], over: source, of: input)
    let tasks = Int32(clamping: options.threads)
    var places = KernelPlaces()
    let (to, from, by) = (places.writes(result), places.reads(source), places.reads(factors))
    emitKernel("scale of channels", places, for: operation) { memory, _ in
      withUnsafePointer(to: pixels) {
        ck_channel_scale($0, memory[to], memory[from], memory[by], areShared, tasks)
      }
    }
  }

  mutating func lower(_ gradient: Operation.ChannelScaleGradient, _ operation: Operation) throws {
    let areShared = gradient.sharedRank != nil
    let (source, pixels) = try readByPositions(operation.inputs[0])
    let incoming = try read(operation.inputs[1], as: source.layout)
    let output = operation.outputs[0]
    let result = make(output, try .rowMajor(shape(output)))
    let tasks = Int32(clamping: options.threads)
    var places = KernelPlaces()
    let (to, from) = (places.writes(result), places.reads(source))
    let byOutput = places.reads(incoming)
    emitKernel("scale of channels gradient", places, for: operation) { memory, _ in
      withUnsafePointer(to: pixels) {
        ck_channel_scale_gradient(
          $0, memory[to], memory[from], memory[byOutput], areShared, tasks)
      }
    }
  }

  /// A value with the channels of each position in vectors: in blocks of 16, or side by side where there are few channels, no
  /// rows, or where they lie so already.
  mutating func readByPositions(_ value: ValueID) throws -> (Place, ck_pixels) {
    let shape = shape(value)
    let positions = shape.spatial.reduce(1, *)
    let innermost = try Layout.channelsLast(shape)
    guard shape.rank == 4, shape[1] >= 16, read(value).layout != innermost else {
      let pixels = ck_pixels(
        examples: shape[0], positions: positions, channels: shape[1],
        example: positions * shape[1], position: shape[1], block: 16, is_filled: false)
      return (try read(value, as: innermost), pixels)
    }
    return (try read(value, as: .blocked(shape)), ck_pixels(blocksOf: shape))
  }
}

extension ck_pixels {
  /// Of pictures in blocks of 16 channels.
  init(blocksOf shape: Shape) {
    let positions = shape.spatial.reduce(1, *)
    self.init(
      examples: shape[0], positions: positions, channels: shape[1],
      example: Processor.wholeBlocks(shape[1]) * positions, position: 16, block: positions * 16,
      is_filled: true)
  }
}
