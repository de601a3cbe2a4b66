import CKernels
import COneDNN
import ConvNetTensors

/// Where the elements of a value lie, in floats: so far from one position of an axis to the next, with the channels in blocks or
/// not. What our kernels copy from and to.
struct ElementOrder: Sendable {
  var extents: [Int]
  /// Of the second axis from a block to the next.
  var strides: [Int]
  /// Channels side by side; 1 where there are no blocks.
  var block = 1
  /// Where the first element lies.
  var offset = 0

  init(extents: [Int], strides: [Int]) {
    (self.extents, self.strides) = (extents, strides)
  }

  /// `nil` for orders that only the library has.
  init?(_ layout: Layout) {
    if let (whole, offsets) = layout.origin {
      guard let part = ElementOrder(whole)?.part(layout.shape, at: offsets) else { return nil }
      self = part
      return
    }
    let extents = layout.shape.rank == 0 ? [1] : layout.shape.dimensions
    var strides = [Int64](repeating: 0, count: extents.count)
    var block: Int64 = 1
    guard extents.count <= CK_RANK,
      cdnn_desc_channel_strides(layout.handle, Int32(extents.count), &strides, &block)
    else { return nil }
    (self.extents, self.strides, self.block) = (extents, strides.map { Int($0) }, Int(block))
  }

  /// `nil` where it would begin within a block.
  private func part(_ shape: Shape, at offsets: [Int]) -> ElementOrder? {
    guard block == 1 || offsets[1] % block == 0 else { return nil }
    var part = self
    part.extents = shape.dimensions
    for (axis, start) in offsets.enumerated() {
      part.offset += (axis == 1 ? start / block : start) * strides[axis]
    }
    return part
  }

  /// The copies that bring a value from one order to another: one, or where blocks are not whole two.
  static func copies(
    from source: ElementOrder, to result: ElementOrder
  ) -> [(copy: ck_copy, from: Int, to: Int)]? {
    let block = max(source.block, result.block)
    guard [1, block].contains(source.block), [1, block].contains(result.block) else { return nil }
    guard block > 1 else {
      let copy = ck_copy(source.extents, to: result.strides, from: source.strides)
      return [(copy, source.offset, result.offset)]
    }
    /// Of the axis of blocks, and of that of channels in one.
    func strides(_ order: ElementOrder) -> (block: Int, channel: Int) {
      order.block > 1 ? (order.strides[1], 1) : (order.strides[1] * block, order.strides[1])
    }
    let (from, to) = (strides(source), strides(result))
    let channels = source.extents[1]
    let parts = [(0, channels / block, block), (channels / block, 1, channels % block)]
    return parts.filter { $0.1 > 0 && $0.2 > 0 }.map { first, blocks, width in
      var (extents, fromStrides, toStrides) = (source.extents, source.strides, result.strides)
      (extents[1], fromStrides[1], toStrides[1]) = (blocks, from.block, to.block)
      let copy = ck_copy(
        extents + [width], to: toStrides + [to.channel], from: fromStrides + [from.channel])
      return (copy, source.offset + first * from.block, result.offset + first * to.block)
    }
  }
}

extension ck_copy {
  fileprivate init(_ extents: [Int], to: [Int], from: [Int]) {
    self.init()
    rank = Int32(extents.count)
    fill(&self.extents, with: extents)
    fill(&self.to, with: to)
    fill(&self.from, with: from)
  }
}

/// Fills an array of C's, which is a tuple here.
func fill<Numbers>(_ numbers: inout Numbers, with values: [Int]) {
  withUnsafeMutableBytes(of: &numbers) { bytes in
    let numbers = bytes.bindMemory(to: Int.self)
    for (index, value) in values.enumerated() { numbers[index] = value }
  }
}

extension Layout {
  /// The type of whole numbers that lie so; `nil` for floats.
  fileprivate var typeOfWholeNumbers: cdnn_type? {
    [CDNN_S32, CDNN_U8].first { type in
      (try? Layout.rowMajor(shape, type)) == self || (try? applied(to: shape, type)) == self
    }
  }
}

extension Lowering {
  /// Appends a copy from one layout to another by our own kernel; of whole numbers as floats, where the result has those.
  mutating func emitOwnReorder(from source: Place, to result: Place, name: String) throws {
    var source = source
    let implementation = "reorder \(source.layout) -> \(result.layout)"
    if let type = source.layout.typeOfWholeNumbers, result.layout.typeOfWholeNumbers == nil {
      let shape = source.layout.shape
      let layout = try (try? source.layout.applied(to: shape)) ?? .rowMajor(shape)
      let floats =
        layout == result.layout
        ? result : Place(buffer: scratch(byteCount: layout.byteCount), layout: layout)
      append(conversion(from: source, of: type, to: floats, name: name))
      guard layout != result.layout else { return }
      source = floats
    }
    let step = try ownReorder(
      from: source, to: result, name: name, implementation: implementation, kind: .reorder)
    if buffers[result.buffer].home == .prepared { appendPreparation(step) } else { append(step) }
  }

  /// Whole numbers as floats, in the same order.
  private func conversion(
    from source: Place, of type: cdnn_type, to result: Place, name: String
  ) -> Step {
    let count = result.layout.byteCount / MemoryLayout<Float>.stride
    var places = KernelPlaces()
    let to = places.writes(result)
    let bytes = type == CDNN_U8 ? places.reads(source, as: UInt8.self) : nil
    let numbers = type == CDNN_S32 ? places.reads(source, as: Int32.self) : nil
    return Step(
      operation: name, implementation: "conversion", kind: .reorder,
      work: .kernel(
        { memory, _ in
          let to = memory[to]
          if let bytes = memory[ifAny: bytes] {
            for index in 0..<count { to[index] = Float(bytes[index]) }
          }
          if let numbers = memory[ifAny: numbers] {
            for index in 0..<count { to[index] = Float(numbers[index]) }
          }
        }, places: places))
  }

  /// A copy from one layout to another by our own kernel.
  func ownReorder(
    from source: Place, to result: Place, name: String, implementation: String, kind: StepKind
  ) throws -> Step {
    guard source.layout.typeOfWholeNumbers != CDNN_U8,
      let from = ElementOrder(source.layout), let to = ElementOrder(result.layout),
      let step = copyStep(
        from: source, from, to: result, to, name: name, implementation: implementation, kind: kind)
    else {
      throw EngineError(
        subject: name,
        problem: .unsupported(
          requirement:
            "only the kernel library copies \(source.layout) to \(result.layout); please report this"
        ))
    }
    return step
  }

  /// The same of elements that are meant to lie in given orders; `nil` where the kernel does not know both.
  func copyStep(
    from source: Place, _ from: ElementOrder, to result: Place, _ to: ElementOrder, name: String,
    implementation: String, kind: StepKind
  ) -> Step? {
    guard let copies = ElementOrder.copies(from: from, to: to) else { return nil }
    let filled = to.block > 1 && to.extents[1] % to.block != 0 ? result.layout.channels : nil
    let tasks = Int32(clamping: options.threads)
    var places = KernelPlaces()
    let (written, read) = (places.writes(result), places.reads(source))
    return Step(
      operation: name, implementation: implementation, kind: kind,
      work: .kernel(
        { memory, _ in
          for (copy, from, to) in copies {
            withUnsafePointer(to: copy) {
              ck_copy_elements($0, memory[written] + to, memory[read] + from, tasks)
            }
          }
          if let filled { withUnsafePointer(to: filled) { ck_clear_filling($0, memory[written]) } }
        }, places: places))
  }
}
