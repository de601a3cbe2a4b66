import CKernels
import ConvNetTensors
import ConvNetTestSupport
import Testing

/// A batch for the kernels of batch normalization, in one of the orders that values lie in.
struct NormalizationGeometry: Sendable, CustomTestStringConvertible {
  enum Order: Sendable, Hashable {
    case blocks(Int)
    case channelsFirst
    case channelsLast
  }

  var examples, channels, positions: Int
  var order: Order
  var tasks = 1
  /// Channels' numbers are their place, times deviations, from this one on.
  var mean: Float = 0.3

  var testDescription: String {
    "\(examples)x\(channels)x\(positions) \(order), mean \(mean), \(tasks) tasks"
  }

  var kernel: ck_channels {
    switch order {
    case .blocks(let block):
      let runs = (channels + block - 1) / block
      return ck_channels(
        channels: channels, examples: examples, example_stride: runs * block * positions,
        runs: runs, run_stride: block * positions, length: block * positions, period: block)
    case .channelsFirst:
      return ck_channels(
        channels: channels, examples: examples, example_stride: channels * positions,
        runs: channels, run_stride: positions, length: positions, period: 1)
    case .channelsLast:
      let count = examples * channels * positions
      return ck_channels(
        channels: channels, examples: 1, example_stride: count, runs: 1, run_stride: 0,
        length: count, period: channels)
    }
  }

  /// Floats of memory, with what fills up blocks.
  var count: Int { kernel.examples * kernel.example_stride }

  /// Where each element of a channel lies.
  func places(of channel: Int) -> [Int] {
    let kernel = kernel
    let (run, first) = (channel / kernel.period, channel % kernel.period)
    return (0..<kernel.examples).flatMap { example in
      stride(from: first, to: kernel.length, by: kernel.period).map {
        example * kernel.example_stride + run * kernel.run_stride + $0
      }
    }
  }
}

/// Its numbers, what the kernels make of them, and what sums in double precision say.
struct NormalizationData {
  let geometry: NormalizationGeometry
  let epsilon: Float = 0.001
  private(set) var input: [Float]
  private(set) var outputGradient: [Float]
  let scale: [Float]
  let shift: [Float]

  init(_ geometry: NormalizationGeometry, seed: UInt64) {
    self.geometry = geometry
    var numbers = RandomNumbers(RandomKey(seed: seed, purpose: .input))
    input = [Float](repeating: 0, count: geometry.count)
    outputGradient = input
    for channel in 0..<geometry.channels {
      for place in geometry.places(of: channel) {
        input[place] = geometry.mean + 1.7 * numbers.uniform(in: -1..<1)
        // Of one sign mostly, so that sums grow.
        outputGradient[place] = numbers.uniform(in: -0.1..<1)
      }
    }
    scale = (0..<geometry.channels).map { _ in numbers.uniform(in: 0.5..<1.5) }
    shift = (0..<geometry.channels).map { _ in numbers.uniform(in: -0.5..<0.5) }
  }

  mutating func setInput(_ value: Float, at place: Int) { input[place] = value }

  mutating func scaleGradient(by slope: Float, where isScaled: (Int) -> Bool) {
    for place in outputGradient.indices where isScaled(place) { outputGradient[place] *= slope }
  }

  struct Result {
    var output: [Float]
    var mean: [Float]
    var variance: [Float]
  }

  private var scratch: [Float] {
    withUnsafePointer(to: geometry.kernel) {
      [Float](repeating: .nan, count: ck_normalization_scratch($0, Int32(geometry.tasks)) + 2)
    }
  }

  func normalize(negativeSlope: Float) -> Result {
    let zeros = [Float](repeating: 0, count: geometry.channels)
    var result = Result(output: input, mean: zeros, variance: zeros)
    // Doubles lie in it.
    var scratch = scratch.withUnsafeBytes { Array($0.bindMemory(to: Double.self)) }
    scratch.withUnsafeMutableBytes { scratch in
      withUnsafePointer(to: geometry.kernel) { kernel in
        result.output.withUnsafeMutableBufferPointer { output in
          ck_normalization(
            kernel, output.baseAddress, output.baseAddress, scale, shift, &result.mean,
            &result.variance, epsilon, negativeSlope,
            scratch.bindMemory(to: Float.self).baseAddress,
            Int32(geometry.tasks), nil)
        }
      }
    }
    return result
  }

  /// The same with statistics that are given.
  func normalize(by statistics: Result, negativeSlope: Float) -> [Float] {
    var output = [Float](repeating: .nan, count: geometry.count)
    withUnsafePointer(to: geometry.kernel) {
      ck_normalization_by(
        $0, &output, input, scale, shift, statistics.mean, statistics.variance, epsilon,
        negativeSlope, Int32(geometry.tasks))
    }
    return output
  }

  struct Gradients: Equatable {
    var input: [Float]
    var scale: [Float]
    var shift: [Float]
  }

  func gradients(_ statistics: Result, negativeSlope: Float) -> Gradients {
    let zeros = [Float](repeating: 0, count: geometry.channels)
    var result = Gradients(input: outputGradient, scale: zeros, shift: zeros)
    var scratch = scratch.withUnsafeBytes { Array($0.bindMemory(to: Double.self)) }
    scratch.withUnsafeMutableBytes { scratch in
      withUnsafePointer(to: geometry.kernel) { kernel in
        result.input.withUnsafeMutableBufferPointer { gradient in
          ck_normalization_gradient(
            kernel, gradient.baseAddress, &result.scale, &result.shift, input,
            gradient.baseAddress, statistics.mean, statistics.variance, scale,
            negativeSlope == 1 ? nil : shift, epsilon, negativeSlope,
            scratch.bindMemory(to: Float.self).baseAddress, Int32(geometry.tasks), nil)
        }
      }
    }
    return result
  }

  // MARK: In double precision

  struct Channel {
    var mean, variance: Double
    /// Sums, and those of absolute terms.
    var scaleGradient, scaleTerms, shiftGradient, shiftTerms: Double
    var output: [Double]
    var inputGradient: [Double]
    /// The largest term of a gradient by an element.
    var inputTerms: Double
  }

  /// - Parameter share: of its gradient that a place passes.
  func reference(_ channel: Int, share: (Int) -> Double) -> Channel {
    let places = geometry.places(of: channel)
    let x = places.map { Double(input[$0]) }
    let dy = places.map { share($0) * Double(outputGradient[$0]) }
    let count = Double(places.count)
    let mean = x.reduce(0, +) / count
    let variance = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
    let inverse = 1 / (variance + Double(epsilon)).squareRoot()
    let normalized = x.map { ($0 - mean) * inverse }
    let products = zip(dy, normalized).map { $0 * $1 }
    let (sum, productSum) = (dy.reduce(0, +), products.reduce(0, +))
    let factor = Double(scale[channel])
    return Channel(
      mean: mean, variance: variance, scaleGradient: productSum,
      scaleTerms: products.reduce(0) { $0 + abs($1) }, shiftGradient: sum,
      shiftTerms: dy.reduce(0) { $0 + abs($1) },
      output: normalized.map { $0 * factor + Double(shift[channel]) },
      inputGradient: zip(dy, normalized).map {
        factor * inverse * ($0 - sum / count - $1 * productSum / count)
      }, inputTerms: factor * inverse * (dy.reduce(0) { max($0, abs($1)) }))
  }
}
