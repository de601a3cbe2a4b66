import ConvNetImages
import ConvNetTestSupport
import Foundation
import Testing

@Suite("How a picture stands")
struct OrientationTests {
  /// A small file, and what Pillow reads of it; `make_orientation_fixtures.py` wrote them.
  struct Case: Decodable, Sendable, CustomTestStringConvertible {
    let name: String
    let orientation: Int
    let file: Data

    var testDescription: String { name }
  }

  static let cases =
    (try? JSONDecoder().decode(
      [Case].self, from: Data(fileBytes(fixturePath("orientations.json"))))) ?? []

  /// The upright picture, pixel by pixel: where each of its pixels lies in the stored one.
  private static func upright(_ stored: Image, orientation: Int) -> Image {
    let (rows, columns) = (stored.height, stored.width)
    let (height, width) = orientation < 5 ? (rows, columns) : (columns, rows)
    var pixels: [UInt8] = []
    for y in 0..<height {
      for x in 0..<width {
        let (row, column) =
          switch orientation {
          case 2: (y, columns - 1 - x)
          case 3: (rows - 1 - y, columns - 1 - x)
          case 4: (rows - 1 - y, x)
          case 5: (x, y)
          case 6: (rows - 1 - x, y)
          case 7: (rows - 1 - x, columns - 1 - y)
          case 8: (x, columns - 1 - y)
          default: (y, x)
          }
        let start = (row * columns + column) * stored.channels
        pixels += stored.pixels[start..<start + stored.channels]
      }
    }
    return Image(height: height, width: width, channels: stored.channels, pixels: pixels)
  }

  @Test("The fixtures are there")
  func fixtures() {
    #expect(Self.cases.count > 150)
    #expect(Set(Self.cases.map(\.orientation)) == Set(1...8))
  }

  @Test("As Pillow reads it, wherever it is said and however it is typed", arguments: cases)
  func orientation(of sample: Case) throws {
    let bytes = [UInt8](sample.file)
    let stored = try Image(decoding: bytes.span.bytes, options: .init(appliesOrientation: false))
    #expect(
      try Image(decoding: bytes.span.bytes)
        == Self.upright(stored, orientation: sample.orientation))
  }
}
