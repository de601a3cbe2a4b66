package import ConvNetTensors

extension Tensor {
  /// `float32` elements uniform in a range: a function of seed and shape.
  package static func random(
    _ shape: Shape, seed: UInt64, in range: Range<Float> = -1..<1
  ) -> Tensor {
    var numbers = RandomNumbers(RandomKey(seed: seed, purpose: .input))
    return Tensor((0..<shape.count).map { _ in numbers.uniform(in: range) }, shape: shape)
  }

  /// `int32` classes, one an example.
  package static func randomClasses(_ classes: Int, examples: Int, seed: UInt64) -> Tensor {
    var numbers = RandomNumbers(RandomKey(seed: seed, purpose: .input))
    return Tensor((0..<examples).map { _ in Int32.random(in: 0..<Int32(classes), using: &numbers) })
  }

  /// Rows of a matrix that are each positive with sum one.
  package static func randomDistributions(_ shape: Shape, seed: UInt64) -> Tensor {
    var elements = random(shape, seed: seed, in: 0.1..<1).elements
    for row in 0..<shape[0] {
      let indices = row * shape[1]..<(row + 1) * shape[1]
      let sum = elements[indices].reduce(0, +)
      for index in indices { elements[index] /= sum }
    }
    return Tensor(elements, shape: shape)
  }
}
