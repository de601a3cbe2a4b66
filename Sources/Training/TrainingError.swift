public import ConvNetFiles

/// Why a training cannot begin or go on.
public enum TrainingError: Error, Hashable, Sendable {
  case invalidSetting(name: String, value: String, requirement: String)
  /// The data has classes that the model has not, or lacks some to train on. Both lists in order.
  case classMismatch(model: [String], data: [String])
  case classCount(model: Int, data: Int)
  /// A number that is not finite, found before it reached the parameters: `what` of `layer` is the first in the order of the
  /// step's computation. The norm is that of the last gradient that was finite, 0 where there was none.
  case nonFinite(what: String, layer: String, step: Int, learningRate: Float, gradientNorm: Double)
  /// A parameter has so many elements that are not finite before the first step.
  case nonFiniteParameter(name: String, count: Int, elements: Int)
  case checkpoint(String)
  /// Every picture to train on is of one class: there is nothing to tell apart.
  case oneClass(name: String, data: String)
  /// No sample could be read; `reason` is that of the last.
  case nothingReadable(data: String, count: Int, reason: String)
  /// Stopped as it was asked to, within this epoch, from 1.
  case stopped(epoch: Int)
}

extension TrainingError: ReadableError {
  public var description: String {
    switch self {
    case .invalidSetting(let name, let value, let requirement):
      "\(name) is \(value), must be \(requirement)"
    case .classMismatch(let model, let data):
      "the model's classes are \(classList(model)); the data's are \(classList(data))"
        + difference("the model", model, data) + difference("the data", data, model)
        + "; use data with the model's classes"
    case .classCount(let model, let data):
      "the model has \(model) classes, the data \(data); build the model for \(data) classes"
    case .nonFinite(let what, let layer, let step, let learningRate, let gradientNorm):
      "\(what) of \(layer) is not finite at step \(step), learning rate \(learningRate), "
        + (gradientNorm > 0
          ? "last finite gradient norm \(gradientNorm)" : "without a finite gradient before")
        + "; the model keeps its values of the last epoch; try a lower learning rate"
    case .nonFiniteParameter(let name, let count, let elements):
      "\(name) has \(count) of \(elements) numbers that are not finite, before the first step; begin "
        + "with other weights"
    case .checkpoint(let text):
      text
    case .oneClass(let name, let data):
      "every picture to train on in \(data) is of the class \(name); a network learns to tell classes apart: give at least two, "
        + "each in a folder of its own"
    case .nothingReadable(let data, let count, let reason):
      "none of the \(count) samples of \(data) can be read; the last: \(reason)"
    case .stopped(let epoch):
      "the training was stopped in epoch \(epoch); the model has its values of "
        + (epoch > 1 ? "epoch \(epoch - 1)" : "the beginning")
    }
  }
}

/// Names as people list them; of many the first.
package func classList(_ names: [String], limit: Int = 20) -> String {
  let shown = names.prefix(limit).joined(separator: ", ")
  return names.count > limit ? "\(shown), ... (\(names.count) in all)" : shown
}

/// What only one side has.
private func difference(_ owner: String, _ names: [String], _ others: [String]) -> String {
  let own = Set(names).subtracting(others)
  return own.isEmpty ? "" : "; only \(owner) has \(classList(names.filter(own.contains), limit: 5))"
}
