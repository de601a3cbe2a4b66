import ConvNetTensors
import Foundation
import Testing

@Suite("Shape")
struct ShapeTests {
  @Test("Counts, strides and description")
  func basics() {
    let shape: Shape = [2, 3, 4]
    #expect(shape.count == 24)
    #expect(shape.rowMajorStrides == [12, 4, 1])
    #expect(shape.description == "2x3x4")
    #expect(shape.replacing(axis: 1, with: 5) == [2, 5, 4])
    #expect(Shape([]).count == 1)
    #expect(Shape([]).description == "scalar")
    #expect(Shape([3, 0]).count == 0)
  }

  @Test(
    "Extents that no tensor can have are refused",
    arguments: [[-1], [2, -3], [Int.max, 2], [1 << 32, 1 << 32]])
  func refusals(dimensions: [Int]) {
    #expect(Shape(checking: dimensions) == nil)
  }

  @Test("JSON holds a list of extents, and a bad one is refused")
  func coding() throws {
    let data = try JSONEncoder().encode([Shape([2, 3])])
    #expect(String(decoding: data, as: UTF8.self) == "[[2,3]]")
    #expect(try JSONDecoder().decode([Shape].self, from: data) == [[2, 3]])
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode([Shape].self, from: Data("[[2,-3]]".utf8))
    }
  }
}
