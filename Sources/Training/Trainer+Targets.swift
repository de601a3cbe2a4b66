import ConvNetDatasets
import ConvNetImages
import ConvNetLayers

extension Trainer {
  /// Has a model tell what the data is told by, and standardize numbers: as it did, as the checkpoint says, or else by the mean
  /// and the deviation of the samples to train on.
  ///
  /// - Throws: ``TrainingError`` where the objective is not for such; ``DatasetError`` where a number never changes.
  func takeTargets(
    of training: any Dataset, for model: inout Model, resuming checkpoint: Checkpoint? = nil
  ) throws {
    try requireObjective(for: training.targetKind)
    model.targetKind = training.targetKind
    guard training.targetKind == .numbers else {
      model.targetScaling = nil
      return
    }
    if let checkpoint { model.targetScaling = checkpoint.state.targetScaling }
    guard model.targetScaling?.isUsable(of: model.classCount) != true else { return }
    // In the order of the outputs.
    let names = model.classNames.isEmpty ? training.classNames : model.classNames
    model.targetScaling = try training.numbered(as: names).map { try TargetScaling(of: $0) }
  }
}
