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

  private static let huge = 1 << 62

  static let refused: [[Int]] = [
    [-1], [2, -3], [.max, 2], [1 << 32, 1 << 32], [0, huge, huge], [huge, 0, huge],
    [huge, huge, 0], [1 << 32, 0, 1 << 28, 0, 2], [1 << 60], [.max], [0, .max], [0, -1], [.min],
  ]

  @Test("Extents that no tensor can have are refused", arguments: refused)
  func refusals(dimensions: [Int]) {
    #expect(Shape(checking: dimensions) == nil)
  }

  @Test("Of what is taken, in any order, count, strides and bytes are numbers")
  func noOverflow() throws {
    let taken: [[Int]] = [
      [1 << 59, 0, 1], [0, 1 << 30, 1 << 29], [0, 0, 1 << 59], [1 << 59, 1, 1],
    ]
    for dimensions in taken {
      for shift in 0..<3 {
        let turned = Array(dimensions[shift...] + dimensions[..<shift])
        let shape = try #require(Shape(checking: turned))
        #expect(shape.rowMajorStrides.allSatisfy { $0 >= 0 })
        #expect(shape.count * 8 >= 0)
        #expect(Shape(Array(turned.dropFirst())).count >= 0)
      }
    }
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
