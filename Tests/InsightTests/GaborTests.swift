import ConvNetInference
import ConvNetInsight
import ConvNetLayers
import ConvNetReports
import ConvNetTensors
import ConvNetTestSupport
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

  @Test("kernels of nine numbers are too small for a function of nine parameters, and that is told")
  func tooSmall() throws {
    let filters = try FirstLayerFilters(.random([4, 3, 3, 3], seed: 1), name: "small")
    #expect(!filters.areLargeEnough && filters.filters.allSatisfy { $0.fit == nil })
    #expect(filters.statistics().svg.contains("none is fitted"))
    let large = try FirstLayerFilters(.random([1, 1, 4, 4], seed: 1), name: "large")
    #expect(large.areLargeEnough && !large.statistics().svg.contains("none is fitted"))
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

  @Test("bells without a wave are no Gabor functions, and are counted where these are told of")
  func bells() throws {
    var filters = try FirstLayerFilters(
      .random([4, 1, 5, 5], seed: 1), name: "made", fitting: false)
    #expect(filters.bells().isEmpty && filters.gaborLike().isEmpty)
    let found = [(0.2, 0.9), (0.1, 0.6), (0.005, 0.9), (0.0, 0.8)]
    for (index, (frequency, explained)) in found.enumerated() {
      filters.filters[index].fit = GaborFit(
        function: GaborFunction(
          orientation: 0, frequency: frequency, alongWave: 2, acrossWave: 2), explained: explained)
    }
    #expect(filters.gaborLike().map(\.index) == [0])
    #expect(filters.bells().map(\.index) == [2, 3])
    let statistics = filters.statistics()
    #expect(statistics.title == "1 of 4 kernels of made are Gabor functions")
    #expect(
      statistics.summary.hasPrefix(
        "explaining at least 70 % of their variance; kernels that are bells without a wave: 2; median band"
      ))
    #expect(statistics.svg.contains("bells without a wave: 2"))
  }

  @Test("where no kernel is a Gabor function that is said, and no middle of none")
  func none() {
    let statistics = GaborStatistics(name: "made", total: 6, fits: [], least: 0.7)
    #expect(statistics.title == "none of 6 kernels of made is a Gabor function")
    #expect(statistics.summary == "explaining at least 70 % of their variance")
    #expect(statistics.orientationCounts.allSatisfy { $0 == 0 } && statistics.medianAspect == nil)
  }

  @Test("directions are labelled by their own degrees, bandwidths lie in half octaves")
  func histograms() {
    func fit(along: Double, frequency: Double) -> GaborFit {
      GaborFit(
        function: GaborFunction(
          orientation: 0, frequency: frequency, alongWave: along, acrossWave: 2), explained: 1)
    }
    // Bands of half an octave to one, of one and a half to two, and one that reaches to zero.
    let fits = [
      fit(along: 3, frequency: 0.2), fit(along: 2, frequency: 0.16),
      fit(along: 1, frequency: 0.05),
    ]
    #expect(fits.map { $0.function.bandwidth.map { Int($0 * 2) } } == [1, 3, nil])
    let statistics = GaborStatistics(name: "made", total: 3, fits: fits, least: 0.7)
    #expect(statistics.bandwidthCounts == [0, 1, 0, 1, 0, 0, 0, 1])
    let svg = statistics.svg
    for text in ["22.5°", "67.5°", "112.5°", "157.5°", "&lt;0.5", "to 0"] {
      #expect(svg.contains(">\(text)</text>"), "\(text)")
    }
  }

  @Test("a layer that is no convolution has no kernels, which is not said of one that is not there")
  func layers() throws {
    let model = try Model(
      validating: Network("made", input: .image(height: 12, width: 12, channels: 1)) {
        Conv2D(2, kernel: 5).named("conv")
        Flatten()
        Dense(3).named("dense")
      })
    #expect(
      throws: InsightError.noKernels(layer: "dense", model: "made", convolutions: ["conv"])
    ) { try FirstLayerFilters(of: model, layer: "dense", fitting: false) }
    #expect(throws: InferenceError.self) {
      try FirstLayerFilters(of: model, layer: "dence", fitting: false)
    }
    #expect(try FirstLayerFilters(of: model, layer: "conv", fitting: false).filters.count == 2)
  }
}
