public import ConvNetFiles

/// Why a training cannot begin or go on.
public enum TrainingError: Error, Hashable, Sendable {
  /// A setting of the optimizer, the schedule, a transform or the trainer is out of its range.
  case invalidSetting(name: String, value: String, requirement: String)
  /// A number that is not finite, found before it reached the parameters: `what` of `layer` is the first in the order of the
  /// step's computation. The norm is that of the last gradient that was finite, 0 where there was none. At step 0 nothing has
  /// moved the parameters: it comes of what the training began with.
  case nonFinite(what: String, layer: String, step: Int, learningRate: Float, gradientNorm: Double)
  /// A parameter has so many elements that are not finite before the first step.
  case nonFiniteParameter(name: String, count: Int, elements: Int)
  /// A file is no checkpoint, or the training that it is of cannot go on as asked; the text says why.
  case checkpoint(String)
  /// Every picture to train on is of one class: there is nothing to tell apart.
  case oneClass(name: String, data: String)
  /// Every picture to train on has the same labels, perhaps none: there is nothing to tell apart.
  case sameLabels([String], data: String)
  /// Processes that shall train together do not agree; the text says on what.
  case processes(String)
  /// Stopped as it was asked to, within this epoch, from 1.
  case stopped(epoch: Int)
}

extension TrainingError: ReadableError {
  public var description: String {
    switch self {
    case .invalidSetting(let name, let value, let requirement):
      "\(name) is \(value), must be \(requirement)"
    case .nonFinite(let what, let layer, 0, _, _):
      "\(what) of \(layer) is not finite at step 0, before any weight has changed: by what the training began with; the model stays as "
        + "it was; begin with other weights, or look at the numbers of the data"
    case .nonFinite(let what, let layer, let step, let learningRate, let gradientNorm):
      "\(what) of \(layer) is not finite at step \(step), learning rate \(learningRate), "
        + (gradientNorm > 0
          ? "last finite gradient norm \(gradientNorm)" : "without a finite gradient before")
        + "; the model keeps the values that it had before this epoch; try a lower learning rate"
    case .nonFiniteParameter(let name, let count, let elements):
      "\(name) has \(count) of \(elements) numbers that are not finite, before the first step; begin "
        + "with other weights"
    case .checkpoint(let text), .processes(let text):
      text
    case .oneClass(let name, let data):
      "every picture to train on in \(data) is of the class \(name); a network learns to tell classes apart: give at least two, "
        + "each in a folder of its own"
    case .sameLabels(let names, let data):
      "every picture to train on in \(data) has "
        + (names.isEmpty
          ? "no label"
          : names.count == 1 ? "the label \(names[0])" : "the same \(names.count) labels")
        + "; a network learns what tells pictures apart: give labels that some have and others have not"
    case .stopped(let epoch):
      "the training was stopped in epoch \(epoch); the model has its values of "
        + (epoch > 1 ? "epoch \(epoch - 1)" : "the beginning")
    }
  }
}
