import ConvNetGraphs
package import ConvNetImages
import ConvNetLayers
import ConvNetTensors

/// What people want to know of a model before they believe it: the network, its input, and how it was trained and measured.
package struct ModelCard: Hashable, Sendable, Encodable {
  package var name: String
  package var version: String
  package var network: String
  /// Height, width and channels; of a network that is not given pictures its extents.
  package var input: [Int]
  /// `classes`, `labels` or `numbers`: what is told of a picture.
  package var targetKind: TargetKind
  package var classCount: Int
  package var classNames: [String]
  package var parameters: Int
  /// Multiplications of a picture, each with its addition.
  package var multiplyAdds: Int
  /// In words; `nil` where the file does not say it.
  package var preprocessing: String?
  /// In words: the data, the score and on what, the recipe.
  package var training: String?
  /// Of the training's validation, 0 to 1.
  package var top1: Double?
  /// The layer that Grad-CAM shows; `nil` where there is none.
  package var explainedLayer: String?

  init(_ name: String, version: Int, _ model: Model) throws {
    let cost = try model.graph.batched(1).cost
    self.name = name
    self.version = "\(version)"
    network = model.graph.name
    input = Array(DataFormat.channelsLast.ordered([1] + model.inputExtents).dropFirst())
    targetKind = model.targetKind
    classCount = model.classCount
    classNames = model.classNames
    parameters = cost.parameters
    multiplyAdds = cost.multiplyAdds
    preprocessing = model.preprocessing.map { "\($0)" }
    var summary = model.trainingSummary
    summary?.pictures = nil
    training = summary.map { "\($0)" }.flatMap { $0.isEmpty ? nil : $0 }
    top1 = summary?.top1.flatMap { $0.isFinite ? $0 : nil }
  }
}
