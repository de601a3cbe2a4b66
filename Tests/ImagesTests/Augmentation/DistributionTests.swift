import ConvNetImages
import ConvNetTensors
import Foundation
import Testing

/// Bounds and frequencies. Tolerances are five standard errors.
@Suite("Distributions of augmentation") struct DistributionTests {
  private static func random(_ sample: Int) -> RandomNumbers {
    RandomNumbers(RandomKey(seed: 9, purpose: .augmentation, index: UInt32(sample)))
  }

  /// The values of a picture of one channel after a pipeline.
  private static func prepared(
    _ image: Image, _ augmentation: Augmentation, height: Int, width: Int, sample: Int
  ) throws -> [Float] {
    let pipeline = try PicturePipeline(
      Preprocessing(height: height, width: width, channels: 1), augmentation)
    var canvas = Canvas()
    canvas.load(image)
    var result = [Float](repeating: .nan, count: pipeline.elementCount)
    result.withUnsafeMutableBufferPointer {
      pipeline.prepare(&canvas, seed: 3, epoch: 0, sample: sample, into: $0)
    }
    return result
  }

  private static func expectUniform(_ counts: [Int], cells: Int) {
    let total = counts.reduce(0, +)
    #expect(counts.count == cells)
    let share = 1 / Double(cells)
    let tolerance = 5 * (Double(total) * share * (1 - share)).squareRoot()
    #expect(
      counts.allSatisfy { abs(Double($0) - Double(total) * share) < tolerance }, "\(counts)")
  }

  @Test("Every window and its reflection is equally likely", arguments: [0, 1])
  func crops(padding: Int) throws {
    // Each value tells its place; the border is 0.
    let image = Image(height: 4, width: 5, channels: 1, pixels: (1...20).map { UInt8($0) })
    var counts: [[UInt8]: Int] = [:]
    for sample in 0..<6000 {
      let values = try Self.prepared(
        image, [.randomCrop(padding: padding), .horizontalReflection()], height: 2, width: 3,
        sample: sample)
      counts[values.map { UInt8(($0 * 255).rounded()) }, default: 0] += 1
    }
    Self.expectUniform(
      Array(counts.values), cells: 2 * (3 + 2 * padding) * (3 + 2 * padding))
  }

  @Test("A reflection has its probability")
  func reflection() throws {
    let image = Image(height: 1, width: 2, channels: 1, pixels: [0, 255])
    let count = 4000
    let mirrored = try (0..<count).count { sample in
      try Self.prepared(
        image, [.horizontalReflection(probability: 0.2)], height: 1, width: 2, sample: sample
      ) == [1, 0]
    }
    #expect(abs(Double(mirrored) - 800) < 5 * (0.16 * Double(count)).squareRoot())
  }

  @Test("The shorter side takes every value of its interval equally often")
  func shorterSide() {
    var counts: [Int: Int] = [:]
    for sample in 0..<4000 {
      var random = Self.random(sample)
      counts[8 + random.integer(below: 5), default: 0] += 1
    }
    Self.expectUniform(Array(counts.values), cells: 5)
    let landscape = Extents(height: 300, width: 451)
    #expect(
      PictureFitting.extents(of: landscape, shorterSide: 256) == Extents(height: 256, width: 384))
    #expect(
      PictureFitting.extents(of: Extents(height: 451, width: 300), shorterSide: 600)
        == Extents(height: 902, width: 600))
  }

  @Test("Random resized windows keep their bounds, and their area is uniform")
  func resizedCrops() {
    let step = RandomResizedCrop(
      minimumArea: 0.1, maximumArea: 0.5, minimumAspect: 0.8, maximumAspect: 1.25)
    let picture = Extents(height: 400, width: 500)
    var areas: [Double] = []
    var logarithms: [Double] = []
    for sample in 0..<4000 {
      var random = Self.random(sample)
      let window = step.window(in: picture, random: &random)
      #expect(window.row >= 0 && window.row + window.extents.height <= 400)
      #expect(window.column >= 0 && window.column + window.extents.width <= 500)
      areas.append(Double(window.extents.height * window.extents.width) / 200_000)
      logarithms.append(log(Double(window.extents.width) / Double(window.extents.height)))
    }
    #expect(areas.allSatisfy { 0.099 < $0 && $0 < 0.501 })
    #expect(logarithms.allSatisfy { abs($0) < log(1.26) })
    func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
    #expect(abs(mean(areas) - 0.3) < 5 * 0.4 / 12.0.squareRoot() / 4000.0.squareRoot())
    #expect(abs(mean(logarithms)) < 5 * 2 * log(1.25) / 12.0.squareRoot() / 4000.0.squareRoot())
  }

  @Test("Where no window fits it is the largest central one")
  func centralCrop() {
    let step = RandomResizedCrop(minimumArea: 1, minimumAspect: 0.9, maximumAspect: 1.1)
    var random = Self.random(0)
    let window = step.window(in: Extents(height: 10, width: 100), random: &random)
    #expect(window.extents == Extents(height: 10, width: 11))
    #expect(window.row == 0 && window.column == 44)
  }

  @Test("Erasing has its probability, area, aspect and fill")
  func erasing() throws {
    let step = RandomErasing(probability: 0.4, minimumArea: 0.1, maximumArea: 0.3)
    let picture = Extents(height: 50, width: 60)
    var erased = 0
    for sample in 0..<4000 {
      var random = Self.random(sample)
      guard let rectangle = step.rectangle(in: picture, random: &random) else { continue }
      erased += 1
      #expect(rectangle.rows.lowerBound >= 0 && rectangle.rows.upperBound <= 50)
      #expect(rectangle.columns.lowerBound >= 0 && rectangle.columns.upperBound <= 60)
      let share = Double(rectangle.area) / 3000
      #expect(0.09 < share && share < 0.32)
      let aspect = Double(rectangle.rows.count) / Double(rectangle.columns.count)
      #expect(0.27 < aspect && aspect < 3.7)
    }
    // Ten rectangles that do not fit are rare.
    #expect(abs(Double(erased) - 1600) < 5 * (0.24 * 4000).squareRoot())

    let white = Image(height: 20, width: 20, color: .white, channels: 1)
    let zeros = try Self.prepared(
      white, [.erasing(probability: 1)], height: 20, width: 20, sample: 1)
    let share = Double(zeros.count { $0 == 0 }) / 400
    #expect(zeros.allSatisfy { $0 == 0 || $0 == 1 } && 0.015 < share && share < 0.35)
    let noise = try Self.prepared(
      white, [.erasing(probability: 1, area: 0.3...0.33, fill: .noise)], height: 20, width: 20,
      sample: 1)
    #expect(Set(noise).count > 60 && noise.allSatisfy { abs($0) < 6 })
  }

  @Test("A color shift is normal along each component")
  func colorShift() {
    let components = PrincipalComponents(
      variances: [2, 1, 0.5], vectors: [[0, 1, 0], [1, 0, 0], [0, 0, 1]])
    let step = ColorShift(deviation: 0.1, components: components)
    var squares = SIMD3<Float>.zero
    var sums = SIMD3<Float>.zero
    let count = 5000
    for sample in 0..<count {
      var random = Self.random(sample)
      let shift = step.shift(components, random: &random)
      sums += shift
      squares += shift * shift
    }
    for (channel, deviation) in [(0, 0.1), (1, 0.2), (2, 0.05)] {
      let mean = Double(sums[channel]) / Double(count)
      #expect(abs(mean) < 5 * deviation / Double(count).squareRoot())
      let variance = Double(squares[channel]) / Double(count)
      #expect(
        abs(variance / (deviation * deviation) - 1) < 5 * (2 / Double(count)).squareRoot())
    }
  }

  @Test("Beta numbers have their moments", arguments: [0.1, 0.2, 0.5, 1, 2, 30])
  func beta(shape: Double) {
    let count = 20_000
    var random = Self.random(Int(shape * 10))
    let values = (0..<count).map { _ in random.beta(shape) }
    #expect(values.allSatisfy { 0 <= $0 && $0 <= 1 })
    let mean = values.reduce(0, +) / Double(count)
    let variance = values.reduce(0) { $0 + ($1 - 0.5) * ($1 - 0.5) } / Double(count)
    let expected = 1 / (4 * (2 * shape + 1))
    #expect(abs(mean - 0.5) < 5 * (expected / Double(count)).squareRoot())
    // The fourth central moment is at most a quarter of the variance.
    #expect(abs(variance - expected) < 5 * (expected / 4 / Double(count)).squareRoot())
  }

  @Test("CutMix leaves the share of the label that it leaves of the picture")
  func cutMix() throws {
    let pipeline = try PicturePipeline(
      Preprocessing(height: 20, width: 30, channels: 3), [.cutMix()])
    var shares: [Double] = []
    for sample in 0..<2000 {
      var own = [Float](repeating: 0, count: pipeline.elementCount)
      let other = [Float](repeating: 1, count: pipeline.elementCount)
      let share = own.withUnsafeMutableBufferPointer { own in
        other.withUnsafeBufferPointer {
          pipeline.mix($0, into: own, seed: 1, epoch: 0, sample: sample)
        }
      }
      let left = Double(own.count { $0 == 0 }) / Double(own.count)
      #expect(abs(Double(share) - left) < 1e-6)
      shares.append(left)
    }
    // Uniform weights, but for what the borders cut off.
    #expect(shares.contains { $0 < 0.3 } && shares.contains { $0 > 0.95 })
    #expect(0.5 < shares.reduce(0, +) / 2000)
  }

  @Test("Mixup blends pictures by the weight of the label; beside CutMix each has its half")
  func mixup() throws {
    let preprocessing = try Preprocessing(height: 6, width: 6, channels: 1)
    let mixup = try PicturePipeline(preprocessing, [.mixup(alpha: 1)])
    let both = try PicturePipeline(preprocessing, [.mixup(alpha: 1), .cutMix()])
    var blended = 0
    for sample in 0..<1000 {
      for pipeline in [mixup, both] {
        var own = [Float](repeating: 2, count: 36)
        let other = [Float](repeating: 4, count: 36)
        let share = own.withUnsafeMutableBufferPointer { own in
          other.withUnsafeBufferPointer {
            pipeline.mix($0, into: own, seed: 1, epoch: 0, sample: sample)
          }
        }
        #expect(0 <= share && share <= 1)
        if pipeline.augmentation == both.augmentation {
          if own.contains(where: { $0 != 2 && $0 != 4 }) { blended += 1 }
        } else {
          #expect(own.allSatisfy { abs($0 - (2 * share + 4 * (1 - share))) < 1e-5 })
        }
      }
    }
    #expect(abs(blended - 500) < 80)
  }

  @Test("TrivialAugment changes every picture in its own way")
  func trivialAugment() throws {
    var random = Self.random(0)
    let image = Image.noise(height: 16, width: 16, channels: 1, random: &random)
    let original = image.pixels.map { Float($0) / 255 }
    var results: Set<[Float]> = []
    var unchanged = 0
    for sample in 0..<600 {
      let result = try Self.prepared(
        image, [.trivialAugment()], height: 16, width: 16, sample: sample)
      results.insert(result)
      if result == original { unchanged += 1 }
    }
    // Identity, saturation of grey, and a strength of nothing: at least 2/14 and 12/14/31.
    #expect(results.count > 150)
    #expect(unchanged > 80 && unchanged < 230, "\(unchanged)")
  }
}
