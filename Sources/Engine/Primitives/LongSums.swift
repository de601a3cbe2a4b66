import CKernels
import COneDNN
import ConvNetGraphs
import ConvNetTensors

// Gradients by weights and biases are sums over the positions of all examples, which single precision does not bear: kernels
// of ours keep to 1e-5 of the sum of the absolute terms, and the library's are given parts of the batch that are small enough.

extension Lowering {
  /// Sums a value over examples and positions: what a bias' gradient is.
  mutating func emitChannelSums(
    of value: ValueID, to result: Place, for operation: Operation
  ) throws {
    let (source, channels) = try readByChannels(value)
    var places = KernelPlaces()
    let (sums, from) = (places.writes(result), places.reads(source))
    let work = places.scratch(try scratch(floats: normalizationScratch(channels)))
    let tasks = Int32(clamping: options.parts)
    emitKernel("channel sums", places, for: operation, kind: .elementwise) { memory, _ in
      withUnsafePointer(to: channels) {
        ck_channel_sums($0, memory[sums], memory[from], memory[work], tasks)
      }
    }
  }

  /// A gradient by weights that the library computes of equal parts of the batch, which are added in double precision.
  ///
  /// - Parameters:
  ///   - primitive: for one part, of the extents in `parts`, without padding and without bias.
  ///   - kernel: the shape of the weights as the library takes it.
  /// - Returns: whether it was emitted; not where values lie as only the library knows.
  mutating func emit(
    _ primitive: Primitive, of parts: BatchParts, kernel: Shape, for operation: Operation
  ) throws -> Bool {
    let (input, outputGradient) = (operation.inputs[0], operation.inputs[1])
    let layouts = [
      try primitive.requiredLayout(of: CDNN_SRC, shape: parts.input),
      try primitive.requiredLayout(of: CDNN_DIFF_DST, shape: parts.output),
    ]
    let values = [input, outputGradient]
    let wholes = try zip(values, layouts).map { try $1.applied(to: shape($0)) }
    let copies = zip(wholes, layouts).compactMap { PartCopy(from: $0, to: $1) }
    guard copies.count == 2 else { return false }
    let sources = try zip(values, wholes).map { try read($0, as: $1) }
    let kernelLayout = try primitive.requiredLayout(of: CDNN_DIFF_WEIGHTS, shape: kernel)
    let result = make(operation.outputs[0], kernelLayout)
    let staged = try layouts.map { layout in
      let place = try scratch(floats: layout.byteCount / MemoryLayout<Float>.stride)
      return Place(buffer: place.buffer, layout: layout)
    }
    let count = kernelLayout.byteCount / MemoryLayout<Float>.stride
    let totals = try scratch(floats: 2 * count)
    var arguments = [
      (CDNN_SRC, staged[0]), (CDNN_DIFF_DST, staged[1]), (CDNN_DIFF_WEIGHTS, result),
    ]
    if let layout = try primitive.layout(of: CDNN_SCRATCHPAD, shape: []) {
      let buffer = scratch(byteCount: layout.byteCount)
      arguments.append((CDNN_SCRATCHPAD, Place(buffer: buffer, layout: layout)))
    }
    let tasks = Int32(clamping: options.threads)
    var places = KernelPlaces()
    let (sums, sumsOfParts) = (places.writes(result), places.scratch(totals, as: Double.self))
    let (inputs, gradients) = (places.reads(sources[0]), places.reads(sources[1]))
    let (inputPart, gradientPart) = (places.scratch(staged[0]), places.scratch(staged[1]))
    emit(primitive, arguments, calledBy: places, for: operation) { memory, call in
      var part = ck_part()
      part.sums = memory[sums]
      part.totals = memory[sumsOfParts]
      part.count = count
      part.tiles = (
        copies[0].tile(to: memory[inputPart]), copies[1].tile(to: memory[gradientPart])
      )
      return parts.sum(
        &part, input: memory[inputs], outputGradient: memory[gradients], tasks: tasks, call)
    }
    return true
  }
}

/// A batch cut into parts of equal extents, so that no sum over the positions of one is long. The last parts reach back over
/// what others have counted, and leave it out.
struct BatchParts: Sendable {
  /// How a kernel of the library sums up terms in single precision, and so how many it may be given.
  enum Summation {
    /// One after the other.
    case inOneSum
    /// Those of an example, then the examples: convolutions by windows of one element.
    case byExample
    /// In blocks of some hundreds, which are added: matrix products.
    case inBlocks

    init(_ primitive: Primitive) {
      self = primitive.implementation.sumsByExample ? .byExample : .inOneSum
    }

    /// Terms that single precision bears one after the other; our own kernels have the same (`CKernels/long_sums.h`).
    static let mostTerms = 512

    /// Examples of so many positions, at most, that a part may have.
    func mostExamples(positions: Int) -> Int {
      switch self {
      case .inOneSum: Self.mostTerms / positions
      // The error of both sums is that of `mostTerms` and a quarter.
      case .byExample: positions > Self.mostTerms ? 0 : Self.mostTerms * 5 / 4 - positions
      case .inBlocks: 4096 / positions
      }
    }
  }

  /// Of a part.
  let input: Shape
  let output: Shape
  /// Of all: examples, rows and columns of the result.
  private let whole: [Int]
  private let part: [Int]
  /// Rows and columns of the input.
  private let picture: [Int]
  private let strides: [Int]
  private let before: [Int]

  /// Parts of a convolution's batch; `nil` where the whole is none too many.
  init?(
    _ window: PaddedWindow, input: Shape, output: Shape, _ summation: Summation
  ) {
    let axes = input.rank - 2
    guard 0...2 ~= axes, output.count > 0, input.count > 0 else { return nil }
    // A signal is a picture of one row, features are one of one position.
    func padded(_ extents: [Int]) -> [Int] { [Int](repeating: 1, count: 2 - axes) + extents }
    let whole = [output[0]] + padded(output.spatial)
    let positions = whole[1] * whole[2]
    var examples = summation.mostExamples(positions: positions)
    guard whole[0] > examples else { return nil }
    var part = whole
    if examples == 0 {
      // Rows of an example, or else a part of a row.
      part[2] = Self.extent(whole[2], atMost: Summation.mostTerms)
      part[1] =
        part[2] < whole[2] ? 1 : Self.extent(whole[1], atMost: Summation.mostTerms / part[2])
      // What is copied of several examples shall stay in the caches.
      let copied = 2048 / (part[1] * part[2])
      examples = min(copied, summation.mostExamples(positions: part[1] * part[2]))
    }
    part[0] = Self.extent(whole[0], atMost: examples)
    (self.whole, self.part) = (whole, part)
    picture = padded(input.spatial)
    strides = padded(window.strides)
    before = [Int](repeating: 0, count: 2 - axes) + window.sides.map(\.before)
    let extents = Array(part.suffix(axes))
    let covered = extents.indices.map {
      (extents[$0] - 1) * window.strides[$0] + (window.kernel[$0] - 1) * window.dilations[$0] + 1
    }
    self.input = Shape([part[0], input[1]] + covered)
    self.output = Shape([part[0], output[1]] + extents)
  }

  /// The extent of equal parts that reach back least, of those that are not much smaller than they may be.
  private static func extent(_ whole: Int, atMost most: Int) -> Int {
    let most = max(1, most)
    guard whole > most else { return whole }
    return (most / 2 + 1...most).reversed().min {
      (whole + $0 - 1) / $0 * $0 < (whole + $1 - 1) / $1 * $1
    } ?? most
  }

  /// Calls the library for every part.
  ///
  /// - Returns: its status, 0 for success.
  func sum(
    _ work: inout ck_part, input: UnsafePointer<Float>, outputGradient: UnsafePointer<Float>,
    tasks: Int32, _ call: () -> Int32
  ) -> Int32 {
    work.tiles.0.last_row = picture[0]
    work.tiles.0.last_column = picture[1]
    work.tiles.1.last_row = whole[1]
    work.tiles.1.last_column = whole[2]
    var index = 0
    for example in stride(from: 0, to: whole[0], by: part[0]) {
      let firstExample = min(example, whole[0] - part[0])
      work.tiles.0.from = input + firstExample * work.tiles.0.from_example
      work.tiles.1.from = outputGradient + firstExample * work.tiles.1.from_example
      work.tiles.1.first_example = example - firstExample
      for row in stride(from: 0, to: whole[1], by: part[1]) {
        let firstRow = min(row, whole[1] - part[1])
        work.tiles.0.row = firstRow * strides[0] - before[0]
        work.tiles.1.row = firstRow
        work.tiles.1.first_row = row
        for column in stride(from: 0, to: whole[2], by: part[2]) {
          let firstColumn = min(column, whole[2] - part[2])
          work.tiles.0.column = firstColumn * strides[1] - before[1]
          work.tiles.1.column = firstColumn
          work.tiles.1.first_column = column
          work.stage = index == 0 ? CK_FIRST_PART : index == 1 ? CK_SECOND_PART : CK_LATER_PART
          index += 1
          ck_next_part(&work, tasks)
          let status = call()
          guard status == 0 else { return status }
        }
      }
    }
    guard index > 1 else { return 0 }
    work.stage = CK_LAST_PART
    ck_next_part(&work, tasks)
    return 0
  }
}

/// How a value lies, and the part of it that is copied.
private struct PartCopy: Sendable {
  private let part: (examples: Int, rows: Int, columns: Int)
  private let from: Layout.TileStrides
  private let to: Layout.TileStrides

  /// A copy from a value to a part of it, in the same order; `nil` where columns do not lie side by side.
  init?(from whole: Layout, to part: Layout) {
    guard let from = whole.tileStrides, let to = part.tileStrides, from.lanes == to.lanes else {
      return nil
    }
    (self.from, self.to) = (from, to)
    let spatial = part.shape.spatial
    self.part = (part.shape[0], spatial.count > 1 ? spatial[0] : 1, spatial.last ?? 1)
  }

  func tile(to address: UnsafeMutablePointer<Float>) -> ck_tile {
    var tile = ck_tile()
    tile.to = address
    (tile.examples, tile.blocks) = (part.examples, from.blocks)
    (tile.rows, tile.columns, tile.lanes) = (part.rows, part.columns, from.lanes)
    (tile.from_example, tile.from_block, tile.from_row) = (from.example, from.block, from.row)
    (tile.to_example, tile.to_block, tile.to_row) = (to.example, to.block, to.row)
    return tile
  }
}

extension Layout {
  /// Blocks of channels, floats side by side at a position, and floats from one example, block and row to the next.
  fileprivate typealias TileStrides = (
    blocks: Int, lanes: Int, example: Int, block: Int, row: Int
  )

  /// `nil` where the positions of a row do not lie side by side.
  fileprivate var tileStrides: TileStrides? {
    var strides = [Int64](repeating: 0, count: shape.rank)
    var block: Int64 = 1
    guard 2...4 ~= shape.rank,
      cdnn_desc_channel_strides(handle, Int32(shape.rank), &strides, &block)
    else { return nil }
    var (blocks, lanes) = ((shape[1] + Int(block) - 1) / Int(block), Int(block))
    if block == 1, strides[1] == 1, shape[1] > 1 {
      (blocks, lanes) = (1, shape[1])
    }
    if shape.rank > 2, let last = shape.spatial.last, last > 1,
      strides[shape.rank - 1] != Int64(lanes)
    {
      return nil
    }
    let row = shape.rank == 4 ? Int(strides[2]) : 0
    return (blocks, lanes, Int(strides[0]), Int(strides[1]), row)
  }
}
