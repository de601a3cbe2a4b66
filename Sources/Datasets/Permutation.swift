package import ConvNetTensors

/// The order of an epoch: a permutation of `0..<count` that is a function of the key alone, by the
/// shuffle of Fisher and Yates.
package func permutation(of count: Int, key: RandomKey) -> [Int] {
  var order = Array(0..<count)
  var numbers = RandomNumbers(key)
  for last in stride(from: count - 1, to: 0, by: -1) {
    order.swapAt(last, numbers.integer(below: last + 1))
  }
  return order
}
