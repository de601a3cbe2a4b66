public import ConvNetFiles

/// Why an ``Augmentation`` is not possible.
public struct AugmentationError: Error, Hashable, Sendable {
  /// What is wrong, with the values that show it.
  public enum Problem: Hashable, Sendable {
    /// A number is out of its range.
    case value(field: String, value: String, requirement: String)
    /// The step stands after one that must come later.
    case order(after: String)
    /// The step works on colors, the network's input has not three channels.
    case channels(Int)
    /// The components of the color shift are neither given nor computed from data.
    case noComponents
    /// There is no step of this name; `suggestions` are the nearest names.
    case unknownStep(suggestions: [String], known: [String])
    /// The step has no such field.
    case unknownField(String, known: [String])
    /// The step is from outside the package, and only a file's description of it is there.
    case notGiven
    /// The step mixes two samples, and one that cannot be read would be left out.
    case leavesOutSamples
    /// A step from outside the package refuses its values.
    case refused(reason: String)
    /// The text is not the JSON of an augmentation.
    case malformed(reason: String)
  }

  /// The step's name; empty where the augmentation cannot be read at all.
  public var step: String
  /// What is wrong with it.
  public var problem: Problem
}

extension AugmentationError: ReadableError {
  public var description: String {
    step.isEmpty ? "augmentation: \(problem)" : "augmentation step \(step): \(problem)"
  }
}

extension AugmentationError.Problem: CustomStringConvertible {
  public var description: String {
    switch self {
    case .value(let field, let value, let requirement):
      "\(field) is \(value), must be \(requirement)"
    case .order(let later):
      "comes before \(later); the order is steps on pixels, colorShift, erasing, mixup and cutMix"
    case .channels(let channels):
      "needs pictures of 3 channels, the network's input has \(channels); leave it out"
    case .noComponents:
      "has no principal components; give them, or compute them from the training data"
    case .unknownStep(let suggestions, let known):
      suggestions.isEmpty
        ? "there is no such step; the steps are \(known.joined(separator: ", "))"
        : "there is no such step; did you mean \(suggestions.joined(separator: " or "))?"
    case .unknownField(let field, let known):
      "has no field \(field); its fields are \(known.joined(separator: ", "))"
    case .notGiven:
      "is from outside the package and only described; train with a program that has it, and give it as .custom(...)"
    case .leavesOutSamples:
      "mixes each sample into another, of which none may be left out; have bad samples replaced, or end the epoch"
    case .refused(let reason):
      reason
    case .malformed(let reason):
      "\(reason); write a list such as [{\"randomCrop\": {\"padding\": 4}}, \"horizontalReflection\"]"
    }
  }
}
