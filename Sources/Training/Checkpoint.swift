import ConvNetEngine
import ConvNetFormats
import ConvNetGraphs
import ConvNetImages
public import ConvNetLayers
package import ConvNetTensors
import Foundation

/// Everything that a training needs to go on as if it had never stopped: parameters, the
/// optimizer's memory, the state of the schedule, and how far it has come. Random numbers are keyed
/// by epoch and step, so they need no state.
///
/// Its running statistics are the averages as the training keeps them, begun at 0 and 1: a model
/// to use is what ``Trainer`` gives back.
public struct Checkpoint: Sendable {
  struct State: Hashable, Sendable, Codable {
    /// Of this description: 2 says when averages began.
    static let currentFormat = 2
    var format = Self.currentFormat
    var schedule: ScheduleState
    var step: Int
    var history: [EpochReport]
    /// What must be the same for the training to go on: the recipe.
    var recipe: Recipe
    var classNames: [String]
    /// As in ``RunningStatistics/beginnings``.
    var averageBeginnings: [String: Int]
  }

  /// What the descriptions of all versions have.
  private struct Version: Codable {
    struct Recipe: Codable {}
    var recipe: Recipe
    var format: Int?
  }

  struct Recipe: Hashable, Sendable, Codable {
    var optimizer: Optimizer
    var schedule: LearningRateSchedule
    var labelSmoothing: Float
    var augmentation: Augmentation
    var batchSize: Int
    var seed: UInt64
  }

  /// The parameters, and the averages that only a training needs.
  package private(set) var averages: [String: Tensor]
  private(set) var velocities: [String: Tensor]
  var state: State

  /// The reports of the finished epochs.
  public var history: [EpochReport] { state.history }

  init(_ session: TrainingSession, history: [EpochReport]) {
    averages = session.store.values
    velocities = session.optimizer.velocities
    state = State(
      schedule: session.schedule, step: session.stepCount, history: history,
      recipe: Recipe(session.trainer), classNames: session.model.classNames,
      averageBeginnings: session.statistics.beginnings)
  }

  /// The state before the first step: what a training that is stopped in its first epoch goes on from.
  ///
  /// - Parameter model: as ``Trainer/fit(_:on:validating:epochs:resuming:progress:until:sampleSkipped:epochEnded:)`` leaves it
  ///   before the first epoch has ended.
  public init(beginning model: Model, trainer: Trainer) throws {
    self.init(try TrainingSession(model, trainer: trainer), history: [])
  }

  private static let stateKey = WeightFile.checkpointKey
  // A validation loss need not be finite, and JSON has no number for that.
  private static let infinity = (positive: "inf", negative: "-inf")
  private static let notANumber = "nan"
  private static let velocityPrefix = "velocity/"

  /// Writes the checkpoint as a safetensors file, atomically.
  public func save(to path: String) throws {
    var tensors = averages
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
      let version = try decoder.decode(Version.self, from: Data(text.utf8))
      guard version.format == State.currentFormat else {
        throw TrainingError.checkpoint(
          "\(path) was written by another version of ConvNet and lacks what this one goes on from; "
            + "finish that training with the version that began it, or begin anew in another folder"
        )
      }
      state = try decoder.decode(State.self, from: Data(text.utf8))
    } catch let error as TrainingError {
      throw error
    } catch {
      throw TrainingError.checkpoint("\(path) is a damaged checkpoint: \(error)")
    }
    guard 0..<Int(UInt32.max) ~= state.step else {
      throw TrainingError.checkpoint("\(path) is a damaged checkpoint: step \(state.step)")
    }
    for (name, beginning) in state.averageBeginnings
    where !(-Int(UInt32.max)...state.step ~= beginning) {
      throw TrainingError.checkpoint(
        "\(path) is a damaged checkpoint: \(name) began before step \(beginning)")
    }
    averages = [:]
    velocities = [:]
    for (name, tensor) in file.tensors {
      if name.hasPrefix(Self.velocityPrefix) {
        velocities[String(name.dropFirst(Self.velocityPrefix.count))] = tensor
      } else {
        averages[name] = tensor
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
      var tensors = [("parameter", averages[value.name])]
      if state.averageBeginnings[value.name] != nil {
        tensors.append(("average", averages[RunningStatistics.seenName(of: value.name)]))
      }
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
