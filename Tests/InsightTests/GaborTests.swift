import ConvNetInsight
import ConvNetReports
import ConvNetTensors
import Foundation
import Testing

@Suite("Gabor functions are found again") struct GaborTests {
  /// The difference of two directions, which are the same after half a turn.
  private static func angle(_ first: Double, _ second: Double) -> Double {
    let difference = abs(first - second).truncatingRemainder(dividingBy: .pi)
    return min(difference, .pi - difference)
  }

  /// Functions that a kernel can show: less than half a wave a pixel, within it, of half a wave at least.
  private static func functions(_ side: Int, count: Int) -> [GaborFunction] {
    var numbers = RandomNumbers(RandomKey(seed: 11, purpose: .input))
    func between(_ lowest: Double, _ highest: Double) -> Double {
      lowest + Double(numbers.uniform()) * (highest - lowest)
    }
    let size = Double(side)
    return (0..<count).map { _ in
      let along = between(0.13, 0.22) * size
      return GaborFunction(
        amplitude: between(0.2, 3), x: between(-0.12, 0.12) * size, y: between(-0.12, 0.12) * size,
        orientation: between(0, .pi), frequency: between(0.35, 0.8) / (2 * along),
        phase: between(-.pi, .pi), alongWave: along, acrossWave: along * between(0.8, 1.6),
        offset: between(-0.1, 0.1))
    }
  }

  @Test("without noise each parameter comes back", arguments: [11, 15])
  func exact(side: Int) throws {
    for function in Self.functions(side, count: 12) {
      let kernel = function.plane(height: side, width: side)
      let fit = try #require(GaborFit(to: kernel))
      #expect(fit.explained > 0.9999, "\(function) \(fit)")
      let again = fit.function.plane(height: side, width: side)
      let largest = kernel.largestMagnitude
      #expect(zip(kernel.values, again.values).allSatisfy { abs($0 - $1) < 0.02 * largest })
      #expect(Self.angle(fit.function.orientation, function.orientation) < 0.02)
      #expect(abs(fit.function.frequency - function.frequency) < 0.05 * function.frequency + 0.002)
    }
  }

  @Test("with noise of a tenth of its deviation direction, frequency and width come back nearly")
  func noisy() throws {
    let side = 13
    var numbers = RandomNumbers(RandomKey(seed: 4, purpose: .input))
    var (angles, frequencies, widths): ([Double], [Double], [Double]) = ([], [], [])
    for function in Self.functions(side, count: 24) {
      var kernel = function.plane(height: side, width: side)
      let mean = kernel.sum / Double(side * side)
      let variance =
        kernel.values.reduce(0) { $0 + pow(Double($1) - mean, 2) } / Double(side * side)
      for index in kernel.values.indices {
        kernel.values[index] += Float(0.1 * variance.squareRoot()) * numbers.normal()
      }
      let fit = try #require(GaborFit(to: kernel))
      #expect(fit.explained > 0.97)
      angles.append(Self.angle(fit.function.orientation, function.orientation))
      frequencies.append(abs(log(fit.function.frequency / function.frequency)))
      widths.append(abs(log(fit.function.alongWave / function.alongWave)))
    }
    #expect(angles.sorted()[12] < 0.03 && angles.sorted()[21] < 0.12, "\(angles.sorted())")
    #expect(frequencies.sorted()[12] < 0.08, "\(frequencies.sorted())")
    #expect(widths.sorted()[12] < 0.1, "\(widths.sorted())")
  }

  @Test("the parts are those of the formula: a function of an even wave along x")
  func formula() {
    let function = GaborFunction(
      amplitude: 2, x: 0.5, orientation: 0, frequency: 0.1, alongWave: 2, acrossWave: 3, offset: 1)
    let plane = function.plane(height: 5, width: 7)
    // x = column - 3 - 0.5, y = row - 2
    let expected = 2 * exp(-1.5 * 1.5 / 8 - 1.0 / 18) * cos(2 * Double.pi * 0.1 * 1.5) + 1
    #expect(abs(Double(plane[3, 5]) - expected) < 1e-6)
    #expect(function.aspect == 1.5)
    // Half of the height of the band exp(-2 pi^2 a^2 (k - f)^2) is sqrt(ln 2 / 2) / (pi a) from its middle.
    let half: Double = (log(2) / 2).squareRoot() / (Double.pi * 2)
    #expect(abs((function.bandwidth ?? 0) - log2((0.1 + half) / (0.1 - half))) < 1e-9)
    #expect(
      GaborFunction(orientation: 0, frequency: 0.05, alongWave: 1, acrossWave: 1).bandwidth == nil)
  }

  @Test("what is no wave is explained badly, and what is nothing has no function")
  func others() throws {
    var numbers = RandomNumbers(RandomKey(seed: 2, purpose: .input))
    let noise = Plane(height: 11, width: 11, values: (0..<121).map { _ in numbers.normal() })
    #expect(try #require(GaborFit(to: noise)).explained < 0.5)
    #expect(
      GaborFit(to: Plane(height: 5, width: 5, values: [Float](repeating: 3, count: 25))) == nil)
    #expect(GaborFit(to: Plane(height: 3, width: 3, values: (0..<9).map(Float.init))) == nil)
    #expect(
      GaborFit(to: Plane(height: 5, width: 5, values: [Float](repeating: .nan, count: 25))) == nil)
  }

  @Test(
    "kernels in color are compared by the direction in which they vary, and their statistics are drawn"
  )
  func filters() throws {
    let functions = Self.functions(11, count: 8)
    var elements: [Float] = []
    for function in functions {
      let plane = function.plane(height: 11, width: 11)
      for share: Float in [0.2, 0.9, 0.4] { elements += plane.values.map { $0 * share } }
    }
    let filters = try FirstLayerFilters(Tensor(elements, shape: [8, 3, 11, 11]), name: "made")
    for (filter, function) in zip(filters.filters, functions) {
      #expect(filter.principalShare > 0.9999)
      let fit = try #require(filter.fit)
      #expect(Self.angle(fit.function.orientation, function.orientation) < 0.02)
    }
    #expect(filters.gaborLike().count == 8)
    let statistics = filters.statistics()
    #expect(statistics.orientationCounts.reduce(0, +) == 8)
    #expect(filters.csv.split(separator: "\n").count == 9)
    #expect(!statistics.svg.contains("nan"))
    #expect(throws: InsightError.self) { try FirstLayerFilters(Tensor(zeros: [3, 3]), name: "x") }
  }
}
