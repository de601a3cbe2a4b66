import CKernels
import ConvNetDatasets
package import ConvNetEngine
package import ConvNetImages
package import ConvNetLayers
import ConvNetGraphs
import ConvNetTensors

/// A compiled step, in a box that can be kept in a collection.
package final class TrainingStep {
  package var executable: Executable
  /// What the optimizer reads and writes: memory of the executable, which does not move, and of the session's stores.
  let parameters: [ck_momentum]
  /// Of all parameters.
  let elementCount: Int

  init(_ executable: consuming Executable, updating parameters: [ck_momentum] = []) {
    self.executable = executable
    self.parameters = parameters
    elementCount = parameters.reduce(0) { $0 + $1.count }
  }

  /// Copies a batch into the inputs: the pictures, and the labels where the step has them.
  func load(_ batch: Batch, input: String) throws {
    try batch.withImages { images in
      try executable.withInput(input, of: Float.self) { $0.copy(from: images) }
    }
    guard let labels = executable.inputShape(TrainingGraph.labelsName) else { return }
    if labels.rank == 2 {
      return try batch.withTargets { targets in
        try executable.withInput(TrainingGraph.labelsName, of: Float.self) {
          $0.copy(from: targets)
        }
      }
    }
    try batch.withLabels { labels in
      try executable.withInput(TrainingGraph.labelsName, of: Int32.self) { $0.copy(from: labels) }
    }
  }
}

extension MutableSpan where Element: BitwiseCopyable {
  fileprivate mutating func copy(from source: Span<Element>) {
    source.withUnsafeBytes { source in
      withUnsafeMutableBytes { $0.copyMemory(from: source) }
    }
  }
}

extension Model {
  /// How pictures are prepared, for what reads them from a data set.
  ///
  /// - Throws: ``TrainingError`` where there is none, or it makes something else than the network
  ///   is given.
  package func requiredPreprocessing() throws(TrainingError) -> Preprocessing {
    guard let preprocessing else {
      throw .invalidSetting(
        name: "the preprocessing of \(graph.name)", value: "none",
        requirement: "set, for a network that is given pictures")
    }
    let made: Shape = [preprocessing.channels, preprocessing.height, preprocessing.width]
    let needed = graph.inputs.first.map { Array(graph[$0].shape.dimensions.dropFirst()) } ?? []
    guard made.dimensions == needed else {
      throw .invalidSetting(
        name: "the preprocessing of \(graph.name)",
        value: "for an input of \(made)", requirement: "for the network's, \(joined(needed))")
    }
    return preprocessing
  }
}
