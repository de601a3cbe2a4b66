extension OptimizerStep {
  /// Lends what a vector pass of `CKernels` reads and writes; the slots in the order of their names.
  func withPointers(
    _ weights: inout MutableSpan<Float>, _ gradient: Span<Float>, _ slots: [String],
    _ body: (
      _ weights: UnsafeMutablePointer<Float>, _ gradient: UnsafePointer<Float>,
      _ slots: [UnsafeMutablePointer<Float>], _ count: Int
    ) -> Void
  ) {
    // A closure would take what cannot be copied.
    var places: [UnsafeMutablePointer<Float>] = []
    for slot in slots { places.append(address(of: slot)) }
    gradient.withUnsafeBufferPointer { gradient in
      weights.withUnsafeMutableBufferPointer { weights in
        guard let first = weights.baseAddress, let slope = gradient.baseAddress else { return }
        body(first, slope, places, weights.count)
      }
    }
  }
}

extension Optimizer {
  func requireMomentum(_ momentum: Float) throws(TrainingError) {
    try require((0..<1).contains(momentum), "momentum", momentum, "from 0 to below 1")
  }

  func requireDecay(_ weightDecay: Float) throws(TrainingError) {
    try require(
      weightDecay.isFinite && weightDecay >= 0, "weight decay", weightDecay,
      "a finite number, zero or more")
  }

  func requireEpsilon(_ epsilon: Float) throws(TrainingError) {
    try require(epsilon.isFinite && epsilon > 0, "epsilon", epsilon, "a finite number above zero")
  }
}
