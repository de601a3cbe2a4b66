public import ConvNetDatasets
import ConvNetEngine
import ConvNetEvaluation
import ConvNetFormats
public import ConvNetGraphs
import ConvNetImages
public import ConvNetLayers
package import ConvNetTensors
import Foundation

/// Everything that a training needs to go on as if it had never stopped: parameters, the
/// optimizer's memory, and how far it has come, which schedules go by. Random numbers are keyed
/// by epoch and step, so they need no state. It also says what else decides the numbers, the network,
/// the preparation of pictures, the data and the recipe, and is refused where any of these differs.
///
/// Its running statistics are the averages as the training keeps them, begun at 0 and 1: a model
/// to use is what ``Trainer`` gives back.
public struct Checkpoint: Sendable {
  struct State: Hashable, Sendable, Codable {
    /// Of this description: 2 says when averages began, 3 what the slots of
    /// the optimizer are called.
    static let currentFormat = 3
    var format = Self.currentFormat
    var step: Int
    /// Of the optimizer.
    var updateCount: Int
    /// What is remembered of each parameter, by the names of optimizer and gradient transforms.
    var slots: [String]
    var history: [EpochReport]
    /// What must be the same for the training to go on.
    var recipe: Recipe
    var network: Graph
    var preprocessing: Preprocessing?
    var classNames: [String]
    var data: TrainingData
    var settings: [String: String] = [:]
    /// Of the model after the last finished epoch, or before the first; `nil` in files of earlier versions.
    var trainingSummary: TrainingSummary?
    /// As in ``RunningStatistics/beginnings``.
    var averageBeginnings: [String: Int]

    /// The schedule goes by the history.
    var point: TrainingPoint {
      TrainingPoint(step: step, epoch: history.count, errors: history.map(\.error))
    }
  }

  /// What the descriptions of all versions have.
  private struct Version: Codable {
    struct Recipe: Codable {}
    var recipe: Recipe
    var format: Int?
  }

  struct Recipe: Hashable, Sendable, Codable {
    var optimizer: KeptPart
    var schedule: KeptPart
    var gradientTransforms: [KeptPart]
    var groups: [ParameterGroup]
    var objective: KeptPart
    var augmentation: Augmentation
    var batchSize: Int
    var seed: UInt64
    var isExact: Bool
  }

  /// The parameters, and the averages that only a training needs.
  package private(set) var averages: [String: Tensor]
  /// What optimizer and gradient transforms remember, by slot, then by parameter.
  package private(set) var slots: [String: [String: Tensor]]
  var state: State

  /// The reports of the finished epochs.
  public var history: [EpochReport] { state.history }

  /// What the caller wants to find again in the file, by names of its own.
  public var settings: [String: String] {
    get { state.settings }
    set { state.settings = newValue }
  }

  /// The model as the last finished epoch left it, ready to use.
  ///
  /// - Throws: ``GraphError`` where a parameter is missing or has another shape.
  public func model() throws -> Model {
    let statistics = RunningStatistics(of: state.network, beginnings: state.averageBeginnings)
    var model = try Model(
      graph: state.network, parameters: statistics.parameters(of: averages, at: state.step),
      classNames: state.classNames, preprocessing: state.preprocessing,
      trainingSummary: state.trainingSummary)
    model.averageAges = statistics.ages(at: state.step)
    return model
  }

  init(
    _ session: TrainingSession, on data: TrainingData, history: [EpochReport],
    summary: TrainingSummary?
  ) throws {
    averages = session.store.values
    slots = session.slots
    state = State(
      step: session.stepCount, updateCount: session.optimizer.updateCount,
      slots: session.trainer.slotNames, history: history,
      recipe: try Recipe(session.trainer), network: session.model.graph,
      preprocessing: session.model.preprocessing, classNames: session.model.classNames, data: data,
      trainingSummary: summary, averageBeginnings: session.statistics.beginnings)
  }

  /// The state before the first step: what a training that is stopped in its first epoch goes on from.
  ///
  /// - Parameters:
  ///   - model: as ``Trainer/fit(_:on:validating:epochs:resuming:progress:until:sampleSkipped:epochEnded:)`` leaves it before the
  ///     first epoch has ended.
  ///   - training: the data that it was given, as `validation`.
  public init(
    beginning model: Model, on training: any Dataset, validating validation: (any Dataset)? = nil,
    trainer: Trainer
  ) throws {
    var model = model
    if model.classNames.isEmpty { model.classNames = training.classNames }
    let data = try TrainingData(training, validating: validation, of: model)
    try self.init(
      TrainingSession(model, trainer: trainer), on: data, history: [],
      summary: model.trainingSummary)
  }

  private static let stateKey = WeightFile.checkpointKey
  // A validation loss need not be finite, and JSON has no number for that.
  private static let infinity = (positive: "inf", negative: "-inf")
  private static let notANumber = "nan"

  /// Writes the checkpoint as a safetensors file, atomically.
  public func save(to path: String) throws {
    var tensors = averages
    for (key, slot, parameter) in slotKeys {
      tensors[key] = slots[slot]?[parameter] ?? tensors[key]
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: Self.infinity.positive, negativeInfinity: Self.infinity.negative,
      nan: Self.notANumber)
    let text = String(decoding: try encoder.encode(state), as: UTF8.self)
    try Safetensors(tensors: tensors, metadata: [Self.stateKey: text]).write(to: path)
  }

  /// - Parameter operations: from outside the package, that the network may be made of.
  /// - Throws: ``SafetensorsError`` where the file is damaged, ``TrainingError`` where it is no
  ///   checkpoint, or needs an operation that is neither of the package nor among `operations`.
  public init(
    loading path: String, operations: [any OperationAttributes.Type] = []
  ) throws {
    let file = try Safetensors(contentsOf: path)
    guard let text = file.metadata[Self.stateKey] else {
      throw TrainingError.checkpoint("\(path) is no checkpoint: it has no \(Self.stateKey) entry")
    }
    do {
      let decoder = JSONDecoder(OperationCatalog(adding: operations))
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
    } catch let error as GraphError where error.isUnknownOperation {
      throw TrainingError.checkpoint("the network of \(path) needs \(error)")
    } catch {
      throw TrainingError.checkpoint("\(path) is a damaged checkpoint: \(error)")
    }
    for count in [state.step, state.updateCount] where !(0..<Int(UInt32.max) ~= count) {
      throw TrainingError.checkpoint("\(path) is a damaged checkpoint: step \(count)")
    }
    for (name, beginning) in state.averageBeginnings
    where !(-Int(UInt32.max)...state.step ~= beginning) {
      throw TrainingError.checkpoint(
        "\(path) is a damaged checkpoint: \(name) began before step \(beginning)")
    }
    averages = file.tensors
    slots = [:]
    for (key, slot, parameter) in slotKeys {
      slots[slot, default: [:]][parameter] = averages.removeValue(forKey: key)
    }
  }

  /// What the file calls each slot of each parameter: `momentum/conv1.weight`.
  ///
  /// Names of slots and layers may hold any character. So the keys are made, of the same names by who writes and who reads, and
  /// never taken apart; one that something else has already ends otherwise.
  private var slotKeys: [(key: String, slot: String, parameter: String)] {
    let network = state.network
    let parameters = network.parameters.map { network[$0].name }
    var used = Set(parameters + state.averageBeginnings.keys.map(RunningStatistics.seenName))
    return state.slots.flatMap { slot in
      parameters.map { parameter in
        var key = "\(slot)/\(parameter)"
        while !used.insert(key).inserted { key += "'" }
        return (key, slot, parameter)
      }
    }
  }
}
