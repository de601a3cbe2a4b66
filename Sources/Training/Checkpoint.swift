import ConvNetEngine
import ConvNetFormats
import ConvNetGraphs
import ConvNetTensors
import Foundation

/// Everything that a training needs to go on as if it had never stopped: parameters, the optimizer's memory, the state of
/// the schedule, and how far it has come. Random numbers are keyed by epoch and step, so they need no state.
public struct Checkpoint: Sendable {
  struct State: Hashable, Sendable, Codable {
    var schedule: ScheduleState
    var step: Int
    var history: [EpochReport]
    /// What must be the same for the training to go on: the recipe.
    var recipe: Recipe
  }

  struct Recipe: Hashable, Sendable, Codable {
    var optimizer: Optimizer
    var labelSmoothing: Float
    var batchSize: Int
    var seed: UInt64
  }

  var parameters: [String: Tensor]
  var velocities: [String: Tensor]
  var state: State

  /// The reports of the finished epochs.
  public var history: [EpochReport] { state.history }

  init(_ session: TrainingSession, history: [EpochReport]) {
    parameters = session.store.values
    velocities = session.optimizer.velocities
    state = State(
      schedule: session.schedule, step: session.stepCount, history: history,
      recipe: Recipe(session.trainer))
  }

  private static let stateKey = "convnet.checkpoint"
  private static let velocityPrefix = "velocity/"

  /// Writes the checkpoint as a safetensors file, atomically.
  public func save(to path: String) throws {
    var tensors = parameters
    for (name, velocity) in velocities { tensors[Self.velocityPrefix + name] = velocity }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let text = String(decoding: try encoder.encode(state), as: UTF8.self)
    try Safetensors(tensors: tensors, metadata: [Self.stateKey: text]).write(to: path)
  }

  /// - Throws: ``SafetensorsError`` where the file is damaged, ``TrainingError`` where it is no checkpoint.
  public init(loading path: String) throws {
    let file = try Safetensors(contentsOf: path)
    guard let text = file.metadata[Self.stateKey] else {
      throw TrainingError.checkpoint("\(path) is no checkpoint: it has no \(Self.stateKey) entry")
    }
    do {
      state = try JSONDecoder().decode(State.self, from: Data(text.utf8))
    } catch {
      throw TrainingError.checkpoint("\(path) is a damaged checkpoint: \(error)")
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

  /// - Throws: ``TrainingError`` where the checkpoint was made by another recipe, so that going on would be neither.
  package func requireRecipe(of trainer: Trainer) throws(TrainingError) {
    let wanted = Recipe(trainer)
    guard state.recipe == wanted else {
      throw .checkpoint(
        "the checkpoint was made with \(state.recipe), this training has \(wanted); resume with the same "
          + "settings, or begin anew in another folder")
    }
  }
}

extension Checkpoint.Recipe {
  init(_ trainer: Trainer) {
    optimizer = trainer.optimizer
    labelSmoothing = trainer.labelSmoothing
    batchSize = trainer.batchSize
    seed = trainer.seed
  }
}
