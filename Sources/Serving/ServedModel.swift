package import ConvNetEngine
import ConvNetEvaluation
import ConvNetFiles
import ConvNetGraphs
package import ConvNetImages
package import ConvNetInference
import ConvNetInsight
package import ConvNetLayers
import ConvNetTensors
import Synchronization

/// How models are computed that a server has.
package struct ServingOptions: Hashable, Sendable {
  /// Pictures of several requests that are computed at once, at most.
  package var batch = 8
  /// How long a picture waits for others to be computed with.
  package var delay: Duration = .zero
  /// Runs of a model at the same time, each with `compute.threads` threads.
  package var concurrency = 1
  package var compute: ComputeOptions

  package init(
    batch: Int = 8, delay: Duration = .zero, concurrency: Int = 1,
    compute: ComputeOptions = .init()
  ) {
    self.batch = batch
    self.delay = delay
    self.concurrency = concurrency
    self.compute = compute
  }
}

/// A version of a model at work: compiled for each size of a batch, with one copy of the packed weights. Whoever holds it can
/// use it; its threads end when nobody does.
package final class ServedModel: Sendable {
  package let card: ModelCard
  package let name: String
  package let version: Int
  package let preprocessing: Preprocessing?
  package let classNames: [String]
  /// Of the network.
  let inputName: String
  /// Of one example, in the model's data format.
  let inputShape: [Int]
  let outputName: String
  /// Of one example.
  let outputShape: [Int]
  let augmentation: Augmentation?
  let targetKind: TargetKind
  private let targetScaling: TargetScaling?

  private let runs: BatchQueue<[Float], [Float]>
  private let studies: BatchQueue<Study, Finding>

  /// What takes longer than a run, and is computed by one thread in turn.
  private enum Study: Sendable {
    case views(Views, Image)
    case gradCAM([Float], classIndex: Int)
  }

  private enum Finding: Sendable {
    case classification(Classification)
    case attribution(Attribution, layer: String)
  }

  /// Compiles a model and tries it once.
  ///
  /// - Throws: what compiling throws; ``UnfitModel`` where its weights are not finite.
  package init(
    _ name: String, version: Int, _ model: Model, options: ServingOptions,
    metrics: ServiceMetrics = ServiceMetrics()
  ) throws {
    let bad = model.nonFiniteParameters
    guard bad.isEmpty else { throw UnfitModel(name: name, parameters: bad) }
    if model.preprocessing != nil { _ = try model.requiredPreprocessing() }
    guard options.concurrency > 0 else {
      throw InferenceError.belowOne(name: "concurrency", actual: options.concurrency)
    }
    self.name = name
    self.version = version
    var card = try ModelCard(name, version: version, model)
    card.explainedLayer = model.inputExtents.count == 3 ? model.lastSpatialLayer : nil
    self.card = card
    preprocessing = model.preprocessing
    augmentation = model.augmentation
    targetKind = model.targetKind
    targetScaling = model.targetScaling
    classNames = model.classNames
    inputName = model.inputName
    inputShape = Array(model.dataFormat.ordered([1] + model.inputExtents).dropFirst())
    guard let output = model.mainOutput else {
      throw GraphError(subject: model.graph.name, problem: .invariant("has no output"))
    }
    outputName = output.name
    let shape = try model.graph.batched(1)[output.value].shape
    outputShape = Array(shape.dimensions.dropFirst())

    var compute = options.compute
    compute.expectedRuns = nil
    let sizes = BatchQueue<[Float], [Float]>.Policy.sizes(upTo: options.batch)
    let weights = SharedWeights()
    var runners = [[Int: ExecutableBox]](repeating: [:], count: options.concurrency)
    for size in sizes {
      var first = try model.executable(batch: size, compute: compute, sharing: weights)
      try first.run()
      for index in 1..<options.concurrency { runners[index][size] = try .init(first.duplicate()) }
      runners[0][size] = ExecutableBox(first)
    }
    let counts = (input: inputShape.reduce(1, *), output: outputShape.reduce(1, *))
    let (inputName, outputName, computing) = (inputName, outputName, compute)
    runs = try BatchQueue(
      .init(sizes: sizes, delay: options.delay), for: "predictions",
      workers: runners.map { executables in
        {
          { rows in
            let start = ContinuousClock.now
            let results = Self.run(
              rows, executables, inputName, outputName, counts.input, counts.output)
            let labels = [("model", name)]
            metrics.observe("convnet_batch_size", labels, Double(rows.count))
            metrics.observe("convnet_run_seconds", labels, (ContinuousClock.now - start).seconds)
            return results
          }
        }
      })
    studies = try BatchQueue(
      for: "explanations",
      workers: [
        {
          let bench = Bench(model, computing)
          return { studies in
            studies.map { study in Result { try bench.finding(of: study) } }
          }
        }
      ])
  }

  /// Computes a batch of prepared inputs by the smallest executable that has room.
  private static func run(
    _ rows: [[Float]], _ executables: [Int: ExecutableBox], _ input: String, _ output: String,
    _ inputCount: Int, _ outputCount: Int
  ) -> [Result<[Float], any Error>] {
    let outcome = Result { () throws -> [[Float]] in
      guard let size = executables.keys.filter({ $0 >= rows.count }).min(),
        let box = executables[size]
      else { fatalError("no executable takes \(rows.count) inputs") }
      return try box.executable.withLock { executable in
        try executable.withInput(input, of: Float.self) { target in
          target.withUnsafeMutableBufferPointer { target in
            for (place, row) in rows.enumerated() {
              let part = target[place * inputCount..<(place + 1) * inputCount]
              _ = UnsafeMutableBufferPointer(rebasing: part).update(fromContentsOf: row)
            }
          }
        }
        try executable.run()
        return try executable.withOutput(output) { scores in
          rows.indices.map { place in
            let part = scores.extracting(place * outputCount..<(place + 1) * outputCount)
            return [Float](unsafeUninitializedCapacity: outputCount) { target, count in
              for index in part.indices { target[index] = part[index] }
              count = outputCount
            }
          }
        }
      }
    }
    switch outcome {
    case .success(let results): return results.map { .success($0) }
    case .failure(let error): return rows.map { _ in .failure(error) }
    }
  }

  /// The network's own result for one prepared input.
  ///
  /// - Precondition: as many numbers as ``inputShape`` has.
  func scores(of row: [Float]) async throws -> [Float] {
    precondition(row.count == inputShape.reduce(1, *))
    return try await runs.output(of: row)
  }

  /// The classes of one prepared picture.
  package func classification(of row: [Float]) async throws -> Classification {
    let scores = try await scores(of: row)
    return Classification(
      logits: scores.span, classNames: classNames, targetKind: targetKind, scaling: targetScaling)
  }

  /// The classes of one picture by a protocol.
  func classification(of image: Image, by views: Views) async throws -> Classification {
    guard case .classification(let result) = try await studies.output(of: .views(views, image))
    else { fatalError("another finding than was asked for") }
    return result
  }

  /// What of a prepared picture speaks for a class, and the layer that says it.
  func gradCAM(
    of row: [Float], classIndex: Int
  ) async throws -> (attribution: Attribution, layer: String) {
    let study = Study.gradCAM(row, classIndex: classIndex)
    guard case .attribution(let result, let layer) = try await studies.output(of: study) else {
      fatalError("another finding than was asked for")
    }
    return (result, layer)
  }

  /// What the thread of studies has, compiled when it is first asked for.
  private final class Bench {
    private let model: Model
    private let compute: ComputeOptions
    private var classifiers: [(views: Views, classifier: ViewClassifier)] = []
    private var gradCAM: GradCAM?
    /// Protocols that stay compiled.
    private static let limit = 3

    init(_ model: Model, _ compute: ComputeOptions) {
      self.model = model
      self.compute = compute
    }

    func finding(of study: Study) throws -> Finding {
      switch study {
      case .views(let views, let image):
        return .classification(try classifier(views).classify(image))
      case .gradCAM(let row, let index):
        var network = try gradCAM.take() ?? GradCAM(model, compute: compute)
        let shape = model.dataFormat.ordered([1] + model.inputExtents)
        let attributions = try network.attributions(
          of: Tensor(row, shape: Shape(shape)), classes: [index])
        let layer = network.layer
        gradCAM = consume network
        guard let first = attributions.first else { fatalError("a class without attribution") }
        return .attribution(first, layer: layer)
      }
    }

    private func classifier(_ views: Views) throws -> ViewClassifier {
      if let place = classifiers.firstIndex(where: { $0.views == views }) {
        let known = classifiers.remove(at: place)
        classifiers.append(known)
        return known.classifier
      }
      let made = try ViewClassifier(model, views: views, compute: compute)
      if classifiers.count == Self.limit { classifiers.removeFirst() }
      classifiers.append((views, made))
      return made
    }
  }
}

/// A model that has no answers.
package struct UnfitModel: ReadableError, Hashable {
  package var name: String
  package var parameters: [NonFiniteParameter]
  package var description: String {
    let shown = parameters.prefix(3).map(\.description).joined(separator: ", ")
    return "\(name) has numbers that are not finite: \(shown)"
      + (parameters.count > 3 ? " and of \(parameters.count - 3) more" : "") + "; use another file"
  }
}
