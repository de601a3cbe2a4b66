public import ConvNetFiles
public import ConvNetImages

/// Why a model cannot be trained or measured on data.
public enum EvaluationError: Error, Hashable, Sendable {
  /// The data has classes that the model has not, or lacks some to train on. Both lists in order.
  case classMismatch(model: [String], data: [String])
  /// The model and the data have different numbers of classes.
  case classCount(model: Int, data: Int)
  /// A member of an ensemble has other classes than the first. Both lists in order.
  case memberClasses(first: String, [String], other: String, [String])
  /// What an evaluation shall go on from is of other models, protocols or pictures.
  case otherProgress
  /// The model tells something else than the data knows.
  case otherKind(model: TargetKind, data: TargetKind)
  /// The model tells labels or numbers, and accuracy is of classes.
  case noClasses(TargetKind)
  /// The model tells classes, and labels or numbers are to be measured.
  case classesAlone
  /// The data lacks numbers that the model tells, or has labels that it does not tell. Both lists in order.
  case otherTargets(TargetKind, model: [String], data: [String])
  /// Processes that would measure something else than each other, or cannot measure it together, in words.
  case processes(String)
  /// A picture cannot be read, as the process says that tried; the same in all.
  case unreadable(reason: String)
  /// No sample could be read; `reason` is that of the last.
  case nothingReadable(data: String, count: Int, reason: String)
}

extension EvaluationError: ReadableError {
  public var description: String {
    switch self {
    case .classMismatch(let model, let data):
      "the model's classes are \(classList(model)); the data's are \(classList(data))"
        + difference("the model", model, data) + difference("the data", data, model)
        + "; use data with the model's classes"
    case .classCount(let model, let data):
      "the model has \(model) classes, the data \(data); build the model for \(data) classes"
    case .memberClasses(let first, let names, let other, let others):
      "the classes of \(first) are \(classList(names)); those of \(other) are \(classList(others))"
        + difference(first, names, others) + difference(other, others, names)
        + "; an ensemble is of models with the same classes"
    case .otherProgress:
      "what was kept of an evaluation is of other models, protocols or pictures; begin anew"
    case .otherKind(let model, let data):
      "the model tells \(model.rawValue), the data knows \(data.rawValue); use data with \(model.rawValue), or another model"
    case .noClasses(let kind):
      "the model tells \(kind.rawValue), and accuracy and confusions are of classes; measure it by a TargetEvaluation"
    case .classesAlone:
      "the model tells classes, and this measures labels and numbers; measure it by an Evaluation"
    case .otherTargets(let kind, let model, let data):
      "the model's \(kind.rawValue) are \(classList(model)); the data's are \(classList(data))"
        + difference("the model", model, data) + difference("the data", data, model)
        + (kind == .numbers
          ? "; use data that has all of the model's"
          : "; use data with the model's \(kind.rawValue)")
    case .processes(let text), .unreadable(let text): text
    case .nothingReadable(let data, let count, let reason):
      count == 1
        ? "the only sample of \(data) cannot be read: \(reason)"
        : "none of the \(count) samples of \(data) can be read; the last: \(reason)"
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
