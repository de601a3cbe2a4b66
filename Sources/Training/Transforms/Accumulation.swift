import CKernels

/// One update for several batches, by the mean of their gradients: as a batch of all their samples would give, but for batch
/// normalization, sums in another order, and a batch that is smaller than the others, whose samples then count for more.
///
/// Batches are counted through the epochs: those that are left at the end of one are joined by the first of the next.
public struct Accumulation: GradientTransform {
  public static let name = "accumulation"
  private static let sum = "sum"

  /// Batches of an update.
  public var batches: Int

  /// One update for that many batches, at least 1.
  public init(batches: Int) {
    self.batches = batches
  }

  public func validate() throws(TrainingError) {
    try require(batches > 0, "accumulated batches", batches, "at least 1")
  }

  public var slots: [String] { [Self.sum] }

  public func apply(to gradients: inout Gradients) -> UpdateDecision {
    let isLast = (gradients.step + 1).isMultiple(of: batches)
    let share = 1 / Float(batches)
    gradients.forEachPart { part in
      part.withSpan(andSlot: Self.sum) { gradient, sum in
        gradient.withUnsafeMutableBufferPointer { gradient in
          sum.withUnsafeMutableBufferPointer { sum in
            ck_accumulate(
              sum.baseAddress, gradient.baseAddress, gradient.count, share, isLast)
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
