import ConvNetEngine
import ConvNetFormats
import ConvNetGraphs
import ConvNetImages
package import ConvNetLayers
package import ConvNetTensors
import Foundation

/// Everything that a training needs to go on as if it had never stopped: parameters, the
/// optimizer's memory, the state of the schedule, and how far it has come. Random numbers are keyed
/// by epoch and step, so they need no state.
public struct Checkpoint: Sendable {
  struct State: Hashable, Sendable, Codable {
    var schedule: ScheduleState
    var step: Int
    var history: [EpochReport]
    /// What must be the same for the training to go on: the recipe.
    var recipe: Recipe
    var classNames: [String]
  }

  struct Recipe: Hashable, Sendable, Codable {
    var optimizer: Optimizer
    var schedule: LearningRateSchedule
    var labelSmoothing: Float
    var augmentation: Augmentation
    var batchSize: Int
    var seed: UInt64
  }

  package private(set) var parameters: [String: Tensor]
  private(set) var velocities: [String: Tensor]
  var state: State

  /// The reports of the finished epochs.
  public var history: [EpochReport] { state.history }

  init(_ session: TrainingSession, history: [EpochReport]) {
    parameters = session.store.values
    velocities = session.optimizer.velocities
    state = State(
      schedule: session.schedule, step: session.stepCount, history: history,
      recipe: Recipe(session.trainer), classNames: session.model.classNames)
  }

  private static let stateKey = "convnet.checkpoint"
  // A validation loss need not be finite, and JSON has no number for that.
  private static let infinity = (positive: "inf", negative: "-inf")
  private static let notANumber = "nan"
  private static let velocityPrefix = "velocity/"

  /// Writes the checkpoint as a safetensors file, atomically.
  public func save(to path: String) throws {
    var tensors = parameters
    for (name, velocity) in velocities { tensors[Self.velocityPrefix + name] = velocity }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: Self.infinity.positive, negativeInfinity: Self.infinity.negative,
      nan: Self.notANumber)
    let text = String(decoding: try encoder.encode(state), as: UTF8.self)
    try Safetensors(tensors: tensors, metadata: [Self.stateKey: text]).write(to: path)
  }

  /// - Throws: ``SafetensorsError`` where the file is damaged, ``TrainingError`` where it is no
  ///   checkpoint.
  public init(loading path: String) throws {
    let file = try Safetensors(contentsOf: path)
    guard let text = file.metadata[Self.stateKey] else {
      throw TrainingError.checkpoint("\(path) is no checkpoint: it has no \(Self.stateKey) entry")
    }
    do {
      let decoder = JSONDecoder()
      decoder.nonConformingFloatDecodingStrategy = .convertFromString(
        positiveInfinity: Self.infinity.positive, negativeInfinity: Self.infinity.negative,
        nan: Self.notANumber)
      state = try decoder.decode(State.self, from: Data(text.utf8))
    } catch {
      throw TrainingError.checkpoint("\(path) is a damaged checkpoint: \(error)")
    }
    guard 0..<Int(UInt32.max) ~= state.step else {
      throw TrainingError.checkpoint("\(path) is a damaged checkpoint: step \(state.step)")
    }
    parameters = [:]
    velocities = [:]
    for (name, tensor) in file.tensors {
      if name.hasPrefix(Self.velocityPrefix) {
        velocities[String(name.dropFirst(Self.velocityPrefix.count))] = tensor
      } else {
        parameters[name] = tensor
      }
    }
  }

  /// Refuses to go on where the result would be neither the old training nor a new one.
  ///
  /// - Throws: ``TrainingError`` where the checkpoint was made by another recipe, for other classes
  ///   or for another network.
  package func requireFit(for trainer: Trainer, _ model: Model) throws(TrainingError) {
    let wanted = Recipe(trainer)
    guard state.recipe == wanted else {
      throw .checkpoint(
        "the checkpoint was made with \(state.recipe); this training has \(wanted); resume with "
          + "the same settings, or begin anew in another folder")
    }
    guard model.classNames.isEmpty || model.classNames == state.classNames else {
      throw .checkpoint(
        "the checkpoint's classes are \(classList(state.classNames)); this training's are "
          + "\(classList(model.classNames)); resume with the same data, or begin anew in another folder"
      )
    }
    for id in model.graph.parameters {
      let value = model.graph[id]
      var tensors = [("parameter", parameters[value.name])]
      if value.parameterKind?.isTrainable == true {
        tensors.append(("velocity", velocities[value.name]))
      }
      for (kind, tensor) in tensors {
        guard let tensor, tensor.shape == value.shape, tensor.elementType == .float32 else {
          throw .checkpoint(
            "the checkpoint's \(kind) of \(value.name) is \(tensor.map { "\($0)" } ?? "missing"), "
              + "\(model.graph.name) needs \(value.shape), float32; resume with the same network")
        }
      }
    }
  }
}

extension Checkpoint.Recipe {
  fileprivate init(_ trainer: Trainer) {
    optimizer = trainer.optimizer
    schedule = trainer.schedule
    labelSmoothing = trainer.labelSmoothing
    augmentation = trainer.augmentation
    batchSize = trainer.batchSize
    seed = trainer.seed
  }
}

extension Checkpoint.Recipe: CustomStringConvertible {
  /// For the message that compares two.
  var description: String {
    "\(optimizer), \(schedule), label smoothing \(labelSmoothing), augmentation \(augmentation), "
      + "batch size \(batchSize), seed \(seed)"
  }
}
