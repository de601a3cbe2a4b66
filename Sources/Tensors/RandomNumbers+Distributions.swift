import Foundation

extension RandomNumbers {
  /// Uniform in `0..<count`: the high half of a 128-bit product, whose bias is below `count` / 2^64.
  ///
  /// - Precondition: `count` is at least 1.
  package mutating func integer(below count: Int) -> Int {
    precondition(count > 0)
    return Int(next().multipliedFullWidth(by: UInt64(count)).high)
  }

  /// Uniform in [lowerBound, upperBound], up to rounding.
  package mutating func uniform(in range: ClosedRange<Float>) -> Float {
    min(range.upperBound, range.lowerBound + uniform() * (range.upperBound - range.lowerBound))
  }

  /// True with a probability from 0 to 1.
  package mutating func chance(_ probability: Float) -> Bool {
    uniform() < probability
  }

  /// Uniform in (0, 1), with 53 bits.
  private mutating func preciseUniform() -> Double {
    (Double(next() >> 11) + 0.5) * 0x1p-53
  }

  /// From the symmetric distribution Beta(`shape`, `shape`): a gamma number's share in the sum of
  /// two.
  ///
  /// - Precondition: `shape` is above zero.
  package mutating func beta(_ shape: Double) -> Double {
    let first = logarithmOfGamma(shape)
    let second = logarithmOfGamma(shape)
    // As logarithms, since small shapes make numbers that would be zero.
    return 1 / (1 + exp(second - first))
  }

  /// The logarithm of a number from Gamma(`shape`, 1), by the method of Marsaglia and Tsang ("A
  /// Simple Method for Generating Gamma Variables", 2000), with their step for shapes below one.
  private mutating func logarithmOfGamma(_ shape: Double) -> Double {
    if shape < 1 {
      return logarithmOfGamma(shape + 1) + log(preciseUniform()) / shape
    }
    let d = shape - 1.0 / 3
    let c = 1 / (9 * d).squareRoot()
    while true {
      let x = Double(normal())
      let base = 1 + c * x
      guard base > 0 else { continue }
      let v = base * base * base
      if log(preciseUniform()) < 0.5 * x * x + d - d * v + d * log(v) { return log(d * v) }
    }
  }
}
