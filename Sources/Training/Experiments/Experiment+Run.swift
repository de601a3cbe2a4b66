public import ConvNetDatasets
public import ConvNetEngine
import ConvNetEvaluation
import ConvNetGraphs
import ConvNetImages
import ConvNetInference
public import ConvNetLayers
import ConvNetModels
import ConvNetTensors

extension Experiment {
  /// A training that an experiment consists of.
  public struct Training: Sendable {
    /// The row.
    public var row: Row
    /// Of everything random.
    public var seed: UInt64
    /// The model that it begins with.
    public var model: Model
    /// As the results will say it, without epochs.
    public var run: ExperimentResults.Run
  }

  /// Trains what is not trained yet, the rows of the first seed first.
  ///
  /// - Parameters:
  ///   - results: of the same experiment, data and scale; takes each training when it ends. One whose recipe or network is no
  ///     longer that of its row is done again.
  ///   - train: all pictures that there are to train on: the scale takes its share.
  ///   - test: measured after every epoch.
  ///   - loggers: those that follow a training.
  ///   - ended: told after each training, with its model.
  /// - Throws: what ``Trainer/fit(_:on:validating:epochs:resuming:loggers:)-(_,_,_,_,_,[TrainingLogger])`` throws, but for
  ///   numbers that are not finite, which are a result; ``TrainingError/invalidSetting(name:value:requirement:)`` where the
  ///   results are of other pictures; ``DatasetError``; `GraphError` where a network does not take such
  ///   pictures; what the closures throw.
  public func run(
    _ results: inout ExperimentResults, on train: any Dataset, testing test: any Dataset,
    seeds: some Sequence<UInt64>, compute: ComputeOptions = .init(),
    loading: LoadingOptions = LoadingOptions(),
    loggers: (Training) -> [any TrainingLogger] = { _ in [] },
    ended: (ExperimentResults, Model) throws -> Void = { _, _ in }
  ) throws {
    let scale = results.scale
    let part = try train.share(scale.pictures)
    let test = try test.share(scale.testPictures)
    try results.take(training: part, test: test)
    for seed in seeds {
      for row in rows {
        var training = try training(of: row, seed: seed, for: part, scale, threads: compute.threads)
        if let done = results[row.name, seed], done.isSame(training.run, unlessIn: scale) {
          continue
        }
        if let seconds = scale.seconds {
          let epochs = try training.epochs(
            in: seconds, on: part, compute: compute, loading: loading)
          try training.run.recipe.last(epochs)
        }
        let history = HistoryLogger()
        var model = training.model
        do throws {
          try training.run.recipe.trainer(seed: seed, compute: compute, loading: loading).fit(
            &model, on: part, validating: test, epochs: training.run.recipe.epochs,
            loggers: loggers(training) + [history])
        } catch let error as TrainingError {
          guard case .nonFinite = error else { throw error }
          training.run.failure = error.description
        }
        training.run.history = history.epochs
        results.runs.removeAll { $0.row == row.name && $0.seed == seed }
        results.runs.append(training.run)
        try ended(results, model)
      }
    }
  }

  /// Builds what a training begins with.
  func training(
    of row: Row, seed: UInt64, for train: any Dataset, _ scale: Scale, threads: Int
  ) throws -> Training {
    let shape = train.imageShape
    var options = ModelOptions(
      height: scale.inputSize ?? shape?[0] ?? row.recipe.inputSize,
      width: scale.inputSize ?? shape?[1] ?? row.recipe.inputSize, channels: shape?[2] ?? 3,
      classes: train.classNames.count)
    var recipe = row.recipe
    recipe.apply(to: &options)
    try recipe.last(scale.epochs)
    var notes = recipe.fit(
      height: options.height, width: options.width, channels: options.channels)
    var model = try Model(
      validating: row.network(options), seed: seed, classNames: train.classNames)
    if let share = row.testScale {
      let side = Double(min(options.height, options.width))
      model.preprocessing?.fitting = .centerCrop(shorterSide: Int((side * share).rounded()))
    }
    notes += recipe.unapplied(to: model.graph)
    if let batches = scale.statisticsBatches, recipe.averaging == nil,
      model.graph.hasRunningStatistics
    {
      // An average of the last weights alone: they stay as they are, and have statistics of their own.
      recipe.averaging = .exponential(decay: 0, statisticsBatches: batches)
    }
    return Training(
      row: row, seed: seed, model: model,
      run: ExperimentResults.Run(
        row: row.name, seed: seed, network: model.graph.name,
        parameterCount: model.graph.cost.parameters, recipe: recipe, threads: threads,
        notes: notes))
  }

  /// Measures together what was trained of each row with several seeds.
  ///
  /// - Parameter model: that of a training; `nil` where it was not kept.
  /// - Throws: ``TrainingError/invalidSetting(name:value:requirement:)`` where the trainings were tested on other pictures; what
  ///   reading and computing throws.
  public func measureEnsembles(
    _ results: inout ExperimentResults, on test: any Dataset, compute: ComputeOptions = .init(),
    loading: LoadingOptions = LoadingOptions(), model: (_ row: Row, _ seed: UInt64) throws -> Model?
  ) throws {
    let test = try test.share(results.scale.testPictures)
    try results.requireFit(test: test)
    for row in rows {
      let seeds = results.runs.filter { $0.row == row.name && $0.failure == nil }.map(\.seed)
        .sorted()
      guard seeds.count > 1,
        !results.ensembles.contains(where: { $0.row == row.name && $0.seeds == seeds })
      else { continue }
      let candidates = try seeds.compactMap { seed in
        try model(row, seed).map { model in
          ProtocolEvaluation.Candidate(
            "\(seed)", model,
            views: [try Views.named("prepared", for: model.requiredPreprocessing())]
          )
        }
      }
      guard candidates.count == seeds.count else { continue }
      let evaluation = try ProtocolEvaluation(
        of: candidates, on: test, compute: compute, loading: loading)
      guard let score = evaluation.scores.last else { continue }
      results.ensembles.removeAll { $0.row == row.name }
      results.ensembles.append(
        .init(row: row.name, seeds: seeds, testError: 100 * (1 - score.assessment.top1)))
    }
  }
}

extension Experiment.Training {
  /// As many epochs as fit into some seconds, by the second of two short ones: the first compiles.
  fileprivate func epochs(
    in seconds: Double, on train: any Dataset, compute: ComputeOptions, loading: LoadingOptions
  ) throws -> Int {
    var (model, recipe) = (model, run.recipe)
    try recipe.last(2)
    let trial = try train.share(min(train.count, 40 * recipe.batchSize))
    var rate = 0.0
    try recipe.trainer(seed: seed, compute: compute, loading: loading).fit(
      &model, on: trial, epochs: 2
    ) { rate = $0.imagesPerSecond }
    return max(1, Int(seconds * rate / Double(train.count)))
  }
}

extension ExperimentResults.Run {
  /// Whether another would be the same training; with a scale of seconds its epochs do not count.
  fileprivate func isSame(_ other: Self, unlessIn scale: Experiment.Scale) -> Bool {
    var recipe = recipe
    if scale.seconds != nil { try? recipe.last(other.recipe.epochs) }
    return recipe == other.recipe && network == other.network
      && parameterCount == other.parameterCount
  }
}

extension Dataset {
  /// The same share of each class, of so many samples together, always the same ones; `nil` for all.
  ///
  /// - Throws: ``DatasetError``.
  fileprivate func share(_ samples: Int?) throws -> any Dataset {
    guard let samples, samples < count else { return self }
    return try Holdout(share: Double(samples) / Double(count)).part(.test, of: self)
  }
}

/// Keeps the reports of the epochs.
private final class HistoryLogger: TrainingLogger {
  private(set) var epochs: [EpochReport] = []

  func epochEnded(_ epoch: EpochReport, of training: TrainingInProgress) {
    epochs.append(epoch)
  }
}
