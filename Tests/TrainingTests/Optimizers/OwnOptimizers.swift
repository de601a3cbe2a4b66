import ConvNetTraining

// Optimizers as somebody outside the package would write them: with what is public alone.

/// m <- 0.9 m + 0.1 g, v <- 0.999 v + 0.001 g^2, w <- w - rate m / (1 - 0.9^t) / (sqrt(v / (1 - 0.999^t)) + epsilon)
/// (D. Kingma, J. Ba, "Adam", 2015).
struct OwnAdam: Optimizer {
  static let name = "test.adam"
  var epsilon: Float = 1e-8
  var slots: [String] { ["mean", "variance"] }
  var updatesElementsSeparately: Bool { true }

  func update(
    _ weights: inout MutableSpan<Float>, gradient: Span<Float>, in step: borrowing OptimizerStep
  ) {
    var (first, second) = (1 as Float, 1 as Float)
    for _ in 0..<step.number { (first, second) = (first * 0.9, second * 0.999) }
    let rate = step.learningRate / (1 - first)
    step.withSlots("mean", "variance") { mean, variance in
      for index in weights.indices {
        mean[index] += 0.1 * (gradient[index] - mean[index])
        variance[index] += 0.001 * (gradient[index] * gradient[index] - variance[index])
        weights[index] -=
          rate * mean[index] / ((variance[index] / (1 - second)).squareRoot() + epsilon)
      }
    }
  }
}

/// w <- w - rate g / |g|, with the length of the whole parameter's gradient.
struct UnitLength: Optimizer {
  static let name = "test.unitLength"
  var slots: [String] { [] }
  var updatesElementsSeparately: Bool { false }

  func update(
    _ weights: inout MutableSpan<Float>, gradient: Span<Float>, in step: borrowing OptimizerStep
  ) {
    var squares: Float = 0
    for index in gradient.indices { squares += gradient[index] * gradient[index] }
    for index in weights.indices {
      weights[index] -= step.learningRate * gradient[index] / squares.squareRoot()
    }
  }
}
