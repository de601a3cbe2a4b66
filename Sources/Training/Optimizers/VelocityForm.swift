import CKernels

/// What the velocity of an optimizer with momentum adds up. The two differ when the learning rate changes.
public enum VelocityForm: String, Hashable, Sendable, Codable, CaseIterable {
  /// Steps, each with the rate of its time: a new rate leaves the old speed. The lecture's form; so are those of Caffe, Keras
  /// and TensorFlow.
  case steps
  /// Gradients, all multiplied by the present rate: a new rate changes the speed at once. PyTorch's form.
  case gradients

  var kernelForm: ck_velocity {
    switch self {
    case .steps: CK_VELOCITY_OF_STEPS
    case .gradients: CK_VELOCITY_OF_GRADIENTS
    }
  }

  /// What an optimizer calls the velocity that it remembers: of the other form it begins anew.
  var slot: String { self == .steps ? "velocity" : "velocity of gradients" }

  /// To be said where it is not the lecture's.
  var words: String { self == .steps ? "" : ", its velocity a sum of gradients" }
}
