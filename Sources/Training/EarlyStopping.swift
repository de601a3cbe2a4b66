import ConvNetEvaluation

/// Ends a training whose validation gets no better, and gives back the parameters of its best epoch.
///
/// An epoch is the best whose validation error is the least, of equal ones the first. The training ends `patience` epochs after
/// it, or after the last epoch that was asked for: the model then has the parameters of the best one either way.
public struct EarlyStopping: Hashable, Sendable, Codable {
  /// In epochs.
  public var patience: Int

  /// A training that ends after so many epochs without a better one, at least 1.
  public init(patience: Int) {
    self.patience = patience
  }

  func validate() throws(TrainingError) {
    guard patience > 0 else {
      throw .invalidSetting(
        name: "patience of early stopping", value: "\(patience)", requirement: "at least 1 epoch")
    }
  }

  /// Whether a training with these epochs is over.
  ///
  /// - Parameter first: epochs before those among which the best is looked for.
  func isOver(_ history: [EpochReport], since first: Int = 0) -> Bool {
    guard let best = Array(history.dropFirst(first)).best else { return false }
    return history.count - best.epoch >= patience
  }
}

extension [EpochReport] {
  /// The first of those with the least error; `nil` where there is none.
  package var best: EpochReport? { self.min { $0.error < $1.error } }
}
