import ConvNetFiles
public import ConvNetImages
import ConvNetTensors

/// What the pictures of a data set are like: mean, deviation and principal components of their
/// colors, and the mean picture.
public struct DatasetStatistics: Sendable {
  /// Pictures that were counted.
  public let count: Int
  /// One a channel, of values from 0 to 1.
  public let mean: [Float]
  /// Of all pixels, one a channel, of values from 0 to 1.
  public let deviation: [Float]
  /// Of the colors; `nil` where pictures are grey.
  public let principalComponents: PrincipalComponents?
  /// The mean of all pictures after resizing.
  public let meanPicture: MeanPicture

  /// Counts pictures, each resized to the network's input.
  ///
  /// - Parameters:
  ///   - preprocessing: extents, channels and background; nothing is normalized.
  ///   - limit: of more pictures so many are drawn at random, always the same.
  ///   - badSamples: other than ``BadSamplePolicy/stop``, those that cannot be read are not counted.
  /// - Throws: what reading a sample throws; ``DatasetError`` where none can be read.
  public init(
    of dataset: any Dataset, preprocessing: Preprocessing, limit: Int = 10_000,
    workers: Int, badSamples: BadSamplePolicy = .stop
  ) throws {
    let samples = Self.samples(of: dataset.count, limit: limit)
    let (height, width, channels) = (
      preprocessing.height, preprocessing.width, preprocessing.channels
    )
    let states = try Threads.share(
      samples.count, among: workers, for: "reading",
      initial: State(height: height, width: width, channels: channels)
    ) { place, state in
      do {
        state.canvas.load(try dataset.sample(at: samples[place]).image)
      } catch {
        guard badSamples == .stop else { return }
        throw error
      }
      state.canvas.convert(toChannels: channels, background: preprocessing.background)
      state.canvas.fitWholly(preprocessing)
      state.sums.add(state.canvas)
    }
    var sums = states[0].sums
    for state in states.dropFirst() { sums.add(state.sums) }
    guard sums.count > 0 else { throw DatasetError(dataset: dataset.name, problem: .empty) }
    count = sums.count
    mean = sums.mean.map { Float($0) }
    deviation = sums.covariance.indices.map { Float(sums.covariance[$0][$0].squareRoot()) }
    principalComponents =
      channels == 3 ? PrincipalComponents(covariance: sums.covariance) : nil
    meanPicture = MeanPicture(
      height: height, width: width, channels: channels, values: sums.meanValues)
  }

  private static func samples(of count: Int, limit: Int) -> [Int] {
    guard count > limit else { return Array(0..<count) }
    return Array(permutation(of: count, key: RandomKey(seed: 0, purpose: .split)).prefix(limit))
  }
}

extension Augmentation {
  /// The same with the principal components of a data set's colors, where a color shift needs
  /// them.
  ///
  /// - Throws: ``AugmentationError`` where the input has no colors; what reading a sample throws.
  public func resolved(
    on dataset: any Dataset, preprocessing: Preprocessing, options: LoadingOptions, threads: Int
  ) throws -> Augmentation {
    try validate(channels: preprocessing.channels)
    guard needsPrincipalComponents else { return self }
    let statistics = try DatasetStatistics(
      of: dataset, preprocessing: preprocessing, workers: options.workers ?? threads,
      badSamples: options.badSamples)
    return statistics.principalComponents.map { resolved(with: $0) } ?? self
  }
}

/// What a thread works with.
private struct State: Sendable {
  var sums: PixelSums
  var canvas = Canvas()

  init(height: Int, width: Int, channels: Int) {
    sums = PixelSums(height: height, width: width, channels: channels)
  }
}

/// Sums over pictures of the same extents: of integers, so that their order is of no consequence.
private struct PixelSums: Sendable {
  let channels: Int
  private(set) var count = 0
  private var values: [UInt64]
  /// Of the products of two channels' values.
  private var products: [UInt64]

  init(height: Int, width: Int, channels: Int) {
    self.channels = channels
    values = [UInt64](repeating: 0, count: height * width * channels)
    products = [UInt64](repeating: 0, count: channels * channels)
  }

  mutating func add(_ canvas: Canvas) {
    canvas.withPixels { add($0) }
  }

  private mutating func add(_ pixels: UnsafeBufferPointer<UInt8>) {
    count += 1
    values.withUnsafeMutableBufferPointer { values in
      for index in values.indices { values[index] &+= UInt64(pixels[index]) }
    }
    for first in 0..<channels {
      for second in first..<channels {
        var sum: UInt64 = 0
        for index in stride(from: 0, to: values.count, by: channels) {
          sum &+= UInt64(pixels[index &+ first]) &* UInt64(pixels[index &+ second])
        }
        products[first * channels + second] += sum
      }
    }
  }

  mutating func add(_ other: PixelSums) {
    count += other.count
    for index in values.indices { values[index] += other.values[index] }
    for index in products.indices { products[index] += other.products[index] }
  }

  private var pixelCount: Double { Double(count * values.count / channels) }

  /// Of each channel, values from 0 to 1.
  var mean: [Double] {
    (0..<channels).map { channel in
      var sum = 0.0
      for index in stride(from: channel, to: values.count, by: channels) {
        sum += Double(values[index])
      }
      return sum / pixelCount / 255
    }
  }

  var covariance: [[Double]] {
    let mean = mean
    return (0..<channels).map { row in
      (0..<channels).map { column in
        let sum = products[min(row, column) * channels + max(row, column)]
        return max(
          row == column ? 0 : -.infinity,
          Double(sum) / pixelCount / (255 * 255) - mean[row] * mean[column])
      }
    }
  }

  /// The mean of each value over the pictures, from 0 to 1.
  var meanValues: [Float] { values.map { Float(Double($0) / Double(count) / 255) } }
}
