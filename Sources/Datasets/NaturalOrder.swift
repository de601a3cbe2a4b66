/// Whether a name comes before another in the order that people expect: runs of digits compare as
/// numbers, so that "class2" precedes "class10". Independent of the locale; names that differ only
/// in leading zeros keep a fixed order.
package func precedesNaturally(_ first: String, _ second: String) -> Bool {
  let (left, right) = (Array(first.unicodeScalars), Array(second.unicodeScalars))
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
      let leftDigits = left[leftRun].drop { $0 == "0" }
      let rightDigits = right[rightRun].drop { $0 == "0" }
      if leftDigits.count != rightDigits.count { return leftDigits.count < rightDigits.count }
      for (a, b) in zip(leftDigits, rightDigits) where a != b { return a < b }
      i = leftRun.upperBound
      j = rightRun.upperBound
    }
  }
  if left.count - i != right.count - j { return left.count - i < right.count - j }
  return first.unicodeScalars.lexicographicallyPrecedes(second.unicodeScalars)
}

private func digits(in scalars: [Unicode.Scalar], from start: Int) -> Range<Int> {
  var end = start
  while end < scalars.count, ("0"..."9").contains(scalars[end]) { end += 1 }
  return start..<end
}
