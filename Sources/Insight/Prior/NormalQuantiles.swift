import CKernels
import ConvNetTensors
import Foundation

/// Normal random numbers for every element of an input at every step: so many that they are looked up. Each of 2^16 numbers is as
/// likely as the others; together they have the standard normal distribution, up to 4.2 deviations.
package enum NormalQuantiles {
  /// The number below which the share (i + 1/2) / 2^16 of the distribution lies, scaled so that their variance is 1.
  package static let values: [Float] = {
    let count = 1 << 16
    var upper: [Double] = []
    var x = 0.0
    for place in 0..<count / 2 {
      let share = 0.5 + (Double(place) + 0.5) / Double(count)
      // From the quantile before it, some steps of Newton's method.
      for _ in 0..<50 {
        let excess = 0.5 * erfc(-x / 2.0.squareRoot()) - share
        let step = excess / (exp(-x * x / 2) / (2 * Double.pi).squareRoot())
        x -= step
        if abs(step) < 1e-13 { break }
      }
      upper.append(x)
    }
    let variance = 2 * upper.reduce(0) { $0 + $1 * $1 } / Double(count)
    let scaled = upper.map { Float($0 / variance.squareRoot()) }
    return scaled.reversed().map { -$0 } + scaled
  }()

  /// result <- x + deviation times normal numbers, keyed by seed and step.
  package static func perturb(
    _ result: inout MutableSpan<Float>, _ x: [Float], deviation: Float, seed: UInt64, step: Int,
    threads: Int
  ) {
    let key: [UInt32] = [
      UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32),
    ]
    let counter: [UInt32] = [
      0, UInt32(truncatingIfNeeded: step), RandomPurpose.perturbation.rawValue,
    ]
    precondition(result.count == x.count)
    result.withUnsafeMutableBufferPointer { result in
      ck_add_noise(
        result.baseAddress, x, x.count, deviation, values, key, counter, Int32(clamping: threads))
    }
  }
}
