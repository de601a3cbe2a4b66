public import ConvNetDatasets
public import ConvNetEngine
import ConvNetImages
public import ConvNetModels

extension Recipe {
  /// A trainer by this recipe.
  public func trainer(
    seed: UInt64 = 0, compute: ComputeOptions = .init(), loading: LoadingOptions = LoadingOptions()
  ) -> Trainer {
    var trainer = Trainer(
      optimizer: optimizer, schedule: schedule, gradientTransforms: gradientTransforms,
      averaging: averaging, objective: objective, augmentation: augmentation,
      batchSize: batchSize, seed: seed, compute: compute, loading: loading)
    trainer.inputSides = inputSides
    return trainer
  }

  /// Gives a network its dropout and the weight of its auxiliary classifiers; the size of its pictures is
  /// left to who has them.
  public func apply(to options: inout ModelOptions) {
    if let dropout { options.dropout = dropout }
    if let auxiliaryWeight { options.auxiliaryWeight = auxiliaryWeight }
    if let stochasticDepth { options.stochasticDepth = stochasticDepth }
  }

  /// Checks every setting.
  ///
  /// - Throws: ``TrainingError`` or ``LoadingError`` naming the setting that is out of its range.
  public func validate() throws {
    try trainer().validate(epochs: epochs)
    if let dropout, !(0..<1).contains(dropout) {
      throw TrainingError.invalidSetting(
        name: "dropout", value: "\(dropout)", requirement: "from 0 to below 1")
    }
    if let stochasticDepth, !(0..<1).contains(stochasticDepth) {
      throw TrainingError.invalidSetting(
        name: "stochastic depth", value: "\(stochasticDepth)", requirement: "from 0 to below 1")
    }
    if let share = heldOutShare, !(share > 0 && share < 1) {
      throw TrainingError.invalidSetting(
        name: "share held out", value: "\(share)", requirement: "above 0 and below 1")
    }
    if let weight = auxiliaryWeight, !(weight.isFinite && weight >= 0) {
      throw TrainingError.invalidSetting(
        name: "weight of auxiliary classifiers", value: "\(weight)",
        requirement: "a finite number, zero or more")
    }
  }
}
