import ConvNetDatasets
import ConvNetEvaluation
import ConvNetFiles
import ConvNetGraphs
import ConvNetImages
import ConvNetLayers
import ConvNetTensors
import Foundation

extension Trainer {
  /// Refuses what several processes cannot train together, and processes that would train something else.
  ///
  /// - Throws: ``TrainingError/processes(_:)``, the same in all processes.
  func requireJointly(
    _ model: Model, on data: TrainingData, resuming checkpoint: Checkpoint?
  ) throws {
    guard let processes else { return }
    guard model.targetKind == .classes else {
      throw TrainingError.processes(
        "several processes train on classes; the data is told by \(model.targetKind.rawValue): train in one process"
      )
    }
    var weights = FNVHash()
    for name in model.parameters.keys.sorted() {
      weights.combine(name.utf8)
      model.parameters[name]?.withUnsafeBytes { weights.combine(words: $0) }
    }
    func text(_ value: some Encodable) throws -> String {
      let encoder = JSONEncoder()
      encoder.outputFormatting = .sortedKeys
      return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
    var network = FNVHash()
    network.combine(try text(model.graph).utf8)
    let difference = try processes.firstDifference([
      ("the version", packageVersion), ("the seed", "\(seed)"),
      ("the network", "\(model.graph.name), fingerprint \(network.digits)"),
      ("the normalization", normalizesJointly ? "by all samples" : "by each process's samples"),
      ("the recipe", try text(Checkpoint.Recipe(self))),
      ("the training data", data.training.digest),
      ("the validation data", data.validation?.digest ?? "none"),
      ("the step to go on from", checkpoint.map { "\($0.step)" } ?? "the beginning"),
      ("the fingerprint of the weights", weights.digits),
    ])
    guard let difference else { return }
    throw TrainingError.processes(
      "\(difference); all processes train the same network on the same data")
  }
}
