import ConvNetDatasets
import ConvNetImages
import ConvNetTensors
import ConvNetTestSupport
import Foundation
import Testing

@Suite("Pictures that are nearly the same") struct SimilarPicturesTests {
  /// Soft spots of color, as different from each other as photographs are.
  private func photograph(_ seed: UInt64, height: Int = 96, width: Int = 128) -> Image {
    var random = RandomNumbers(RandomKey(seed: seed, purpose: .input))
    let spots = (0..<14).map { _ in
      (
        Double.random(in: 0..<1, using: &random), Double.random(in: 0..<1, using: &random),
        Double.random(in: 0.05..<0.3, using: &random),
        (0..<3).map { _ in Double.random(in: -110..<110, using: &random) }
      )
    }
    var pixels: [UInt8] = []
    for row in 0..<height {
      for column in 0..<width {
        var color = [128.0, 128, 128]
        for (y, x, size, change) in spots {
          let far =
            pow(Double(row) / Double(height) - y, 2) + pow(Double(column) / Double(width) - x, 2)
          for channel in 0..<3 { color[channel] += change[channel] * exp(-far / (size * size)) }
        }
        pixels += color.map { UInt8(min(255, max(0, $0))) }
      }
    }
    return Image(height: height, width: width, channels: 3, pixels: pixels)
  }

  private func reflected(_ image: Image) -> Image {
    var result = image
    for row in 0..<image.height {
      for column in 0..<image.width {
        for channel in 0..<3 {
          result[row, column, channel] = image[row, image.width - 1 - column, channel]
        }
      }
    }
    return result
  }

  @Test("copies that were stored again are found across parts, and other pictures are not")
  func found() throws {
    let directory = try TemporaryDirectory()
    for index in 0..<30 {
      try directory.write(
        photograph(UInt64(index)).encodedPNG(),
        to: "data/train/\(index % 2 == 0 ? "a" : "b")/\(index).png")
      try directory.write(
        photograph(UInt64(100 + index)).encodedPNG(),
        to: "data/val/\(index % 2 == 0 ? "a" : "b")/\(index).png")
    }
    let small = photograph(2).resized(height: 60, width: 80)
    try directory.write(photograph(1).encodedJPEG(quality: 30), to: "data/val/b/jpeg.jpg")
    try directory.write(small.encodedPNG(), to: "data/val/a/small.png")
    try directory.write(reflected(photograph(3)).encodedJPEG(), to: "data/val/a/mirror.jpg")
    var pale = photograph(4)
    pale = Image(
      height: pale.height, width: pale.width, channels: 3,
      pixels: pale.pixels.map { UInt8(40 + Int($0) * 2 / 3) })
    try directory.write(pale.encodedPNG(), to: "data/train/a/pale.png")
    // Pictures of one color are like each other, and say nothing; the same file twice is no news here.
    for name in ["x", "y"] {
      try directory.write(
        Image(height: 9, width: name == "x" ? 9 : 8, color: .white).encodedPNG(),
        to: "data/train/a/\(name).png")
    }
    try directory.write(photograph(5).encodedPNG(), to: "data/val/b/same.png")
    let source = try DatasetCatalog.source(directory.file("data"))
    #expect(try DatasetVerification(of: source, threads: 2).similar == nil)
    let result = try DatasetVerification(of: source, threads: 2, findsSimilar: true)
    let similar = try #require(result.similar)
    let names = similar.map { pair in
      pair.files.map { String($0.split(separator: "/").last ?? "") }
    }
    #expect(
      names == [
        ["2.png", "small.png"], ["1.png", "jpeg.jpg"], ["3.png", "mirror.jpg"],
        ["4.png", "pale.png"],
      ])
    #expect(similar.map(\.crossesParts) == [true, true, true, false])
    #expect(similar.map(\.isReflected) == [false, false, true, false])
    #expect(similar[2].classNames == ["b", "a"])
    #expect(similar.allSatisfy { 0.96...1.0001 ~= $0.correlation })
    #expect(result.duplicates.count == 1)
  }

  @Test("pictures in memory are compared as well")
  func inMemory() throws {
    let extent = 28
    let size = UInt32(extent)
    var pixels: [UInt8] = []
    for index in 0..<20 {
      let image = photograph(UInt64(index % 19), height: extent, width: extent)
        .converted(toChannels: 1)
      pixels += image.pixels.map { index == 19 ? $0 &- ($0 > 4 ? 3 : 0) : $0 }
    }
    let directory = try TemporaryDirectory()
    let images = IDXSamples.file([20, size, size], pixels)
    let labels = IDXSamples.file([20], (0..<20).map { UInt8($0 % 10) })
    try directory.write(images, to: "train-images-idx3-ubyte")
    try directory.write(labels, to: "train-labels-idx1-ubyte")
    try directory.write(images, to: "t10k-images-idx3-ubyte")
    try directory.write(labels, to: "t10k-labels-idx1-ubyte")
    let result = try DatasetVerification(
      of: DatasetCatalog.source(directory.path), threads: 1, findsSimilar: true)
    let similar = try #require(result.similar)
    // Picture 19 is like 0, in and across the parts, both ways.
    #expect(similar.count == 4)
    #expect(similar.map(\.crossesParts) == [true, true, false, false])
  }
}
