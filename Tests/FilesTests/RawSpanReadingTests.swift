import ConvNetFiles
import Testing

@Suite("Numbers in raw bytes") struct RawSpanReadingTests {
  private static let bytes: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8, 9]

  @Test("Integers of both byte orders are read wherever they begin, and none beyond the end")
  func integers() {
    let span = Self.bytes.span.bytes
    #expect(span.integer(at: 1, as: UInt16.self) == 0x0302)
    #expect(span.integer(at: 1, bigEndian: true, as: UInt16.self) == 0x0203)
    #expect(span.integer(at: 1, as: UInt64.self) == 0x0908_0706_0504_0302)
    #expect(span.integer(at: 8, as: UInt8.self) == 9)
    for offset in [-1, 2, 9, Int.max, Int.min] {
      #expect(span.integer(at: offset, as: UInt64.self) == nil)
    }
    #expect(span.array(7..<9) == [8, 9])
  }

  @Test(
    "Bytes of every element are reversed, and those of bytes stay",
    arguments: [
      (1, [1, 2, 3, 4, 5, 6, 7, 8]), (2, [2, 1, 4, 3, 6, 5, 8, 7]), (4, [4, 3, 2, 1, 8, 7, 6, 5]),
      (8, [8, 7, 6, 5, 4, 3, 2, 1]),
    ] as [(Int, [UInt8])])
  func swapping(size: Int, swapped: [UInt8]) {
    var bytes: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8]
    bytes.withUnsafeMutableBytes { swapBytes(of: $0, elementSize: size) }
    #expect(bytes == swapped)
  }
}
