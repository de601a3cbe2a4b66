import ConvNetEngine
import ConvNetTensors
import Testing

/// Plans made by hand whose steps disagree, or only seem to.
@Suite("Placements") struct PlacementVerifierTests {
  private func step(_ operation: String, _ places: [Place]) -> Step {
    var memory = KernelPlaces()
    for place in places { let _: ReadPlace<Float> = memory.reads(place) }
    return Step(
      operation: operation, implementation: "nothing", kind: .movement,
      work: .kernel({ _, _ in }, places: memory))
  }

  private func writtenAndRead(_ written: Layout, _ read: Layout) throws {
    try PlacementVerifier.verify([
      step("writer", [Place(buffer: 0, layout: written)]),
      step("other", [Place(buffer: 1, layout: read)]),
      step("reader", [Place(buffer: 0, layout: read)]),
    ])
  }

  @Test("a reader that takes another order for granted is refused; both steps are named")
  func refused() throws {
    let shape: Shape = [4, 9, 14, 14]
    for (written, read) in [
      (try Layout.rowMajor(shape), try Layout.channelsLast(shape)),
      (try .strided(shape, [196, 784, 14, 1]), try .rowMajor(shape)),
      (try .blocked(shape), try .rowMajor(shape)),
    ] {
      #expect(
        throws: EngineError(
          subject: "reader",
          problem: .layoutsDiffer(
            shape: shape, writer: "writer", written: written.description,
            read: read.description))
      ) {
        try writtenAndRead(written, read)
      }
      #expect(throws: EngineError.self) { try writtenAndRead(read, written) }
    }
  }

  @Test("orders that an extent of one makes the same are granted, and views")
  func granted() throws {
    for shape: Shape in [[3, 1, 5, 4], [1, 6, 1, 1], [3, 7, 1, 1], [2, 1, 9]] {
      try writtenAndRead(.rowMajor(shape), .channelsLast(shape))
    }
    try writtenAndRead(.strided([1, 9, 5, 4], [20, 20, 4, 1]), .rowMajor([1, 9, 5, 4]))
    let layout = try Layout.rowMajor([4, 4])
    let place = Place(buffer: 0, layout: layout)
    try PlacementVerifier.verify([
      step("writer", [place]),
      step("transpose", [place.viewed(as: try layout.transposed([1, 0]))]),
    ])
  }

  @Test("an order that extents of one hide is another tensor's only as one that all know")
  func applied() throws {
    let hidden = try Layout.strided([4, 1, 5, 5], [25, 25, 5, 1])
    let shape: Shape = [4, 9, 5, 5]
    #expect(try hidden.applied(to: shape) == .channelsLast(shape))
    #expect(throws: LibraryFailure.self) {
      try Layout.strided(shape, [25, 100, 5, 1]).applied(to: shape)
    }
  }
}
