import CKernels

/// One update for several batches, by the mean of their gradients, in which every sample counts the same, also those of a batch
/// that is smaller than the others: as a batch of all their samples would give, but for batch normalization and sums in another
/// order. With n samples in a batch and N in all batches up to it,
///
///     m <- m + n / N (g - m)
///
/// Batches are counted through the epochs: those that are left at the end of one are joined by the first of the next.
public struct Accumulation: GradientTransform {
  public static let name = "accumulation"
  private static let mean = "mean"

  /// Batches of an update.
  public var batches: Int

  /// One update for that many batches, at least 1.
  public init(batches: Int) {
    self.batches = batches
  }

  public func validate() throws(TrainingError) {
    try require(batches > 0, "accumulated batches", batches, "at least 1")
  }

  public var slots: [String] { [Self.mean] }

  public func apply(to gradients: inout Gradients) -> UpdateDecision {
    let isLast = (gradients.step + 1).isMultiple(of: batches)
    let share = Float(Double(gradients.samples) / Double(gradients.samplesSinceUpdate))
    gradients.forEachPart { part in
      part.withSpan(andSlot: Self.mean) { gradient, mean in
        gradient.withUnsafeMutableBufferPointer { gradient in
          mean.withUnsafeMutableBufferPointer { mean in
            ck_accumulate(
              mean.baseAddress, gradient.baseAddress, gradient.count, share, isLast)
          }
        }
      }
    }
    return isLast ? .update : .wait
  }

  public var description: String { "gradients of \(batches) batches together" }
}

extension GradientTransform where Self == Accumulation {
  /// ``Accumulation``: one update for so many batches.
  public static func accumulation(batches: Int) -> Self { Accumulation(batches: batches) }
}
