import ConvNetDatasets
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
    /// the optimizer are called, 4 how far an epoch is.
    static let currentFormat = 4
    /// Those that say all that is needed.
    static let readFormats = 3...currentFormat
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
    /// `nil` of classes, as in files of earlier versions.
    var targetKind: TargetKind?
    var targetScaling: TargetScaling?
    var data: TrainingData
    var settings: [String: String] = [:]
    /// Of the model after the last finished epoch, or before the first; `nil` in files of earlier versions.
    var trainingSummary: TrainingSummary?
    /// As in ``RunningStatistics/beginnings``.
    var averageBeginnings: [String: Int]
    /// `nil` between two epochs.
    var place: EpochPlace?
    /// Training samples that could not be read so far, by their number, in order.
    var skipped: [Int]?
    /// Steps up to the end of the best epoch, whose parameters are kept.
    var bestStep: Int?
    /// Finished epochs when the best was looked for the first time; `nil`: from the beginning.
    var bestSince: Int?
    /// Updates before the first that the average of the weights has; `nil` for none.
    var averagedFrom: Int?
    /// Of the whole training.
    var epochs: Int?
    var earlyStopping: EarlyStopping?
    /// As the schedule has it for the next step.
    var nextLearningRate: Float?
    /// Of settings on the way, in their order; `nil` for none.
    var changes: [TrainingChange]?
    /// Processes that trained together; `nil` for one.
    var processCount: Int?
    /// Of batches that no update has come of; `nil` for none.
    var waitingSamples: Int?

    /// The schedule goes by the history.
    var point: TrainingPoint {
      var point = TrainingPoint(step: step, epoch: history.count)
      for report in history { point.append(report) }
      return point
    }
  }

  /// What the descriptions of all versions have.
  fileprivate struct Version: Codable {
    struct Recipe: Codable {}
    var recipe: Recipe
    var format: Int?
  }

  struct Recipe: Hashable, Sendable, Codable {
    var optimizer: KeptPart
    var schedule: KeptPart
    var gradientTransforms: [KeptPart]
    var groups: [ParameterGroup]
    /// `nil` too in files of earlier versions.
    var averaging: KeptPart?
    var objective: KeptPart
    var augmentation: Augmentation
    var batchSize: Int
    var seed: UInt64
    var isExact: Bool
    /// `nil` where sums may depend on the number of threads, as in files of earlier versions.
    var isDeterministic: Bool?
    /// `nil` where every sample comes once, as in files of earlier versions.
    var sampling: Sampling?
    /// `nil` for the input's own, as in files of earlier versions.
    var inputSides: [Int]?
  }

  /// The parameters, and the averages that only a training needs.
  package private(set) var averages: [String: Tensor]
  /// What optimizer and gradient transforms remember, by slot, then by parameter.
  package internal(set) var slots: [String: [String: Tensor]]
  /// Where the training looks for its best epoch.
  private(set) var best: BestEpoch?
  var state: State
  /// What ``adopt(_:for:on:validating:epochs:)`` changed, and no training has gone on with yet.
  var newChanges: [TrainingChange] = []

  /// The reports of the finished epochs.
  public var history: [EpochReport] { state.history }

  /// What the caller wants to find again in the file, by names of its own.
  public var settings: [String: String] {
    get { state.settings }
    set { state.settings = newValue }
  }

  /// Steps of all epochs so far.
  public var step: Int { state.step }

  /// What settings were changed on the way, in their order.
  public var changes: [TrainingChange] { state.changes ?? [] }

  /// Processes that trained together when it was kept: so many may go on, or others.
  public var processCount: Int { state.processCount ?? 1 }

  /// Samples that the epoch after the finished ones has had; 0 between two epochs.
  public var samplesOfEpoch: Int { state.place?.samples ?? 0 }

  /// The model as the last step left it, ready to use; where weights are averaged, with the running statistics of the training,
  /// which ``Trainer`` estimates anew.
  ///
  /// - Throws: ``GraphError`` where a parameter is missing or has another shape.
  public func model() throws -> Model {
    let statistics = RunningStatistics(of: state.network, beginnings: state.averageBeginnings)
    var parameters = statistics.parameters(of: averages, at: state.step)
    if let averaged = slots[Trainer.averageSlot] { parameters.merge(averaged) { $1 } }
    var model = try Model(
      graph: state.network, parameters: parameters,
      classNames: state.classNames, preprocessing: state.preprocessing,
      trainingSummary: state.trainingSummary)
    model.averageAges = statistics.ages(at: state.step)
    model.targetKind = state.targetKind ?? .classes
    model.targetScaling = state.targetScaling
    return model
  }

  init(
    _ session: TrainingSession, on data: TrainingData, history: [EpochReport],
    summary: TrainingSummary?, place: EpochPlace?, skipped: Set<Int>, best: BestEpoch?
  ) throws {
    self.best = best
    averages = session.store.values
    slots = session.slots
    state = State(
      step: session.stepCount, updateCount: session.optimizer.updateCount,
      slots: session.trainer.slotNames, history: history,
      recipe: try Recipe(session.trainer), network: session.model.graph,
      preprocessing: session.model.preprocessing, classNames: session.model.classNames,
      targetKind: session.model.targetKind == .classes ? nil : session.model.targetKind,
      targetScaling: session.model.targetScaling, data: data,
      trainingSummary: summary, averageBeginnings: session.statistics.beginnings, place: place,
      skipped: skipped.isEmpty ? nil : skipped.sorted(), bestStep: best?.step,
      averagedFrom: session.optimizer.averagedFrom == 0 ? nil : session.optimizer.averagedFrom,
      earlyStopping: session.trainer.earlyStopping,
      processCount: session.trainer.processes?.count,
      waitingSamples: session.waitingSamples == 0 ? nil : session.waitingSamples)
  }

  fileprivate static let stateKey = WeightFile.checkpointKey
  // A validation loss need not be finite, and JSON has no number for that.
  fileprivate static let infinity = (positive: "inf", negative: "-inf")
  fileprivate static let notANumber = "nan"

  /// Writes the checkpoint as a safetensors file, atomically.
  public func save(to path: String) throws {
    var tensors = averages
    for (key, slot, parameter) in slotKeys {
      let kept = slot.map { slots[$0] } ?? best?.parameters
      tensors[key] = kept?[parameter] ?? tensors[key]
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
    state = try State(metadata: file.metadata, path, operations)
    averages = file.tensors
    slots = [:]
    if let step = state.bestStep { best = BestEpoch(step: step, parameters: [:]) }
    for (key, slot, parameter) in slotKeys {
      let value = averages.removeValue(forKey: key)
      if let slot {
        slots[slot, default: [:]][parameter] = value
      } else {
        best?.parameters[parameter] = value
      }
    }
  }

  /// What the file calls each slot of each parameter: `momentum/conv1.weight`.
  ///
  /// Names of slots and layers may hold any character. So the keys are made, of the same names by who writes and who reads, and
  /// never taken apart; one that something else has already ends otherwise.
  ///
  /// - Returns: the slot is `nil` for what the best epoch left of a parameter.
  private var slotKeys: [(key: String, slot: String?, parameter: String)] {
    let network = state.network
    let parameters = network.parameters.map { network[$0].name }
    var used = Set(parameters + state.averageBeginnings.keys.map(RunningStatistics.seenName))
    let slots: [String?] = state.slots + (state.bestStep == nil ? [] : [nil])
    return slots.flatMap { slot in
      parameters.map { parameter in
        var key = "\(slot ?? "best epoch")/\(parameter)"
        while !used.insert(key).inserted { key += "'" }
        return (key, slot, parameter)
      }
    }
  }
}

extension Checkpoint.State {
  /// What a file says of a state.
  ///
  /// - Throws: ``TrainingError`` where it is no checkpoint, or damaged.
  init(
    metadata: [String: String], _ path: String, _ operations: [any OperationAttributes.Type] = []
  ) throws {
    guard let text = metadata[Checkpoint.stateKey] else {
      throw TrainingError.checkpoint(
        "\(path) is no checkpoint: it has no \(Checkpoint.stateKey) entry")
    }
    do {
      let decoder = JSONDecoder(OperationCatalog(adding: operations))
      decoder.nonConformingFloatDecodingStrategy = .convertFromString(
        positiveInfinity: Checkpoint.infinity.positive,
        negativeInfinity: Checkpoint.infinity.negative,
        nan: Checkpoint.notANumber)
      let version = try decoder.decode(Checkpoint.Version.self, from: Data(text.utf8))
      guard Self.readFormats.contains(version.format ?? 0) else {
        throw TrainingError.checkpoint(
          "\(path) was written by another version of ConvNet and lacks what this one goes on from; "
            + "finish that training with the version that began it, or begin anew in another folder"
        )
      }
      self = try decoder.decode(Self.self, from: Data(text.utf8))
    } catch let error as TrainingError {
      throw error
    } catch let error as GraphError where error.isUnknownOperation {
      throw TrainingError.checkpoint("the network of \(path) needs \(error)")
    } catch {
      throw TrainingError.checkpoint("\(path) is a damaged checkpoint: \(error)")
    }
    for count in [step, updateCount] where !(0..<Int(UInt32.max) ~= count) {
      throw TrainingError.checkpoint("\(path) is a damaged checkpoint: step \(count)")
    }
    for (name, beginning) in averageBeginnings
    where !(-Int(UInt32.max)...step ~= beginning) {
      throw TrainingError.checkpoint(
        "\(path) is a damaged checkpoint: \(name) began before step \(beginning)")
    }
  }
}
