import Foundation

/// A temperature that scores are divided by before softmax so that probabilities become calibrated (C. Guo et al., "On
/// Calibration of Modern Neural Networks", 2017, section 4.2): fitted on every second picture, judged on the others.
public struct Temperature: Hashable, Sendable {
  /// Above 1 where the model is too sure.
  public let value: Double
  /// Cross-entropy in nats of the other half, as it was.
  public let lossBefore: Double
  /// The same with the temperature.
  public let lossAfter: Double

  /// Fits a temperature.
  ///
  /// - Parameters:
  ///   - logProbabilities: of each picture.
  ///   - labels: of each picture.
  /// - Returns: `nil` where there are fewer than two pictures, or a score is not finite.
  public init?(fitting logProbabilities: [[Float]], labels: [Int]) {
    let places = logProbabilities.indices.filter { logProbabilities[$0].allSatisfy(\.isFinite) }
    let (own, other) = (
      places.filter { $0 % 2 == 0 }, places.filter { $0 % 2 == 1 }
    )
    guard !own.isEmpty, !other.isEmpty else { return nil }
    func loss(_ logTemperature: Double, _ places: [Int]) -> Double {
      let inverse = exp(-logTemperature)
      var sum = 0.0
      for place in places {
        let row = logProbabilities[place]
        let largest = Double(row.max() ?? 0) * inverse
        var total = 0.0
        for score in row { total += exp(Double(score) * inverse - largest) }
        sum += log(total) + largest - Double(row[labels[place]]) * inverse
      }
      return sum / Double(places.count)
    }
    // The loss has one minimum over the inverse temperature: it is convex there.
    var (low, high) = (log(0.02), log(50.0))
    let ratio = ((5.0).squareRoot() - 1) / 2
    for _ in 0..<60 {
      let (one, two) = (high - ratio * (high - low), low + ratio * (high - low))
      if loss(one, own) < loss(two, own) { high = two } else { low = one }
    }
    let best = (low + high) / 2
    value = exp(best)
    lossBefore = loss(0, other)
    lossAfter = loss(best, other)
  }
}
