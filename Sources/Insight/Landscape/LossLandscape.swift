import ConvNetCompiler
public import ConvNetEngine
public import ConvNetEvaluation
import ConvNetFiles
import ConvNetGraphs
import ConvNetInference
public import ConvNetLayers
public import ConvNetTensors
import Foundation

/// A direction in the space of a network's parameters, drawn at random, filter by filter as long as the filter itself:
///
///     d[filter] <- d[filter] |w[filter]| / |d[filter]|
///
/// (H. Li et al., "Visualizing the Loss Landscape of Neural Nets", 2018, section 4), so that plots of networks whose weights
/// differ in scale can be compared. Biases, and the scales and shifts of batch normalization, stay as they are, and so do its
/// moving averages.
public struct FilterNormalizedDirection: Sendable {
  /// By the names of the kernels.
  public let steps: [String: Tensor]

  /// A direction of a model's parameters.
  ///
  /// - Parameter index: another for each number.
  public init(of model: Model, seed: UInt64 = 0, index: Int = 0) {
    var steps: [String: Tensor] = [:]
    for (place, id) in model.graph.parameters.enumerated() {
      let value = model.graph[id]
      guard value.parameterKind == .kernel, let weights = model.parameters[value.name],
        let filters = weights.shape.dimensions.first, filters > 0
      else { continue }
      var numbers = RandomNumbers(
        RandomKey(
          seed: seed, purpose: .initialization, epoch: UInt32(truncatingIfNeeded: index + 1),
          index: UInt32(truncatingIfNeeded: place)))
      var elements = weights.elements
      let size = elements.count / filters
      for filter in 0..<filters {
        let range = filter * size..<(filter + 1) * size
        let length = range.reduce(0.0) { $0 + Double(elements[$1]) * Double(elements[$1]) }
          .squareRoot()
        let drawn = range.map { _ in Double(numbers.normal()) }
        let own = drawn.reduce(0) { $0 + $1 * $1 }.squareRoot()
        for (place, number) in zip(range, drawn) {
          elements[place] = own > 0 ? Float(number * length / own) : 0
        }
      }
      steps[value.name] = Tensor(elements, shape: weights.shape)
    }
    self.steps = steps
  }
}

/// The loss of a network on some pictures, whose parameters can be moved.
public struct LossAtParameters: ~Copyable {
  private var executable: Executable
  private let store: ParameterStore
  private let parameters: [String: Tensor]
  private let batches: [(inputs: Tensor, labels: Tensor)]
  private let input: String

  /// Compiles the network's form of inference with a cross-entropy.
  ///
  /// - Parameters:
  ///   - batches: prepared pictures in the model's ``Model/dataFormat``, all of one shape, and their classes.
  /// - Throws: ``InsightError/tooFew(what:count:least:)`` without a batch; ``GraphError``, ``EngineError``.
  public init(
    of model: Model, on batches: [(inputs: Tensor, labels: [Int32])],
    compute: ComputeOptions = .init()
  ) throws {
    guard let first = batches.first, first.labels.count > 0 else {
      throw InsightError.tooFew(what: "pictures", count: 0, least: 1)
    }
    let name = try model.scoreName()
    var graph = try model.graph(batch: first.labels.count, outputs: [name])
    graph.outputs.removeAll { $0.name != name }
    graph.removeDropout()
    graph = try graph.specializedForTraining(
      freezingStatistics: Set(graph.parameters.map { graph[$0].name }))
    guard let output = graph.outputs.first, let input = graph.inputs.first else {
      throw GraphError(subject: graph.name, problem: .invariant("has no input or no output"))
    }
    graph.outputs = []
    let labels = graph.addInput(Self.labelsName, ValueType([first.labels.count], .int32))
    let loss = try graph.append(
      Operation.CrossEntropy(), to: [output.value, labels], name: Self.lossName)
    graph.addOutput(Self.lossName, loss[0])
    let store = try ParameterStore(model.parameters)
    let compiled = try Executable(
      graph, training: store,
      options: CompilationOptions(mode: .training, inputFormat: model.dataFormat, compute: compute))
    self.store = store
    self.input = graph[input].name
    parameters = model.parameters
    self.batches = batches.map { ($0.inputs, Tensor($0.labels)) }
    executable = compiled
  }

  private static let labelsName = "labels"
  private static let lossName = "loss"

  /// The mean loss with the parameters moved along some directions, each by its factor.
  public mutating func loss(
    movedAlong directions: [(direction: FilterNormalizedDirection, factor: Double)]
  ) throws -> Double {
    let names = Set(directions.flatMap { $0.direction.steps.keys })
    for name in names {
      guard let start = parameters[name] else { continue }
      var elements = start.elements
      for (direction, factor) in directions {
        direction.steps[name]?.withSpan { steps in
          for index in elements.indices { elements[index] += Float(factor) * steps[index] }
        }
      }
      store.withFloats(of: name) { target in
        for index in elements.indices { target[index] = elements[index] }
      }
    }
    var sum = 0.0
    for batch in batches {
      try executable.write(batch.inputs, to: input)
      try executable.write(batch.labels, to: Self.labelsName)
      try executable.run()
      sum += try executable.withOutput(Self.lossName) { Double($0[0]) }
    }
    return sum / Double(batches.count)
  }
}

/// Losses on a line or a grid of factors.
public struct LossLandscape: Hashable, Sendable, Codable {
  /// The network.
  public var name: String
  /// Factors of the first direction.
  public var horizontal: [Double]
  /// Factors of the second direction; empty for a line.
  public var vertical: [Double]
  /// Row by row, a row for each factor of the second direction; what is not measured yet is missing.
  public var losses: [[Double?]]
  /// What the numbers depend on, in words: a file of others is not gone on with.
  public var setting: String

  /// A grid without losses, from `-reach` to `reach` in as many steps.
  ///
  /// - Throws: ``InsightError/setting(name:value:requirement:)``.
  public init(
    name: String, reach: Double = 1, points: Int = 21, dimensions: Int = 2, setting: String
  ) throws(InsightError) {
    guard reach > 0, reach.isFinite else {
      throw .setting(name: "the reach", value: "\(reach)", requirement: "above zero")
    }
    guard 3...401 ~= points, points % 2 == 1 else {
      throw .setting(
        name: "points", value: "\(points)",
        requirement: "an odd number from 3 to 401, so that one lies in the middle")
    }
    guard 1...2 ~= dimensions else {
      throw .setting(name: "dimensions", value: "\(dimensions)", requirement: "1 or 2")
    }
    self.name = name
    self.setting = setting
    horizontal = (0..<points).map { reach * (2 * Double($0) / Double(points - 1) - 1) }
    vertical = dimensions == 2 ? horizontal : []
    losses = [[Double?]](
      repeating: [Double?](repeating: nil, count: points), count: max(1, vertical.count))
  }

  /// Points, and those that are measured.
  public var count: Int { horizontal.count * max(1, vertical.count) }
  /// Those that are measured.
  public var measured: Int { losses.reduce(0) { $0 + $1.count { $0 != nil } } }
  /// The loss without a move.
  public var center: Double? { losses[losses.count / 2][horizontal.count / 2] }

  /// Measures what is missing, from the middle outwards.
  ///
  /// - Parameters:
  ///   - processes: share the points, and know all losses in the end, those that one process would find. Each has a function of
  ///     its own; what is measured already is taken from the first one.
  ///   - progress: told after each point, of several processes after one of each; what it throws ends the work, and what is
  ///     measured stays.
  /// - Throws: ``InsightError/noAnswer(model:subject:what:)`` where the loss in the middle, of the model as it is, is not finite;
  ///   elsewhere that is a loss beyond all measure. ``InsightError/processes(_:)`` where processes would measure different
  ///   things; what the processes throw.
  public mutating func measure(
    _ function: inout LossAtParameters, along directions: [FilterNormalizedDirection],
    with processes: (any ProcessGroup)? = nil,
    progress: (LossLandscape) throws -> Void = { _ in }
  ) throws {
    if let processes { try begin(with: processes) }
    let (rank, count) = (processes?.rank ?? 0, processes?.count ?? 1)
    let places = missingPlaces
    try requireFiniteCenter()
    for start in stride(from: 0, to: places.count, by: count) {
      let round = places[start..<min(start + count, places.count)]
      var found = [Double](repeating: 0, count: round.count)
      if rank < round.count {
        let place = round[start + rank]
        var moves = [(direction: directions[0], factor: horizontal[place.column])]
        if !vertical.isEmpty { moves.append((directions[1], vertical[place.row])) }
        found[rank] = try function.loss(movedAlong: moves)
      }
      // The others have zeros there.
      if let processes { found = try processes.sum(found) }
      for (place, loss) in zip(round, found) { losses[place.row][place.column] = loss }
      try requireFiniteCenter()
      try progress(self)
    }
  }

  /// What is not measured yet, from the middle outwards.
  private var missingPlaces: [(row: Int, column: Int)] {
    func distance(_ place: (row: Int, column: Int)) -> Int {
      max(abs(place.row - losses.count / 2), abs(place.column - horizontal.count / 2))
    }
    return losses.indices.flatMap { row in
      horizontal.indices.map { (row: row, column: $0) }
    }.filter { losses[$0.row][$0.column] == nil }.sorted { first, second in
      (distance(first), first.row, first.column) < (
        distance(second), second.row, second.column
      )
    }
  }

  /// Takes what the first process has measured, where all shall measure the same.
  private mutating func begin(with processes: any ProcessGroup) throws {
    let grid = (horizontal + vertical).map { "\($0)" }.joined(separator: ",")
    let difference = try processes.firstDifference([
      ("the network", name), ("the setting", setting), ("the grid", grid),
    ])
    if let difference { throw InsightError.processes(difference) }
    let first = try processes.gather(processes.rank == 0 ? [UInt8](csv.utf8) : [])[0]
    guard processes.rank > 0 else { return }
    losses = losses.map { $0.map { _ in nil } }
    try take(csv: String(decoding: first, as: UTF8.self))
  }

  private func requireFiniteCenter() throws(InsightError) {
    guard let center, !center.isFinite else { return }
    throw .noAnswer(model: name, subject: "the pictures", what: "losses")
  }

  // MARK: Files

  /// A row for each measured point: the factors and the loss. The first line says what they depend on.
  public var csv: String {
    var text = "# \(setting)\nx,\(vertical.isEmpty ? "" : "y,")loss\n"
    for (row, line) in losses.enumerated() {
      for (column, loss) in line.enumerated() {
        guard let loss else { continue }
        text += "\(horizontal[column]),\(vertical.isEmpty ? "" : "\(vertical[row]),")\(loss)\n"
      }
    }
    return text
  }

  /// Takes the losses of a file that ``csv`` made.
  ///
  /// - Throws: ``InsightError/setting(name:value:requirement:)`` where it is of another setting or no such file.
  public mutating func take(csv text: String) throws(InsightError) {
    let lines = text.split(whereSeparator: \.isNewline)
    guard let head = lines.first, head == "# \(setting)" else {
      throw .setting(
        name: "the file to go on with", value: String(lines.first?.prefix(200) ?? "empty"),
        requirement: "of the same setting: # \(setting)")
    }
    for line in lines.dropFirst(2) {
      let numbers = line.split(separator: ",").map { Double($0) }
      let isWhole = numbers.count == (vertical.isEmpty ? 2 : 3)
      guard isWhole, let x = numbers[0], let loss = numbers.last ?? nil,
        let column = horizontal.firstIndex(of: x),
        let row = vertical.isEmpty ? 0 : numbers[1].flatMap({ vertical.firstIndex(of: $0) })
      else {
        throw .setting(
          name: "a line of the file to go on with", value: String(line.prefix(80)),
          requirement: "factors of this grid and a loss")
      }
      losses[row][column] = loss
    }
  }
}
