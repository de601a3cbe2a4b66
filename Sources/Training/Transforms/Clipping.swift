import CKernels

/// All gradients made shorter together where their length is above a limit, in the same direction (R. Pascanu et al., "On the
/// difficulty of training recurrent neural networks", 2013):
///
///     g <- g min(1, limit / |g|)
///
/// with |g| the Euclidean length of the gradient by all parameters.
public struct NormClipping: GradientTransform {
  public static let name = "normClipping"

  /// The greatest length, above zero.
  public var limit: Float

  /// A clipping to that length.
  public init(limit: Float) {
    self.limit = limit
  }

  public func validate() throws(TrainingError) {
    try require(limit.isFinite && limit > 0, "largest norm", limit, "a finite number above zero")
  }

  public func apply(to gradients: inout Gradients) -> UpdateDecision {
    let norm = gradients.norm
    if norm > Double(limit) { gradients.scale(by: Float(Double(limit) / norm)) }
    return .update
  }

  public var description: String { "gradients of a norm up to \(limit)" }
}

/// Every element of the gradients held between -limit and limit.
public struct ValueClipping: GradientTransform {
  public static let name = "valueClipping"

  /// The greatest absolute value, above zero.
  public var limit: Float

  /// A clipping to between -limit and limit.
  public init(limit: Float) {
    self.limit = limit
  }

  public func validate() throws(TrainingError) {
    try require(
      limit.isFinite && limit > 0, "largest gradient", limit, "a finite number above zero")
  }

  public func apply(to gradients: inout Gradients) -> UpdateDecision {
    gradients.forEachPart { part in
      part.withSpan { elements in
        elements.withUnsafeMutableBufferPointer {
          ck_clamp($0.baseAddress, $0.count, limit)
        }
      }
    }
    return .update
  }

  public var description: String { "gradients from -\(limit) to \(limit)" }
}

extension GradientTransform where Self == NormClipping {
  /// ``NormClipping``: g <- g min(1, limit / |g|).
  public static func clipping(norm limit: Float) -> Self { NormClipping(limit: limit) }
}

extension GradientTransform where Self == ValueClipping {
  /// ``ValueClipping``: every element held between -limit and limit.
  public static func clipping(values limit: Float) -> Self { ValueClipping(limit: limit) }
}
