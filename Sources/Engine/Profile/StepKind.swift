import COneDNN
import ConvNetTensors

/// What kind of work a step does: what a profile is summed up by.
public enum StepKind: String, Hashable, Sendable, Codable, CaseIterable {
  /// A convolution by Winograd's minimal filtering, in our kernels or the library's. Its multiplications are counted as those
  /// of the direct sum, of which it does a part: all that the machine's limit counts.
  case winograd
  /// A convolution with a window of one element, as the sum is written, and a depthwise one that computes it on the way.
  case pointwise = "direct 1x1"
  /// Any other convolution by the library, as the sum is written.
  case direct
  /// A convolution by our kernels for few channels.
  case fewChannels = "few channels"
  /// A dense layer, or its gradient.
  case dense
  /// Maxima or means under a window, and their gradients.
  case pooling
  /// Batch normalization and local response normalization, forward and backward.
  case normalization
  /// A nonlinearity by itself, where it could not be fused.
  case activation
  /// Sums and products of values, element by element; dropout.
  case elementwise
  /// Branches brought into one value.
  case concatenation
  /// A copy from one layout to another.
  case reorder
  /// The packing of weights in a kernel's own order.
  case packing = "weight packing"
  /// Slices, padding, resampling, constants.
  case movement
  /// Softmax, cross-entropy and other errors, forward and backward.
  case loss
  /// An operation from outside the package, by its own kernel.
  case custom

  /// Whether multiplications of an operation are counted for its steps of this kind.
  var multiplies: Bool {
    switch self {
    case .winograd, .pointwise, .direct, .fewChannels, .dense: true
    case .pooling, .normalization, .activation, .elementwise, .concatenation, .reorder, .packing,
      .movement, .loss, .custom:
      false
    }
  }

  /// Of a primitive of the library.
  init(_ primitive: Primitive, _ arguments: [(cdnn_argument, Place)]) {
    switch primitive.kind {
    case CDNN_KIND_CONVOLUTION:
      let extents = arguments.first { $0.0 == CDNN_WEIGHTS || $0.0 == CDNN_DIFF_WEIGHTS }
        .map(\.1.layout.shape.dimensions)
      let axes = (arguments.first?.1.layout.shape.rank ?? 2) - 2
      let isPointwise = (extents?.suffix(axes) ?? []).allSatisfy { $0 == 1 }
      self = primitive.implementation.isWinograd ? .winograd : isPointwise ? .pointwise : .direct
    case CDNN_KIND_INNER_PRODUCT: self = .dense
    case CDNN_KIND_LRN: self = .normalization
    case CDNN_KIND_ELTWISE: self = .activation
    case CDNN_KIND_BINARY, CDNN_KIND_SUM: self = .elementwise
    case CDNN_KIND_CONCAT: self = .concatenation
    case CDNN_KIND_SOFTMAX: self = .loss
    case CDNN_KIND_REORDER: self = .reorder
    default: self = .movement
    }
  }
}
