/// Why a training cannot begin or go on.
public enum TrainingError: Error, Hashable, Sendable {
  case invalidSetting(name: String, value: String, requirement: String)
  /// The model has other classes than the data. Both lists in order.
  case classMismatch(model: [String], data: [String])
  case classCount(model: Int, data: Int)
  /// A number that is not finite, found before it reached the parameters.
  case nonFinite(what: String, layer: String, step: Int, learningRate: Float, gradientNorm: Double)
  case checkpoint(String)
}

extension TrainingError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .invalidSetting(let name, let value, let requirement):
      "\(name) is \(value), must be \(requirement)"
    case .classMismatch(let model, let data):
      "the model's classes are \(model.joined(separator: ", ")); the data's are "
        + "\(data.joined(separator: ", ")); use data with the model's classes"
    case .classCount(let model, let data):
      "the model has \(model) classes, the data \(data); build the model for \(data) classes"
    case .nonFinite(let what, let layer, let step, let learningRate, let gradientNorm):
      "\(what) of \(layer) is not finite at step \(step), learning rate \(learningRate), gradient "
        + "norm \(gradientNorm); the model keeps its values of the last epoch; try a lower learning rate"
    case .checkpoint(let text):
      text
    }
  }
}
