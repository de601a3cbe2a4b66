import ConvNetImages
import ConvNetTensors
import ConvNetTestSupport
import Testing

@Suite("Resizing")
struct ResizingTests {
  static let sizes = [(5, 7), (11, 23), (19, 10), (31, 40), (1, 1), (3, 64), (7, 22)]

  @Test(
    "Pictures are Pillow's to the last bit, up and down, in either order of the passes",
    arguments: ResizingFilter.allCases, 0..<7)
  func exactly(filter: ResizingFilter, index: Int) throws {
    let (height, width) = Self.sizes[index]
    let image = try Image(contentsOf: fixturePath("rgb8.png"))
    let resized = image.resized(height: height, width: width, filter: filter)
    let expected = try ImageDecodingTests.expected("resized-\(filter.rawValue)-\(height)x\(width)")
    #expect(resized == expected)
  }

  @Test("A part between pixels, and colors weighed by alpha", arguments: ResizingFilter.allCases)
  func parts(filter: ResizingFilter) throws {
    let image = try Image(contentsOf: fixturePath("rgb8.png"))
    let part = image.resized(
      height: 12, width: 9, filter: filter,
      box: ImageBox(top: 1.5, left: 2.25, bottom: 17, right: 20.75))
    #expect(try part == ImageDecodingTests.expected("resized-\(filter.rawValue)-part"))
    let transparent = try Image(contentsOf: fixturePath("rgba8.png"))
    #expect(
      try transparent.resized(height: 12, width: 9, filter: filter)
        == ImageDecodingTests.expected("resized-\(filter.rawValue)-alpha"))
  }

  @Test("Floating-point pictures are Pillow's", arguments: ResizingFilter.allCases)
  func floatingPoint(filter: ResizingFilter) throws {
    let image = try Image(contentsOf: fixturePath("rgb8.png"))
    let values = Tensor(image.pixels.map { Float($0) }, shape: [image.height, image.width, 3])
    let resized = values.resizedAsPicture(height: 11, width: 31, filter: filter)
    let expected = try Tensor(npy: fixturePath("resized-\(filter.rawValue)-float.npy"))
    #expect(resized.shape == expected.shape)
    let largest = zip(resized.elements, expected.elements).map { abs($0 - $1) }.max()
    #expect(try #require(largest) < 1e-4)
  }

  /// The definition, in double precision, without the rounding between the passes.
  private static func reference(
    _ image: Image, height: Int, width: Int, filter: ResizingFilter, box: ImageBox
  ) -> [Double] {
    func weights(_ input: Int, _ output: Int, _ lower: Double, _ upper: Double) -> [[Double]] {
      let scale = (upper - lower) / Double(output)
      let stretch = max(scale, 1)
      return (0..<output).map { position in
        let center = lower + (Double(position) + 0.5) * scale
        let raw = (0..<input).map { filter.referenceWeight((Double($0) + 0.5 - center) / stretch) }
        let sum = raw.reduce(0, +)
        return raw.map { $0 / sum }
      }
    }
    let rows = weights(image.height, height, box.top, box.bottom)
    let columns = weights(image.width, width, box.left, box.right)
    var result: [Double] = []
    for row in rows {
      for column in columns {
        for channel in 0..<image.channels {
          var sum = 0.0
          for (y, down) in row.enumerated() where down != 0 {
            for (x, across) in column.enumerated() where across != 0 {
              sum += down * across * Double(image[y, x, channel])
            }
          }
          result.append(sum)
        }
      }
    }
    return result
  }

  @Test(
    "Random sizes and parts, of one, three and four channels, agree with the definition",
    arguments: [ResizingFilter.bilinear, .bicubic, .lanczos], [1, 3, 4])
  func definition(filter: ResizingFilter, channels: Int) {
    var numbers = RandomNumbers(RandomKey(seed: UInt64(channels), purpose: .input))
    var resizer = Resizer(filter: filter)
    var resized = Image(height: 1, width: 1, color: .black)
    for _ in 0..<25 {
      let (height, width) = (
        Int.random(in: 1...40, using: &numbers), Int.random(in: 1...40, using: &numbers)
      )
      // Smooth and away from the ends, so that neither the cut at 0 and 255 nor the rounding between
      // the passes matters much; opaque where there is alpha.
      let pixels = (0..<height * width * channels).map { index in
        channels == 4 && index % 4 == 3 ? 255 : UInt8.random(in: 90...160, using: &numbers)
      }
      let image = Image(height: height, width: width, channels: channels, pixels: pixels)
      let box = ImageBox(
        top: Double.random(in: 0..<Double(height) / 2, using: &numbers), left: 0,
        bottom: Double(height),
        right: Double.random(in: Double(width) / 2...Double(width), using: &numbers))
      let (newHeight, newWidth) = (
        Int.random(in: 1...50, using: &numbers), Int.random(in: 1...50, using: &numbers)
      )
      resizer.resize(image, height: newHeight, width: newWidth, box: box, into: &resized)
      let expected = Self.reference(
        image, height: newHeight, width: newWidth, filter: filter, box: box)
      let largest = zip(resized.pixels, expected).map { abs(Double($0) - $1) }.max() ?? .infinity
      #expect(largest < 1.4, "\(height)x\(width) to \(newHeight)x\(newWidth), \(box)")
    }
  }

  @Test("A region is resized as if it had been cut out", arguments: [1, 3, 4])
  func regions(channels: Int) {
    var numbers = RandomNumbers(RandomKey(seed: 5, purpose: .input))
    let pixels = (0..<37 * 41 * channels).map { _ in UInt8.random(in: 0...255, using: &numbers) }
    let image = Image(height: 37, width: 41, channels: channels, pixels: pixels)
    for region in [
      ImageRegion(row: 0, column: 0, height: 37, width: 41),
      ImageRegion(row: 3, column: 8, height: 20, width: 11),
      ImageRegion(row: 36, column: 40, height: 1, width: 1),
      ImageRegion(row: 30, column: 0, height: 7, width: 41),
    ] {
      let cut = image.cropped(to: region)
      #expect(cut.pixels.first == image[region.row, region.column, 0])
      for (height, width) in [(9, 13), (region.height, region.width), (50, region.width), (3, 50)] {
        #expect(
          image.resized(height: height, width: width, filter: .lanczos, region: region)
            == cut.resized(height: height, width: width, filter: .lanczos))
      }
    }
  }

  @Test("Tables and memory that are used again change nothing")
  func reuse() throws {
    let image = try Image(contentsOf: fixturePath("photograph.jpg"))
    var resizer = Resizer()
    var result = Image(height: 1, width: 1, color: .black)
    // More sizes than tables are kept, twice.
    for _ in 0..<2 {
      for size in 1...30 {
        for filter in [ResizingFilter.bilinear, .bicubic] {
          resizer.filter = filter
          resizer.resize(image, height: size, width: 2 * size, into: &result)
          #expect(result == image.resized(height: size, width: 2 * size, filter: filter))
        }
      }
    }
  }

  @Test("Once it has seen the largest picture, nothing is allocated for pixels")
  func memory() throws {
    func address(_ image: Image) -> UnsafePointer<UInt8>? {
      image.pixels.withUnsafeBufferPointer { $0.baseAddress }
    }
    var decoder = ImageDecoder(.init(channels: 3))
    var resizer = Resizer()
    var decoded = Image(height: 1, width: 1, color: .black)
    var resized = decoded
    try decoder.decode(contentsOf: fixturePath("photograph.jpg"), into: &decoded)
    resizer.resize(decoded, height: 60, width: 80, into: &resized)
    let places = [address(decoded), address(resized)]
    for name in ["grey.jpg", "rgba8.png", "orientation.jpg", "lossy.webp", "photograph.jpg"] {
      for size in [60, 10, 50] {
        try decoder.decode(contentsOf: fixturePath(name), into: &decoded)
        resizer.resize(decoded, height: size, width: size + 20, into: &resized)
        #expect([address(decoded), address(resized)] == places)
      }
    }
  }

  @Test("The shorter side is given, the longer one cut to whole pixels, as torchvision does")
  func shorterSide() {
    let wide = Image(height: 375, width: 500, color: .black, channels: 1).resized(shorterSide: 256)
    #expect((wide.height, wide.width) == (256, 341))
    let tall = Image(height: 500, width: 333, color: .black, channels: 1).resized(shorterSide: 256)
    #expect((tall.height, tall.width) == (384, 256))
  }
}

extension ResizingFilter {
  fileprivate func referenceWeight(_ x: Double) -> Double {
    let x = abs(x)
    switch self {
    case .box: return x <= 0.5 ? 1 : 0
    case .bilinear: return max(0, 1 - x)
    case .bicubic:
      // Written out from Keys's conditions with a = -1/2.
      if x < 1 { return 1 - 2.5 * x * x + 1.5 * x * x * x }
      return x < 2 ? 2 - 4 * x + 2.5 * x * x - 0.5 * x * x * x : 0
    case .lanczos:
      guard x < 3 else { return 0 }
      guard x > 0 else { return 1 }
      let angle = Double.pi * x
      return 3 * sine(angle) * sine(angle / 3) / (angle * angle)
    }
  }
}

/// The sine by its series, good to fifteen digits up to 3 pi.
private func sine(_ x: Double) -> Double {
  var term = x
  var sum = x
  for n in 1..<40 {
    term *= -x * x / Double((2 * n) * (2 * n + 1))
    sum += term
  }
  return sum
}
