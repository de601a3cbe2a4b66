import CKernels
import ConvNetCompiler
import ConvNetGraphs
import ConvNetTensors
import ConvNetTestSupport
import Testing

/// The kernels of batch normalization against sums in double precision: every order of channels, blocks and rows that are not
/// full, every way to divide the work, and means of a thousand deviations.
@Suite struct NormalizationTests {
  typealias Geometry = NormalizationGeometry

  static let geometries: [Geometry] = {
    let shapes: [Geometry] = [
      Geometry(examples: 4, channels: 33, positions: 49, order: .blocks(16)),
      Geometry(examples: 3, channels: 64, positions: 1, order: .blocks(16)),
      Geometry(examples: 3, channels: 20, positions: 49, order: .blocks(8)),
      Geometry(examples: 9, channels: 8, positions: 1, order: .blocks(8)),
      Geometry(examples: 2, channels: 6, positions: 1000, order: .blocks(4)),
      Geometry(examples: 5, channels: 3, positions: 10, order: .channelsFirst),
      Geometry(examples: 1, channels: 2, positions: 65549, order: .channelsFirst),
      Geometry(examples: 2, channels: 3, positions: 5001, order: .channelsLast),
      Geometry(examples: 2, channels: 20, positions: 77, order: .channelsLast),
      Geometry(examples: 7, channels: 96, positions: 5, order: .channelsLast),
      Geometry(examples: 3, channels: 130, positions: 9, order: .channelsLast),
    ]
    return shapes.flatMap { shape in
      [(1, 0.3), (3, 0.3), (1, 1000), (2, 1000)].map { tasks, mean in
        var geometry = shape
        (geometry.tasks, geometry.mean) = (tasks, Float(mean))
        return geometry
      }
    }
  }()

  @Test("statistics and gradients are within 1e-5 of double precision", arguments: geometries)
  func bound(_ geometry: Geometry) {
    let data = NormalizationData(geometry, seed: 1)
    for slope: Float in [1, 0, 0.2] {
      let result = data.normalize(negativeSlope: slope)
      let gradients = data.gradients(result, negativeSlope: slope)
      for channel in 0..<geometry.channels {
        let expected = data.reference(channel) { result.output[$0] > 0 ? 1 : Double(slope) }
        func expect(_ actual: Float, _ value: Double, of terms: Double, _ what: String) {
          #expect(abs(Double(actual) - value) <= 1e-5 * terms, "\(what) of \(channel)")
        }
        // Nothing of a mean near zero would be left of 1e-5 of it.
        expect(result.mean[channel], expected.mean, of: max(0.1, abs(expected.mean)), "mean")
        expect(result.variance[channel], expected.variance, of: expected.variance, "variance")
        expect(
          gradients.scale[channel], expected.scaleGradient, of: expected.scaleTerms, "scale")
        expect(
          gradients.shift[channel], expected.shiftGradient, of: expected.shiftTerms, "shift")
        let places = geometry.places(of: channel)
        let output = expected.output.map { $0 < 0 ? Double(slope) * $0 : $0 }
        // The mean is known in single precision only.
        let lacking = 0x1p-24 * abs(expected.mean) / expected.variance.squareRoot()
        #expect(
          relativeDifference(places.map { result.output[$0] }, output) < 1e-5 + 2 * lacking)
        // Of what is subtracted from what: of three examples hardly anything is left.
        let terms = expected.inputTerms
        for (place, value) in zip(places, expected.inputGradient) {
          expect(gradients.input[place], value, of: terms, "input")
        }
      }
    }
  }

  @Test("what fills up a block stays zero", arguments: geometries.filter { $0.mean < 1 })
  func padding(_ geometry: Geometry) {
    let data = NormalizationData(geometry, seed: 2)
    let result = data.normalize(negativeSlope: 1)
    var padding = Set(0..<geometry.count)
    for channel in 0..<geometry.channels { padding.subtract(geometry.places(of: channel)) }
    #expect(padding.allSatisfy { result.output[$0] == 0 })
    let gradients = data.gradients(result, negativeSlope: 0)
    #expect(padding.allSatisfy { gradients.input[$0] == 0 })
    #expect(padding.allSatisfy { data.normalize(by: result, negativeSlope: 1)[$0] == 0 })
  }

  @Test(
    "given statistics give the same bit for bit, and of gradients passes what the result let through",
    arguments: geometries.filter { $0.mean < 1 })
  func repeated(_ geometry: Geometry) {
    let data = NormalizationData(geometry, seed: 3)
    for slope: Float in [1, 0, 0.2] {
      let result = data.normalize(negativeSlope: slope)
      #expect(data.normalize(by: result, negativeSlope: slope) == result.output)
    }
    for slope: Float in [0, 0.25] {
      var data = data
      let result = data.normalize(negativeSlope: slope)
      let gradients = data.gradients(result, negativeSlope: slope)
      data.scaleGradient(by: slope) { result.output[$0] <= 0 }
      #expect(data.gradients(result, negativeSlope: 1) == gradients)
    }
  }

  @Test("a result does not depend on the order in memory, or on threads, but for rounding")
  func orders() {
    let positions = 3 * 1024
    var results: [NormalizationData.Result] = []
    for order: Geometry.Order in [.blocks(16), .blocks(8), .channelsFirst, .channelsLast] {
      for tasks in [1, 2, 7] {
        let geometry = Geometry(
          examples: 2, channels: 1, positions: positions, order: order, tasks: tasks, mean: 1000)
        // One channel: its numbers are drawn in the same order.
        results.append(NormalizationData(geometry, seed: 4).normalize(negativeSlope: 1))
      }
    }
    for result in results {
      #expect(abs(result.variance[0] / results[0].variance[0] - 1) < 1e-6)
      #expect(abs(result.mean[0] / results[0].mean[0] - 1) < 1e-6)
    }
  }

  @Test(
    "what is not a number comes out, of statistics in its channel and given ones in its place",
    arguments: geometries.filter { $0.mean < 1 }, [1, 0, 0.2] as [Float])
  func notANumber(_ geometry: Geometry, slope: Float) {
    var data = NormalizationData(geometry, seed: 5)
    let channel = geometry.channels - 1
    let place = geometry.places(of: channel)[geometry.places(of: channel).count / 2]
    let statistics = data.normalize(negativeSlope: slope)
    data.setInput(.nan, at: place)
    let given = data.normalize(by: statistics, negativeSlope: slope)
    #expect(given.indices.filter { given[$0].isNaN } == [place])
    let result = data.normalize(negativeSlope: slope)
    let unknown = result.output.indices.filter { result.output[$0].isNaN }
    #expect(unknown == geometry.places(of: channel).sorted())
    #expect(result.mean[channel].isNaN && result.variance[channel].isNaN)
    let gradients = data.gradients(result, negativeSlope: slope)
    #expect(gradients.scale[channel].isNaN)
    #expect(geometry.places(of: channel).allSatisfy { gradients.input[$0].isNaN })
    #expect(gradients.scale.count(where: \.isNaN) == 1)
  }

  @Test(
    "a network that begins with batch normalization has the statistics of many large pictures",
    arguments: [1, 2], DataFormat.allCases)
  func firstLayer(threads: Int, format: DataFormat) throws {
    var graph = Graph(name: "normalization first")
    let x = graph.addInput("x", ValueType([2, 3, 1024, 1024]))
    let parameters: [(String, ParameterKind, Float)] = [
      ("scale", .scale, 1), ("shift", .shift, 0), ("mean", .runningMean, 0),
      ("variance", .runningVariance, 1),
    ]
    var given: [ValueID: Tensor] = [:]
    let ids = parameters.map { name, kind, value in
      let id = graph.addParameter(name, [3], kind)
      given[id] = Tensor([Float](repeating: value, count: 3), shape: [3])
      return id
    }
    // Sums of numbers that are nearly the same lose what a sum has no digits for.
    given[x] = .random(graph[x].shape, seed: 6, in: 0.69..<0.71)
    let outputs = try graph.append(
      Operation.BatchNormalization(form: .training), to: [x] + ids, name: "normalization")
    graph.addOutput("mean", outputs[1])
    graph.addOutput("variance", outputs[2])
    let results = try runOnEngine(
      graph, given: given, mode: .training, format: format, threads: threads)
    let elements = try #require(given[x]).elements
    for channel in 0..<3 {
      let planes = [0, 3].map { elements[($0 + channel) << 20..<($0 + channel + 1) << 20] }
      let sum = planes.joined().reduce(0.0) { $0 + Double($1) }
      let mean = sum / Double(2 << 20)
      let variance =
        planes.joined().reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
        / Double(2 << 20)
      let actualMean = Double(try #require(results["mean"]).elements[channel])
      let actualVariance = Double(try #require(results["variance"]).elements[channel])
      #expect(abs(actualMean / mean - 1) < 1e-5)
      #expect(abs(actualVariance / variance - 1) < 1e-5)
    }
  }

  @Test("a channels-last picture of a million numbers around a thousand has the variance one")
  func farFromZero() {
    var data = NormalizationData(
      NormalizationGeometry(examples: 1, channels: 2, positions: 1 << 20, order: .channelsLast),
      seed: 7)
    var numbers = RandomNumbers(RandomKey(seed: 8, purpose: .input))
    for place in data.input.indices { data.setInput(1000 + numbers.normal(), at: place) }
    let result = data.normalize(negativeSlope: 1)
    for channel in 0..<2 {
      let expected = data.reference(channel) { _ in 1 }
      #expect(abs(Double(result.mean[channel]) / expected.mean - 1) < 1e-5)
      #expect(abs(Double(result.variance[channel]) / expected.variance - 1) < 1e-5)
      #expect(abs(expected.variance - 1) < 0.01)
    }
  }
}
