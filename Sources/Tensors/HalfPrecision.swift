// Conversions between float32 and the types of two bytes, without branches, so that the compiler
// makes vector code of a loop over them (the processors that we compile for by default have no
// instruction for half precision). None touches a float32 number below 2^-126: the result is the
// same where the processor flushes those to zero.
//
// Rounding is to nearest, ties to even (IEEE 754-2019, 4.3.1). Signs, infinities and the leading
// payload bits of a NaN are kept; a NaN comes out quiet.

private let signMask: UInt32 = 0x8000_0000
private let infinityBits: UInt32 = 0x7F80_0000

/// `float16` (1 sign, 5 exponent and 10 fraction bits) to `float32`: exact.
@inline(__always)
func float32(float16 half: UInt16) -> Float {
  let bits = UInt32(half)
  let magnitude = Int32(truncatingIfNeeded: bits & 0x7FFF)
  // The exponent's bias grows from 15 to 127.
  let normal = UInt32(truncatingIfNeeded: magnitude) << 13 &+ (112 << 23)
  let nonFinite = UInt32(truncatingIfNeeded: magnitude) << 13 | infinityBits
  let notANumber: UInt32 = magnitude > 0x7C00 ? 0x0040_0000 : 0
  // Below the smallest normal number the fraction counts steps of 2^-24.
  let subnormal = (Float(magnitude) * 0x1p-24).bitPattern
  let finite = magnitude < 0x0400 ? subnormal : normal
  let value = magnitude >= 0x7C00 ? nonFinite | notANumber : finite
  return Float(bitPattern: value | (bits & 0x8000) << 16)
}

/// `float32` to `float16`, rounded.
@inline(__always)
func float16(_ value: Float) -> UInt16 {
  let bits = value.bitPattern
  let sign = UInt16(truncatingIfNeeded: (bits & signMask) >> 16)
  let magnitude = Int32(truncatingIfNeeded: bits & ~signMask)
  // Below 2^-14 the result counts steps of 2^-24. So does the fraction of a sum a little above 0.5:
  // the addition itself rounds.
  let subnormal =
    (Float(bitPattern: UInt32(truncatingIfNeeded: magnitude)) + 0.5).bitPattern
    &- (0.5 as Float).bitPattern
  let odd = (magnitude >> 13) & 1
  // The bias shrinks from 127 to 15; a carry out of the fraction raises the exponent, as it must.
  let rounded = (magnitude &- (112 << 23) &+ 0xFFF &+ odd) >> 13
  let payload = (magnitude >> 13) & 0x3FF | 0x7E00
  let large: Int32 = magnitude > Int32(infinityBits) ? payload : 0x7C00
  let finite = magnitude < (113 << 23) ? Int32(truncatingIfNeeded: subnormal) : rounded
  // From 2^16 on; what rounds up to it has become infinity by the carry.
  let result = magnitude >= (143 << 23) ? large : finite
  return sign | UInt16(truncatingIfNeeded: result)
}

/// `bfloat16` (the upper half of a `float32`) to `float32`: exact.
@inline(__always)
func float32(bfloat16 half: UInt16) -> Float {
  let bits = UInt32(half) << 16
  let isNotANumber = bits & ~signMask > infinityBits
  return Float(bitPattern: isNotANumber ? bits | 0x0040_0000 : bits)
}

/// `float32` to `bfloat16`, rounded.
@inline(__always)
func bfloat16(_ value: Float) -> UInt16 {
  let bits = value.bitPattern
  let rounded = (bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16
  let quiet = bits >> 16 | 0x0040
  let isNotANumber = Int32(truncatingIfNeeded: bits & ~signMask) > Int32(infinityBits)
  return UInt16(truncatingIfNeeded: isNotANumber ? quiet : rounded)
}

/// `float64` to a `float32` that rounds again to the same two-byte number as the value itself:
/// where it is not exact its last bit is odd, so it is never half way between two of those
/// (Boldo and Melquiond, "Emulation of FMA and correctly rounded sums", 2008).
@inline(__always)
func oddFloat32(_ value: Double) -> Float {
  let nearest = Float(value)
  let bits = nearest.bitPattern
  let isExact = Double(nearest) == value || value.isNaN
  guard !isExact, bits & 1 == 0 else { return nearest }
  let isTooLarge = Double(nearest).magnitude > value.magnitude
  // Zero has no smaller neighbour; it is too small for any value that it is not equal to.
  return Float(bitPattern: isTooLarge ? bits &- 1 : bits &+ 1)
}
