import ConvNet
import Foundation

// Does what `Benchmarks/pictures.py` asks for, one job a line of standard input, and answers with a line each.
@main
struct PictureJobs {
  static func main() throws {
    while let line = readLine() {
      let job = try JSONDecoder().decode(Job.self, from: Data(line.utf8))
      let answer = try job.run()
      print(String(decoding: try JSONEncoder().encode(answer), as: UTF8.self))
      // The other side waits for it.
      fflush(nil)
    }
  }
}

/// A picture is decoded, resized, or both, a number of times.
struct Job: Decodable {
  var file: String
  /// Whether decoding is repeated and measured; else it is done once before.
  var decodes: Bool
  /// Extents of the result, or of its shorter side; `nil` for no resizing.
  var height: Int?
  var width: Int?
  var shorterSide: Int?
  var filter: ResizingFilter?
  /// Left, top, right and bottom of the part that is resized, which may lie between pixels.
  var box: [Double]?
  /// Left, top, right and bottom of the part that is decoded.
  var part: [Int]?
  /// Whether a JPEG picture may be decoded at a part of its size.
  var shrinks: Bool?
  /// Resizes floating-point values.
  var isFloat: Bool?
  var repeats: Int
  /// Where the values of the result are put.
  var output: String?

  struct Answer: Encodable {
    var height: Int
    var width: Int
    var channels: Int
    /// Of each repetition.
    var seconds: [Double]
  }

  func run() throws -> Answer {
    var decoder = ImageDecoder(
      DecodingOptions(resizedExtent: shrinks == true ? shorterSide ?? height : nil))
    var resizer = Resizer(filter: filter ?? .bilinear)
    var decoded = Image(height: 1, width: 1, color: .black)
    var result = decoded
    try decode(&decoder, &decoded)
    if isFloat == true { return try runFloat(decoded) }
    var seconds: [Double] = []
    for _ in 0..<repeats {
      let start = ContinuousClock.now
      if decodes { try decode(&decoder, &decoded) }
      if let (height, width) = extents(decoded) {
        resizer.resize(decoded, height: height, width: width, box: imageBox, into: &result)
      }
      seconds.append((ContinuousClock.now - start) / .seconds(1))
    }
    if extents(decoded) == nil { result = decoded }
    if let output { try Data(result.pixels).write(to: URL(fileURLWithPath: output)) }
    return Answer(
      height: result.height, width: result.width, channels: result.channels, seconds: seconds)
  }

  private func decode(_ decoder: inout ImageDecoder, _ image: inout Image) throws {
    try decoder.decode(contentsOf: file, into: &image) { height, width in
      guard let part else { return .all(height: height, width: width) }
      return ImageRegion(
        row: part[1], column: part[0], height: part[3] - part[1], width: part[2] - part[0])
    }
  }

  private func runFloat(_ image: Image) throws -> Answer {
    let values = Tensor(
      image.pixels.map { Float($0) }, shape: [image.height, image.width, image.channels])
    let (height, width) = extents(image) ?? (image.height, image.width)
    let result = values.resizedAsPicture(
      height: height, width: width, filter: filter ?? .bilinear, box: imageBox)
    if let output {
      let data = result.elements.withUnsafeBytes { Data($0) }
      try data.write(to: URL(fileURLWithPath: output))
    }
    return Answer(height: height, width: width, channels: image.channels, seconds: [])
  }

  private var imageBox: ImageBox? {
    box.map { ImageBox(top: $0[1], left: $0[0], bottom: $0[3], right: $0[2]) }
  }

  private func extents(_ image: Image) -> (height: Int, width: Int)? {
    if let height, let width { return (height, width) }
    guard let side = shorterSide else { return nil }
    return image.height <= image.width
      ? (side, side * image.width / image.height) : (side * image.height / image.width, side)
  }
}
