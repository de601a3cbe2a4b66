package import ConvNetTensors

/// The order of an epoch: a permutation of `0..<count` that is a function of the key alone, by the
/// shuffle of Fisher and Yates.
package func permutation(of count: Int, key: RandomKey) -> [Int] {
  var order = Array(0..<count)
  var numbers = RandomNumbers(key)
  for last in stride(from: count - 1, to: 0, by: -1) {
    // The high half of a 128-bit product maps 64 bits to 0...last; its bias, below 2^-32 for any
    // data set that fits a disk, is of no consequence.
    let chosen = Int(numbers.next().multipliedFullWidth(by: UInt64(last + 1)).high)
    order.swapAt(last, chosen)
  }
  return order
}
