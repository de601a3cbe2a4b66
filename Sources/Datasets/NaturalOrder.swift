/// Whether a name comes before another in the order that people expect: runs of digits compare as
/// numbers, so that "class2" precedes "class10". Independent of the locale; names that differ only
/// in leading zeros keep a fixed order.
package func precedesNaturally(_ first: String, _ second: String) -> Bool {
  // The order of UTF-8 is that of the characters' numbers.
  var (first, second) = (first, second)
  return first.withUTF8 { left in
    second.withUTF8 { right in precedesNaturally(left, right) }
  }
}

private func precedesNaturally(
  _ left: UnsafeBufferPointer<UInt8>, _ right: UnsafeBufferPointer<UInt8>
) -> Bool {
  var (i, j) = (0, 0)
  while i < left.count, j < right.count {
    let leftRun = digits(in: left, from: i)
    let rightRun = digits(in: right, from: j)
    if leftRun.isEmpty || rightRun.isEmpty {
      if left[i] != right[j] { return left[i] < right[j] }
      i += 1
      j += 1
    } else {
      // Without leading zeros the longer run is the larger number.
      let leftDigits = left[leftRun].drop { $0 == zero }
      let rightDigits = right[rightRun].drop { $0 == zero }
      if leftDigits.count != rightDigits.count { return leftDigits.count < rightDigits.count }
      for (a, b) in zip(leftDigits, rightDigits) where a != b { return a < b }
      i = leftRun.upperBound
      j = rightRun.upperBound
    }
  }
  if left.count - i != right.count - j { return left.count - i < right.count - j }
  return left.lexicographicallyPrecedes(right)
}

private let zero = UInt8(ascii: "0")

private func digits(in bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Range<Int> {
  var end = start
  while end < bytes.count, zero...UInt8(ascii: "9") ~= bytes[end] { end += 1 }
  return start..<end
}
