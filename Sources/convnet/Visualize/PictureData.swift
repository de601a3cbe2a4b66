import ArgumentParser
import ConvNet
import Foundation

/// The pictures that a command goes through.
struct PictureData: ParsableArguments {
  @OptionGroup var data: DataOptions
  @Option(help: ArgumentHelp("So many pictures at most, evenly from all.", valueName: "n"))
  var limit: Int?
  @Option(help: "Pictures at once.") var batchSize = 32
  @OptionGroup(title: "Loading") var loading: LoadingArguments

  func validate() throws {
    try requirePositive(batchSize, "--batch-size")
    if let limit { try requirePositive(limit, "--limit") }
  }

  /// - Parameter usual: pictures at most, where --limit says nothing.
  func dataset(for model: Model, usual: Int? = nil, _ shared: SharedOptions) throws -> any Dataset {
    try data.pictures(for: model, limit: limit ?? usual, shared)
  }

  /// What a layer makes of each of some pictures. Shows how far it is; a signal ends it.
  func features(
    of dataset: any Dataset, by model: Model, layer: String?, averaging: Bool,
    _ compute: ComputeArguments, _ shared: SharedOptions
  ) throws -> (values: Tensor, samples: [Int]) {
    let progress = Progress("computing", total: dataset.count, shared, after: 1)
    Interruption.deferSignals()
    let features = try model.features(
      of: dataset, layer: layer, averaging: averaging, batchSize: batchSize,
      compute: compute.options(shared), loading: loading.options
    ) {
      progress.update($0)
      try requireUninterrupted($0, of: dataset.count, "picture")
    }
    progress.finish()
    return features
  }
}

extension DataOptions {
  /// The pictures that a model is looked at with, those that it was not trained on where there are such.
  ///
  /// - Parameter limit: so many at most, evenly from all.
  func pictures(for model: Model, limit: Int?, _ shared: SharedOptions) throws -> any Dataset {
    let dataset = try EvaluatedPart(
      of: source(), for: model, given: holdout(seed: shared.seed), threads: shared.threadCount
    ).dataset
    let wanted = limit ?? dataset.count
    guard wanted < dataset.count else { return dataset }
    return dataset.selecting((0..<wanted).map { $0 * dataset.count / wanted })
  }

  /// A model file as it is; a network of the zoo built for the data's classes.
  func model(
    _ file: String, _ weights: WeightsOptions, _ network: NetworkOptions, _ shared: SharedOptions
  ) throws -> Model {
    let source = try ModelSource(file, recognizingFor: shared)
    guard case .zoo = source else { return try weights.model(from: source, shared, network) }
    let names = try self.source().load(.test).classNames
    return try weights.model(from: source, shared, network, classNames: names)
  }
}

/// Ends at a signal, with what was done.
func requireUninterrupted(_ done: Int, of total: Int, _ noun: String) throws {
  guard let signal = Interruption.signal else { return }
  throw Interrupted(signal: signal, outcome: "\(done) of \(plural(total, noun)) were done")
}
