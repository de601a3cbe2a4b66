import Foundation

/// A floating-point format of eight bits or less: a sign, an exponent, a fraction.
///
/// The first four: P. Micikevicius et al., "FP8 Formats for Deep Learning", 2022, and B. Noune et al., "8-bit Numerical Formats
/// for Deep Neural Networks", 2022 (those with one zero, `FNUZ`); the others: OCP Microscaling Formats, version 1.0, 2023.
struct SmallFloat: Hashable, Sendable {
  /// What is no number, and no finite one.
  enum Specials: Hashable, Sendable {
    case none
    /// All bits but the sign.
    case nanOfAllOnes
    /// The sign alone, where zero has none.
    case nanOfNegativeZero
    /// The largest exponent, as in longer formats.
    case infinities
    /// A power of two: no sign, no fraction, no zero.
    case exponentAlone
  }

  let bits: Int
  let fractionBits: Int
  /// What is taken from the exponent.
  let bias: Int
  let specials: Specials

  init?(_ type: ONNXElementType) {
    switch type {
    case .float8E4M3FN: (bits, fractionBits, bias, specials) = (8, 3, 7, .nanOfAllOnes)
    case .float8E4M3FNUZ: (bits, fractionBits, bias, specials) = (8, 3, 8, .nanOfNegativeZero)
    case .float8E5M2: (bits, fractionBits, bias, specials) = (8, 2, 15, .infinities)
    case .float8E5M2FNUZ: (bits, fractionBits, bias, specials) = (8, 2, 16, .nanOfNegativeZero)
    case .float8E8M0: (bits, fractionBits, bias, specials) = (8, 0, 127, .exponentAlone)
    case .float4E2M1: (bits, fractionBits, bias, specials) = (4, 1, 1, .none)
    default: return nil
    }
  }

  /// The number that bits are.
  func value(_ code: Int) -> Float {
    if specials == .exponentAlone {
      return code == 0xFF ? .nan : Self.power(code - bias)
    }
    let magnitude = code & (1 << (bits - 1) - 1)
    let exponent = magnitude >> fractionBits
    let fraction = magnitude & (1 << fractionBits - 1)
    let isNegative = code != magnitude
    let hasLargestExponent = exponent == 1 << (bits - 1 - fractionBits) - 1
    switch specials {
    case .nanOfAllOnes where magnitude == 1 << (bits - 1) - 1: return .nan
    case .nanOfNegativeZero where isNegative && magnitude == 0: return .nan
    case .infinities where hasLargestExponent:
      return fraction > 0 ? .nan : isNegative ? -.infinity : .infinity
    default: break
    }
    let value =
      exponent == 0
      ? Float(fraction) * Self.power(1 - bias - fractionBits)
      : Float(1 << fractionBits + fraction) * Self.power(exponent - bias - fractionBits)
    return isNegative ? -value : value
  }

  /// The largest finite number.
  var largest: Float { (0..<1 << bits).map(value).filter(\.isFinite).max() ?? 0 }

  /// The exponents of numbers that have all bits of the fraction; smaller ones are multiples of the smallest step.
  var exponents: ClosedRange<Int> {
    (specials == .exponentAlone ? -bias : 1 - bias)...Int(largest.exponent)
  }

  /// 2^exponent, exactly.
  static func power(_ exponent: Int) -> Float { Float(scalbn(1.0, exponent)) }
}
