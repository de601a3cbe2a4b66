import ConvNetFiles
import ConvNetFormats
import ConvNetGraphs
public import ConvNetImages
import ConvNetTensors
import Foundation

/// A fit that can go on as if it had never stopped: parameters, Adam's memory, the average of the outputs, and what the rule for
/// stopping has seen. Random numbers are keyed by step and need no state. It also has what it was fitted to, and is refused for
/// another picture or other settings.
public struct PriorCheckpoint: Sendable {
  struct State: Hashable, Sendable, Codable {
    static let currentFormat = 1
    var format = Self.currentFormat
    var settings: PriorSettings
    var factor: Int
    var iteration: Int
    /// Of the last step; `nil` before the first, and in files of earlier versions.
    var loss: Double?
    /// Where the outputs' variance was least; `nil` where there is none.
    var leastIteration: Int?
    var leastVariance: Double?
    /// Outputs that the rule for stopping has seen.
    var seenOutputs: Int?
  }

  let state: State
  let parameters: [String: Tensor]
  /// By slot, then by parameter.
  let slots: [String: [String: Tensor]]
  let average: [Float]
  /// Pictures on the way, by the steps after which they were taken, for who shows how the result came about. A fit adds none by
  /// itself, and needs none to go on.
  public var pictures: [Int: Image] = [:]
  /// All the rest, by name: what was observed, the mask, the outputs whose variance is taken.
  private let others: [String: Tensor]

  private static let stateKey = "convnet.prior"
  private static let parameterPrefix = "parameter/"
  private static let slotPrefix = "slot/"
  private static let picturePrefix = "picture/"

  init(
    _ problem: PriorProblem, _ settings: PriorSettings, iteration: Int, loss: Double,
    parameters: [String: Tensor], slots: [String: [String: Tensor]], average: [Float],
    outputs: OutputVariance?, least: (iteration: Int, variance: Double)?
  ) {
    state = State(
      settings: settings, factor: problem.factor, iteration: iteration,
      loss: loss.isFinite ? loss : nil, leastIteration: least?.iteration,
      leastVariance: least?.variance, seenOutputs: outputs?.total)
    self.parameters = parameters
    self.slots = slots
    self.average = average
    var others = Self.subject(of: problem)
    if let outputs { others["outputs"] = Tensor(outputs.outputs) }
    self.others = others
  }

  /// What a fit is of.
  private static func subject(of problem: PriorProblem) -> [String: Tensor] {
    var subject = ["observed": tensor(of: problem.observed)]
    subject["known"] = problem.known.map { Tensor($0.map { $0 ? 1 : 0 as UInt8 }) }
    return subject
  }

  private static func tensor(of image: Image) -> Tensor {
    Tensor(image.pixels, shape: [image.height, image.width, image.channels])
  }

  /// A picture that was kept; `nil` where the tensor is none.
  private static func image(of tensor: Tensor) -> Image? {
    let shape = tensor.shape
    guard tensor.elementType == .uint8, shape.rank == 3, shape.count > 0, [1, 3].contains(shape[2])
    else { return nil }
    return Image(
      height: shape[0], width: shape[1], channels: shape[2],
      pixels: tensor.elements(of: UInt8.self))
  }

  /// Steps so far.
  public var iteration: Int { state.iteration }
  /// Of the last step; `nil` before the first, and in files of earlier versions.
  public var loss: Double? { state.loss }
  /// How the picture is looked for.
  public var settings: PriorSettings { state.settings }

  func outputs(window: Int, count: Int) -> OutputVariance? {
    guard let kept = others["outputs"], let total = state.seenOutputs else { return nil }
    return OutputVariance(
      window: window, count: count, outputs: kept.elements(of: UInt16.self), total: total)
  }

  var least: (iteration: Int, variance: Double)? {
    guard let iteration = state.leastIteration, let variance = state.leastVariance else {
      return nil
    }
    return (iteration, variance)
  }

  /// - Throws: ``InsightError/otherFit(what:)`` where it is of another picture, or other settings than how long to go on decide
  ///   it.
  func requireFit(_ problem: PriorProblem, _ settings: PriorSettings) throws {
    let subject = Self.subject(of: problem)
    guard subject["observed"] == others["observed"], problem.factor == state.factor else {
      throw InsightError.otherFit(what: "another picture")
    }
    guard subject["known"] == others["known"] else {
      throw InsightError.otherFit(what: "another mask")
    }
    var own = state.settings
    own.iterations = settings.iterations
    if own.stopping?.window == settings.stopping?.window { own.stopping = settings.stopping }
    guard own == settings else {
      throw InsightError.otherFit(what: "other settings: \(Self.differences(own, settings))")
    }
    let count = problem.channels * problem.height * problem.width
    let kept = others["outputs"].map(\.count) ?? 0
    let room = (settings.stopping?.window ?? 0) * count
    guard average.count == count, kept <= room, kept % count == 0,
      kept == min(state.seenOutputs ?? 0, room / count) * count
    else {
      throw InsightError.otherFit(what: "a state that is damaged")
    }
  }

  /// - Throws: ``InsightError/otherFit(what:)`` where parameters, or what the optimizer remembers of them, are not those of the
  ///   graph.
  func requireParameters(of graph: Graph, slots names: [String]) throws {
    func require(_ tensor: Tensor?, _ shape: Shape) throws {
      guard tensor?.shape == shape, tensor?.elementType == .float32 else {
        throw InsightError.otherFit(what: "a state that is damaged")
      }
    }
    for id in graph.parameters {
      let value = graph[id]
      try require(parameters[value.name], value.shape)
      guard value.parameterKind?.isTrainable == true else { continue }
      for slot in names { try require(slots[slot]?[value.name], value.shape) }
    }
  }

  private static func differences(_ own: PriorSettings, _ other: PriorSettings) -> String {
    var names: [String] = []
    if own.network != other.network { names.append("the network") }
    if own.input != other.input { names.append("the input") }
    if own.perturbation != other.perturbation {
      names.append("a perturbation of \(own.perturbation)")
    }
    if own.learningRate != other.learningRate {
      names.append("a learning rate of \(own.learningRate)")
    }
    if own.averaging != other.averaging { names.append("an averaging of \(own.averaging)") }
    if own.seed != other.seed { names.append("the seed \(own.seed)") }
    if own.stopping?.window != other.stopping?.window { names.append("the rule for stopping") }
    return names.joined(separator: ", ")
  }

  /// Writes the file, whole or not at all.
  ///
  /// - Throws: ``FileError``.
  public func write(to path: String) throws {
    var tensors = others
    tensors["average"] = Tensor(average)
    for (name, value) in parameters { tensors[Self.parameterPrefix + name] = value }
    for (slot, values) in slots {
      for (name, value) in values { tensors["\(Self.slotPrefix)\(slot)/\(name)"] = value }
    }
    for (step, image) in pictures {
      tensors["\(Self.picturePrefix)\(step)"] = Self.tensor(of: image)
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let description = String(decoding: try encoder.encode(state), as: UTF8.self)
    try Safetensors(tensors: tensors, metadata: [Self.stateKey: description]).write(to: path)
  }

  /// Reads a file.
  ///
  /// - Throws: ``FileError``, ``SafetensorsError``; ``InsightError/otherFit(what:)`` where it holds no such state.
  public init(contentsOf path: String) throws {
    let file = try Safetensors(contentsOf: path)
    guard let text = file.metadata[Self.stateKey],
      let state = try? JSONDecoder().decode(State.self, from: Data(text.utf8)),
      state.format == State.currentFormat, state.iteration >= 0,
      let average = file.tensors["average"], average.elementType == .float32
    else {
      throw InsightError.otherFit(what: "no fit of a deep image prior")
    }
    self.state = state
    self.average = average.elements
    var (parameters, slots, others) = (
      [String: Tensor](), [String: [String: Tensor]](), [String: Tensor]()
    )
    for (name, tensor) in file.tensors where name != "average" {
      if name.hasPrefix(Self.parameterPrefix) {
        parameters[String(name.dropFirst(Self.parameterPrefix.count))] = tensor
      } else if name.hasPrefix(Self.slotPrefix) {
        let rest = name.dropFirst(Self.slotPrefix.count)
        guard let end = rest.firstIndex(of: "/") else { continue }
        slots[String(rest[..<end]), default: [:]][String(rest[rest.index(after: end)...])] = tensor
      } else if name.hasPrefix(Self.picturePrefix) {
        guard let step = Int(name.dropFirst(Self.picturePrefix.count)),
          let image = Self.image(of: tensor)
        else { throw InsightError.otherFit(what: "a state that is damaged") }
        pictures[step] = image
      } else {
        others[name] = tensor
      }
    }
    let types: [String: ElementType] = [
      "observed": .uint8, "known": .uint8, "outputs": .uint16,
    ]
    for (name, type) in types where others[name].map({ $0.elementType != type }) ?? false {
      throw InsightError.otherFit(what: "a state that is damaged")
    }
    self.parameters = parameters
    self.slots = slots
    self.others = others
  }
}
