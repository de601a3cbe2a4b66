public import ConvNetImages
import ConvNetTensors
import Foundation

/// How alike two pictures of the same extents are.
public struct PictureSimilarity: Hashable, Sendable, Codable {
  /// The peak signal-to-noise ratio in decibels: 10 log10(1 / mean squared difference), of numbers from 0 to 1. Infinite for
  /// pictures that are the same.
  public var peakSignalToNoise: Double
  /// The structural similarity, at most 1 (Z. Wang, A. Bovik, H. Sheikh, E. Simoncelli, "Image Quality Assessment: From Error
  /// Visibility to Structural Similarity", 2004): the mean over channels and positions, in windows of 11x11 of a Gaussian of
  /// deviation 1.5, with K1 = 0.01 and K2 = 0.03. `nil` for pictures that are smaller than a window.
  public var structuralSimilarity: Double?

  /// The likeness of two pictures, each value divided by 255.
  ///
  /// - Throws: ``InsightError/extents(what:actual:expected:)`` where they differ in extents.
  public init(_ picture: Image, _ reference: Image) throws {
    let channels = min(picture.channels, 3)
    let other = reference.converted(toChannels: channels)
    guard picture.height == reference.height, picture.width == reference.width else {
      throw InsightError.extents(
        what: "the reference", actual: [reference.width, reference.height],
        expected: [picture.width, picture.height])
    }
    self.init(
      PriorProblem.planes(of: picture.converted(toChannels: channels)).elements,
      PriorProblem.planes(of: other).elements, height: picture.height, width: picture.width)
  }

  /// The same of numbers from 0 to 1, channels first.
  init(_ picture: [Float], _ reference: [Float], height: Int, width: Int) {
    peakSignalToNoise = Self.peakSignalToNoise(picture, reference)
    structuralSimilarity = Self.structuralSimilarity(
      picture, reference, height: height, width: width)
  }

  static func peakSignalToNoise(_ picture: [Float], _ reference: [Float]) -> Double {
    var sum = 0.0
    for index in picture.indices {
      let difference = Double(picture[index]) - Double(reference[index])
      sum += difference * difference
    }
    return -10 * log10(sum / Double(max(1, picture.count)))
  }

  private static let radius = 5

  private static let window: [Double] = {
    let weights = (-radius...radius).map { exp(-Double($0 * $0) / (2 * 1.5 * 1.5)) }
    let sum = weights.reduce(0, +)
    return weights.map { $0 / sum }
  }()

  private static func structuralSimilarity(
    _ picture: [Float], _ reference: [Float], height: Int, width: Int
  ) -> Double? {
    let (rows, columns) = (height - 2 * radius, width - 2 * radius)
    guard rows > 0, columns > 0 else { return nil }
    let plane = height * width
    let channels = picture.count / plane
    let (c1, c2) = (0.01 * 0.01, 0.03 * 0.03)
    var sum = 0.0
    for channel in 0..<channels {
      let x = picture[channel * plane..<(channel + 1) * plane].map(Double.init)
      let y = reference[channel * plane..<(channel + 1) * plane].map(Double.init)
      func blurred(_ values: [Double]) -> [Double] { blur(values, height: height, width: width) }
      let (meanX, meanY) = (blurred(x), blurred(y))
      let squaresX = blurred(x.map { $0 * $0 })
      let squaresY = blurred(y.map { $0 * $0 })
      let products = blurred(zip(x, y).map { $0 * $1 })
      for index in meanX.indices {
        let (a, b) = (meanX[index], meanY[index])
        let (varianceX, varianceY) = (squaresX[index] - a * a, squaresY[index] - b * b)
        let covariance = products[index] - a * b
        sum +=
          (2 * a * b + c1) * (2 * covariance + c2)
          / ((a * a + b * b + c1) * (varianceX + varianceY + c2))
      }
    }
    return sum / Double(channels * rows * columns)
  }

  /// Weighted means in windows that lie within the plane, first along rows.
  private static func blur(_ values: [Double], height: Int, width: Int) -> [Double] {
    let (rows, columns) = (height - 2 * radius, width - 2 * radius)
    var lines = [Double](repeating: 0, count: height * columns)
    for row in 0..<height {
      for column in 0..<columns {
        var sum = 0.0
        for (tap, weight) in window.enumerated() {
          sum += weight * values[row * width + column + tap]
        }
        lines[row * columns + column] = sum
      }
    }
    var result = [Double](repeating: 0, count: rows * columns)
    for row in 0..<rows {
      for (tap, weight) in window.enumerated() {
        for column in 0..<columns {
          result[row * columns + column] += weight * lines[(row + tap) * columns + column]
        }
      }
    }
    return result
  }
}
