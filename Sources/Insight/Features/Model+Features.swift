public import ConvNetDatasets
public import ConvNetEngine
import ConvNetFiles
import ConvNetGraphs
import ConvNetInference
public import ConvNetLayers
public import ConvNetTensors

extension Model {
  /// The layer before the classifier: what the last dense layer or convolution of a network reads, by the name of the operation
  /// that makes it.
  public var penultimateLayer: String? {
    let used = graph.ancestorOperations(of: mainOutput.map { [$0.value] } ?? [])
    let producers = graph.producers
    let last = graph.operations.indices.last { index in
      let attributes = graph.operations[index].attributes
      return used.contains(index)
        && (attributes is ConvNetGraphs.Operation.Dense
          || attributes is ConvNetGraphs.Operation.Convolution)
    }
    guard let last else { return nil }
    var source = graph.operations[last].inputs[0]
    // Dropout makes nothing of its own.
    while let index = producers[source], graph.operations[index].kind.traits.isIdentityInInference {
      source = graph.operations[index].inputs[0]
    }
    return producers[source].map { graph.operations[$0].name }
  }

  /// The values of a layer for each picture of some data, in the data's order.
  ///
  /// - Parameters:
  ///   - layer: by name; `nil` for ``penultimateLayer``.
  ///   - averaging: whether of maps the mean over their positions is kept, one number a channel.
  ///   - indices: pictures to take; `nil` for all.
  ///   - progress: told of the pictures that are done; what it throws ends the work.
  /// - Returns: [pictures, channels, height, width] or [pictures, channels], and the place of each in the data: pictures that
  ///   cannot
  ///   be read are left out where the loading says so.
  /// - Throws: ``InferenceError/unknownValue(name:model:nearest:)``; ``AllocationError`` where the values are more than memory
  ///   holds, with their size; ``InsightError/noAnswer(model:subject:what:)`` for the first picture whose values are not finite;
  ///   what reading and computing throws.
  public func features(
    of dataset: any Dataset, layer: String? = nil, averaging: Bool = false, batchSize: Int = 32,
    compute: ComputeOptions = .init(), loading: LoadingOptions = LoadingOptions(),
    progress: (Int) throws -> Void = { _ in }
  ) throws -> (values: Tensor, samples: [Int]) {
    guard let layer = layer ?? penultimateLayer else {
      throw InsightError.noLayer(model: graph.name, kind: "layer before a classifier")
    }
    let one = try shape(of: layer)
    guard one.dimensions.first == 1, try batchedShape(of: layer).dimensions.first == 2 else {
      throw InferenceError.notOfPictures(name: layer, shape: one)
    }
    let isAveraged = averaging && one.rank > 2
    let positions = one.dimensions.dropFirst(2).reduce(1, *)
    let kept = isAveraged ? [one[1]] : Array(one.dimensions.dropFirst())
    let count = kept.reduce(1, *)
    guard dataset.count > 0 else {
      throw InsightError.tooFew(what: "pictures", count: 0, least: 1)
    }
    var values = try Tensor(
      uninitialized: Shape([dataset.count] + kept), elementType: .float32,
      for: "the values of \(layer) for \(dataset.count) pictures")
    var samples: [Int] = []
    try forEachBatch(
      of: dataset, outputs: [layer], batchSize: batchSize, compute: compute, loading: loading
    ) { indices, outputs in
      guard let output = outputs[layer] else { return }
      let start = samples.count * count
      var isFinite = true
      values.withMutableSpan { target in
        output.withSpan { source in
          for place in 0..<indices.count * count {
            var value = source[place]
            if isAveraged {
              var sum = 0.0
              for position in 0..<positions { sum += Double(source[place * positions + position]) }
              value = Float(sum / Double(positions))
            }
            target[start + place] = value
            isFinite = isFinite && value.isFinite
          }
        }
      }
      if !isFinite {
        let first = values.elements[start...].firstIndex { !$0.isFinite } ?? start
        throw noAnswer(
          for: indices[(first - start) / max(1, count)], of: dataset, layer: layer)
      }
      samples += indices
      try progress(samples.count)
    }
    guard samples.count < dataset.count else { return (values, samples) }
    return (
      Tensor(
        Array(values.elements.prefix(samples.count * count)), shape: Shape([samples.count] + kept)),
      samples
    )
  }

  /// The error of a sample for which values of a layer are not finite.
  func noAnswer(for sample: Int, of dataset: any Dataset, layer: String) -> InsightError {
    noAnswer(for: FileSystem.line(dataset.sampleName(at: sample)), layer: layer)
  }

  /// The same of what is called so.
  func noAnswer(for subject: String, layer: String) -> InsightError {
    .noAnswer(model: graph.name, subject: subject, what: "values of \(layer)")
  }

  private func batchedShape(of layer: String) throws -> Shape {
    let graph = try graph(batch: 2, outputs: [layer])
    return graph.outputs.first { $0.name == layer }.map { graph[$0.value].shape } ?? []
  }

  /// Runs all pictures of some data, in their order.
  ///
  /// - Parameter body: given the places of a batch's pictures in the data, and the outputs, which may have more rows.
  func forEachBatch(
    of dataset: any Dataset, outputs: [String], batchSize: Int, compute: ComputeOptions,
    loading: LoadingOptions, _ body: ([Int], [String: Tensor]) throws -> Void
  ) throws {
    guard batchSize > 0 else {
      throw InferenceError.belowOne(name: "batchSize", actual: batchSize)
    }
    let preprocessing = try requiredPreprocessing()
    let loader = try BatchLoader(
      dataset, batchSize: min(batchSize, max(1, dataset.count)), preprocessing: preprocessing,
      options: loading)
    var executable = try executable(batch: loader.largestBatch, outputs: outputs, compute: compute)
    loader.start(epoch: 0)
    while let batch = try loader.next() {
      try executable.write(batch, to: inputName)
      try executable.run()
      var values: [String: Tensor] = [:]
      for name in outputs { values[name] = try executable.output(name) }
      try body(batch.sampleIndices, values)
    }
  }
}

extension Model {
  /// The values of a layer for one prepared picture, of maps the mean over their positions: one number a channel.
  ///
  /// - Throws: ``InsightError/noAnswer(model:subject:what:)`` where one is not finite; ``InferenceError``, ``GraphError`` and
  ///   ``EngineError``.
  public func pooledFeatures(
    of input: Tensor, layer: String, compute: ComputeOptions = .init()
  ) throws -> [Float] {
    var executable = try executable(batch: 1, outputs: [layer], compute: compute)
    try executable.write(batch(of: [input]), to: inputName)
    try executable.run()
    let value = try executable.output(layer)
    let positions = value.shape.dimensions.dropFirst(2).reduce(1, *)
    let elements = value.elements
    let features = stride(from: 0, to: elements.count, by: positions).map { start in
      Float(
        elements[start..<start + positions].reduce(0) { $0 + Double($1) } / Double(positions))
    }
    guard features.allSatisfy(\.isFinite) else {
      throw noAnswer(for: "the picture", layer: layer)
    }
    return features
  }

  /// Prepared pictures and their classes, in whole batches; what does not fill one is left out, unless there is no other.
  package func batches(
    of dataset: any Dataset, batchSize: Int
  ) throws -> [(inputs: Tensor, labels: [Int32])] {
    let loader = try BatchLoader(
      dataset, batchSize: batchSize, preprocessing: requiredPreprocessing())
    loader.start(epoch: 0)
    var batches: [(inputs: Tensor, labels: [Int32])] = []
    while let batch = try loader.next() {
      guard batches.isEmpty || batch.count == batches[0].labels.count else { continue }
      batches.append((batch.images, batch.labels))
    }
    return batches
  }

  /// A number that other weights do not have, for files that belong to some.
  package var weightFingerprint: String {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for id in graph.parameters {
      parameters[graph[id].name]?.withUnsafeBytes { bytes in
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
      }
    }
    return String(hash, radix: 16)
  }
}
