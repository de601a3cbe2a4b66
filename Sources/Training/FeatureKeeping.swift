import ConvNetDatasets
import ConvNetEngine
import ConvNetEvaluation
import ConvNetFiles
import ConvNetGraphs
import ConvNetImages
import ConvNetInference
package import ConvNetLayers
import ConvNetTensors

/// Whether what a frozen beginning of the network makes of each picture is kept, so that it is computed once and not at every
/// epoch.
///
/// Features are computed in the data set's own order before the first step. So they equal those of a step within the rounding of
/// sums that are added in another order in a batch of another size; two trainings that keep them are the same bytes.
public enum FeatureKeeping: Hashable, Sendable {
  /// In memory, where nothing is done to pictures at random, more than one epoch is to come, and the features take no more than
  /// a quarter of the machine's memory.
  case automatic
  /// Computed at every step.
  case never
  /// In memory.
  case memory
  /// In a file in this folder, which is made where there is none. A training of the same parameters, network, preparation,
  /// batch size and pictures reads it again. Pictures are known by their names, classes and the contents of some: who changes
  /// others removes the file.
  case folder(String)

  /// Whether they are kept wherever they can be, or refused.
  fileprivate var isDemanded: Bool { self != .automatic && self != .never }

  fileprivate var place: FeaturePlace {
    if case .folder(let path) = self { .folder(path) } else { .memory }
  }
}

/// The features of both parts of the data.
struct TrainingFeatures {
  var training: KeptFeatures
  var validation: KeptFeatures?
}

extension Trainer {
  /// Computes what a frozen trunk makes of all pictures, where that is to be kept.
  ///
  /// - Parameters:
  ///   - augmentation: as it is done to these pictures.
  ///   - epochs: that are to come.
  ///   - requireGoing: asked between batches.
  /// - Throws: ``TrainingError/invalidSetting(name:value:requirement:)`` where features are demanded and would be others at every
  ///   epoch, or there are none.
  func features(
    of training: any Dataset, validating validation: (any Dataset)?, _ session: TrainingSession,
    augmentation: Augmentation, epochs: Int, requireGoing: () throws -> Void
  ) throws -> TrainingFeatures? {
    // Several processes would each compute all of them.
    guard featureKeeping != .never, processes == nil, epochs > 0 else { return nil }
    guard let trunk = session.trunk else {
      guard !featureKeeping.isDemanded else {
        throw inputSides.isEmpty ? Self.noFeatures : featuresOfOneSize
      }
      return nil
    }
    guard augmentation.steps.isEmpty else {
      if featureKeeping.isDemanded { try requireSamePictures(augmentation) }
      return nil
    }
    let source = KeptFeatures.Source(
      trunk: trunk.trunk, parameters: session.parameters(of: trunk.trunk),
      preprocessing: try session.model.requiredPreprocessing(), inputName: session.model.inputName,
      batchSize: batchSize,
      options: .init(inputFormat: session.model.dataFormat, compute: compute), loading: loading)
    if featureKeeping == .automatic {
      let (bytes, overflows) = source.byteCount(of: training.count)
        .addingReportingOverflow(source.byteCount(of: validation?.count ?? 0))
      guard epochs > 1, !overflows, Memory.isModest(bytes) else { return nil }
    }
    func kept(_ dataset: any Dataset) throws -> KeptFeatures {
      try KeptFeatures(of: dataset, by: source, in: featureKeeping.place) { _ in
        try requireGoing()
      }
    }
    return TrainingFeatures(
      training: try kept(training), validation: try validation.map(kept))
  }

  /// The names of the parameters that are learned.
  ///
  /// - Throws: ``TrainingError/invalidSetting(name:value:requirement:)`` where a group fits nothing, or nothing is learned.
  package func learnedParameters(of model: Model) throws -> [String] {
    try groups.requireFit(model.graph)
    return model.graph.learnedParameters(groups).map(\.name)
  }

  /// Refuses to keep features of a network that has none, before anything is read.
  package func requireFeatures(of model: Model) throws {
    guard featureKeeping.isDemanded else { return }
    try groups.requireFit(model.graph)
    guard FrozenTrunk(model.graph, groups: groups) != nil else { throw Self.noFeatures }
    guard inputSides.isEmpty else { throw featuresOfOneSize }
    try requireSamePictures(augmentation)
  }

  private func requireSamePictures(_ augmentation: Augmentation) throws {
    guard !augmentation.steps.isEmpty else { return }
    throw TrainingError.invalidSetting(
      name: "what is kept of features", value: "of pictures with augmentation \(augmentation)",
      requirement: "of pictures without augmentation, which makes others of them at every epoch")
  }

  private var featuresOfOneSize: TrainingError {
    .invalidSetting(
      name: "what is kept of features", value: "of pictures whose sides are \(inputSides)",
      requirement: "of pictures of one size")
  }

  private static let noFeatures = TrainingError.invalidSetting(
    name: "what is kept of features", value: "of a network without a frozen beginning",
    requirement: "of one whose first layers are frozen, and so make the same of a picture "
      + "at every epoch")

  /// Gives batches of samples whose features are kept.
  func makeLoader(
    of features: KeptFeatures, _ training: any Dataset, skipped: Set<Int>
  ) throws -> BatchLoader {
    try BatchLoader(
      features.samples(of: training), batchSize: batchSize,
      preprocessing: KeptFeatures.preprocessing(), shuffleSeed: seed, sampling: sampling,
      options: loading, skipped: skipped)
  }

  /// Measures what follows the trunk on kept features.
  func metrics(
    of model: Model, _ trunk: FrozenTrunk, _ features: KeptFeatures, on validation: any Dataset,
    requireGoing: () throws -> Void, sampleSkipped: (SkippedSample) throws -> Void,
    observe: (_ sample: Int, _ label: Int, _ logits: Span<Float>) -> Void
  ) throws -> (metrics: ClassificationMetrics, targets: TargetMetrics?) {
    guard let output = model.mainOutput?.name else { return (ClassificationMetrics(), nil) }
    let needed = Set(trunk.rest.parameters.map { trunk.rest[$0].name })
    let parameters = model.parameters.filter { needed.contains($0.key) }
    func compile(_ batch: Int) throws -> Executable {
      let graph = try trunk.rest.batched(batch)
      return try Executable(
        graph, parameters: parameters,
        options: CompilationOptions(inputFormat: .channelsFirst, compute: compute)
          .suited(to: graph))
    }
    let samples = features.samples(of: validation)
    guard model.targetKind == .classes else {
      return try TargetEvaluation.measure(
        model, on: samples, prepared: KeptFeatures.preprocessing(), loading: loading,
        compile: compile, write: { try features.write($0.sampleIndices, to: &$1) },
        progress: { _ in try requireGoing() }, sampleSkipped: sampleSkipped)
    }
    let metrics = try ClassificationMetrics(
      on: samples, prepared: KeptFeatures.preprocessing(), output: output, loading: loading,
      compile: compile, write: { try features.write($0.sampleIndices, to: &$1) },
      progress: { _ in try requireGoing() }, sampleSkipped: sampleSkipped, observe: observe)
    return (metrics, nil)
  }
}
