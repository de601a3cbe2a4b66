public import ConvNetEngine
import ConvNetFiles
import ConvNetGraphs
import ConvNetInference
public import ConvNetLayers
import ConvNetTensors

/// The part of the input that one position of a layer sees.
public struct ReceptiveField: Hashable, Sendable {
  /// The layer.
  public var layer: String
  /// The position, row and column.
  public var position: [Int]
  /// The rows of the input that it sees. What is below zero, or beyond the input, is padding.
  public var rows: ClosedRange<Int>
  /// The columns of the input that it sees.
  public var columns: ClosedRange<Int>
  /// By how many rows and columns of the input the field of the next position lies further on; 0 where each sees all.
  public var strides: [Int]
  /// Height and width of the input.
  public var input: [Int]

  /// Height and width of the field.
  public var size: [Int] { [rows.count, columns.count] }

  /// The rows of the field within the input.
  public var visibleRows: ClosedRange<Int> { rows.clamped(to: 0...input[0] - 1) }

  /// The columns of the field within the input.
  public var visibleColumns: ClosedRange<Int> { columns.clamped(to: 0...input[1] - 1) }
}

extension Model {
  /// What a position of a layer sees, in theory: the window of each operation on the way back to the input, and of several ways
  /// all that any of them sees. What works position by position, such as a normalization over channels, leaves it as it is; an
  /// operation of which that is not known sees all.
  ///
  ///     size = 1 + sum over layers of (extent of the window - 1) times the strides of the layers before
  ///
  /// along one way.
  ///
  /// - Parameters:
  ///   - layer: by name; `nil` for ``lastSpatialLayer``.
  ///   - position: row and column; `nil` for the middle.
  /// - Throws: ``InferenceError/unknownValue(name:model:nearest:)``, ``InsightError``.
  public func receptiveField(of layer: String? = nil, at position: [Int]? = nil) throws
    -> ReceptiveField
  {
    let extents = try pictureExtents()
    let layer = try spatialLayer(layer)
    let shape = try shape(of: layer)
    let position = position ?? [shape[2] / 2, shape[3] / 2]
    guard position.count == 2, 0..<shape[2] ~= position[0], 0..<shape[3] ~= position[1] else {
      throw InsightError.setting(
        name: "the position", value: position.map { "\($0)" }.joined(separator: ","),
        requirement: "a row from 0 to \(shape[2] - 1) and a column from 0 to \(shape[3] - 1)")
    }
    let (rows, columns) = try (
      inputRange(of: layer, axis: 0, at: position[0]),
      inputRange(of: layer, axis: 1, at: position[1])
    )
    let strides = try [(0, rows), (1, columns)].map { axis, range in
      let other = position[axis] + 1 < shape[2 + axis] ? position[axis] + 1 : position[axis] - 1
      guard other >= 0 else { return 0 }
      return abs(try inputRange(of: layer, axis: axis, at: other).lowerBound - range.lowerBound)
    }
    return ReceptiveField(
      layer: layer, position: position, rows: rows, columns: columns, strides: strides,
      input: [extents.height, extents.width])
  }

  private func inputRange(of layer: String, axis: Int, at position: Int) throws -> ClosedRange<Int>
  {
    let graph = try graph(batch: 1, outputs: [layer])
    guard let input = graph.inputs.first,
      let value = graph.outputs.first(where: { $0.name == layer })?.value
    else { throw GraphError(subject: graph.name, problem: .invariant("has no input")) }
    var parts: [ValueID: SeenPart] = [value: .along(2 + axis, position...position)]
    for operation in graph.operations.reversed() {
      guard let part = SeenPart.joined(operation.outputs.compactMap { parts[$0] }) else { continue }
      for (place, source) in operation.inputs.enumerated()
      where graph[source].parameterKind == nil {
        guard let seen = try operation.seen(part, ofInput: place, in: graph) else { continue }
        parts[source] = SeenPart.joined([parts[source], seen].compactMap { $0 })
      }
    }
    switch parts[input] {
    case .along(let own, let range)? where own == 2 + axis: return range
    case .along?, .all?: return 0...max(0, graph[input].shape[2 + axis] - 1)
    case nil:
      throw InferenceError.independent(of: graph[input].name, value: layer, model: graph.name)
    }
  }
}

/// What some positions of a layer see of a value before it.
private enum SeenPart {
  /// Positions of one axis, counted from the batch, which is 0: a value that was transposed has rows and columns elsewhere. What
  /// is beyond its extent is padding.
  case along(Int, ClosedRange<Int>)
  /// All of it.
  case all

  /// What any of them is; `nil` of none.
  static func joined(_ parts: [SeenPart]) -> SeenPart? {
    guard var result = parts.first else { return nil }
    for part in parts.dropFirst() {
      guard case .along(let axis, let range) = result, case .along(axis, let other) = part else {
        return .all
      }
      result = .along(
        axis,
        min(range.lowerBound, other.lowerBound)...max(range.upperBound, other.upperBound))
    }
    return result
  }
}

extension ConvNetGraphs.Operation {
  /// The part of an input that a part of the output comes from, `nil` for none. Of an operation that is not known to treat
  /// positions by themselves, all.
  fileprivate func seen(
    _ part: SeenPart, ofInput place: Int, in graph: Graph
  ) throws -> SeenPart? {
    guard case .along(let axis, let range) = part else { return .all }
    let (input, output) = (graph[inputs[place]].shape, graph[outputs[0]].shape)
    let isSpatial = axis >= 2 && place == 0
    /// Every position of the same axis.
    var whole: SeenPart { axis < input.rank ? .along(axis, 0...max(0, input[axis] - 1)) : .all }
    /// The same positions; where the input has one for all of them, that one.
    var same: SeenPart {
      guard axis < input.rank, input.rank == output.rank else { return .all }
      return input[axis] == 1 && output[axis] > 1 ? .along(axis, 0...0) : part
    }
    switch attributes {
    // What has windows.
    case let convolution as Operation.Convolution where isSpatial:
      return try slid(
        convolution.window(kernel: graph[inputs[1]].shape), convolution.padding, range, axis, input)
    case let pooling as Operation.MaxPooling where isSpatial:
      return try slid(pooling.slidingWindow, pooling.padding, range, axis, input)
    case let pooling as Operation.AveragePooling where isSpatial:
      return try slid(pooling.slidingWindow, pooling.padding, range, axis, input)
    case let convolution as Operation.TransposedConvolution where isSpatial:
      return try stretched(convolution, range, axis, in: graph)
    case let normalization as Operation.LocalResponseNormalization
    where isSpatial && normalization.region == .withinChannel:
      let reach = normalization.size / 2
      return .along(axis, range.lowerBound - reach...range.upperBound + reach)
    // What treats each position by itself.
    case is Operation.Activation, is Operation.Add, is Operation.Multiply, is Operation.Clip,
      is Operation.Dropout, is Operation.StochasticDepth, is Operation.Elementwise,
      is Operation.ChannelScale:
      return same
    case is Operation.BatchNormalization:
      return place == 0 ? part : SeenPart.all
    // What treats each by itself, but along the axis that it is over.
    case is Operation.LayerNormalization, is Operation.Softmax,
      is Operation.LocalResponseNormalization:
      guard place == 0 else { return .all }
      return axis == 1 ? whole : part
    case let reduction as Operation.Reduction:
      return reduction.axes.contains(axis) ? whole : part
    case is Operation.GlobalPooling:
      return axis >= 2 ? whole : part
    case let top as Operation.Top:
      return top.axis == axis ? whole : part
    // What moves positions.
    case let concatenation as Operation.Concatenate:
      guard concatenation.axis == axis else { return part }
      let start = inputs[..<place].reduce(0) { $0 + graph[$1].shape[axis] }
      let own = range.lowerBound - start...range.upperBound - start
      let all = 0...max(0, input[axis] - 1)
      return own.overlaps(all) ? .along(axis, own.clamped(to: all)) : nil
    case let slice as Operation.Slice:
      guard slice.axis == axis else { return part }
      let all = 0...max(0, output[axis] - 1)
      guard range.overlaps(all) else { return nil }
      let own = range.clamped(to: all)
      return .along(axis, own.lowerBound + slice.start...own.upperBound + slice.start)
    case let pad as Operation.Pad where axis >= 2:
      return padded(pad, range, axis, input, output)
    case let upsample as Operation.Upsample where axis >= 2:
      let factor = upsample.factors[axis - 2]
      // Linear interpolation reads a neighbour on each side.
      let margin = upsample.mode == .nearest ? 0 : 1
      let own = range.clamped(to: 0...output[axis] - 1)
      return .along(
        axis,
        max(
          0, own.lowerBound / factor - margin)...min(
            input[axis] - 1, own.upperBound / factor + margin))
    case let map as Operation.AxisMap:
      guard map.axis == axis else { return part }
      let places = range.clamped(to: 0...output[axis] - 1)
      let terms = places.lowerBound * map.termCount..<(places.upperBound + 1) * map.termCount
      let sources = map.sources[terms].filter { $0 >= 0 }
      guard let first = sources.min(), let last = sources.max() else { return nil }
      return .along(axis, first...last)
    case let transposition as Operation.Transpose:
      return .along(transposition.permutation[axis], range)
    case is Operation.Reshape, is Operation.Regroup:
      guard let own = input.axis(like: axis, of: output) else { return .all }
      return .along(own, range)
    default:
      return .all
    }
  }

  private func slid(
    _ window: SlidingWindow, _ padding: Padding, _ range: ClosedRange<Int>, _ axis: Int,
    _ input: Shape
  ) throws -> SeenPart {
    let sides: Padding.Sides
    do { sides = try padding.sides(window: window, input: input.spatial)[axis - 2] } catch {
      throw GraphError(subject: name, problem: error)
    }
    let stride = window.strides[axis - 2]
    let first = range.lowerBound * stride - sides.before
    let last = range.upperBound * stride - sides.before + window.extent(axis - 2) - 1
    return .along(axis, first...last)
  }

  private func stretched(
    _ convolution: Operation.TransposedConvolution, _ range: ClosedRange<Int>, _ axis: Int,
    in graph: Graph
  ) throws -> SeenPart {
    let window = convolution.window(kernel: graph[inputs[1]].shape)
    let stride = window.strides[axis - 2]
    let before: Int
    do { before = try convolution.sides()[axis - 2].before } catch {
      throw GraphError(subject: name, problem: error)
    }
    // Input i reaches outputs from i S - p to i S - p + extent - 1.
    let first = range.lowerBound + before - window.extent(axis - 2) + 1
    let start = first > 0 ? (first + stride - 1) / stride : 0
    let end = max(start, (range.upperBound + before) / stride)
    let last = graph[inputs[0]].shape[axis] - 1
    return .along(axis, min(start, last)...min(end, last))
  }

  private func padded(
    _ pad: Operation.Pad, _ range: ClosedRange<Int>, _ axis: Int, _ input: Shape, _ output: Shape
  ) -> SeenPart {
    let before = pad.sides[axis - 2].before
    let moved = range.lowerBound - before...range.upperBound - before
    guard pad.mode != .zero else { return .along(axis, moved) }
    // A border that repeats or mirrors shows positions of the input.
    let sources = range.clamped(to: 0...output[axis] - 1)
      .compactMap { pad.source(of: $0, axis: axis - 2, extent: input[axis]) }
    guard let first = sources.min(), let last = sources.max() else { return .along(axis, moved) }
    return .along(axis, first...last)
  }
}

extension Shape {
  /// The axis with the positions of an axis of another shape of the same elements, in the same order; `nil` where that axis was
  /// taken apart, or is a part of another.
  fileprivate func axis(like axis: Int, of other: Shape) -> Int? {
    func outer(_ dimensions: ArraySlice<Int>) -> Int { dimensions.reduce(1, *) }
    return dimensions.indices.first {
      dimensions[$0] == other[axis]
        && outer(dimensions[..<$0]) == outer(other.dimensions[..<axis])
    }
  }
}

/// The part of the input that a position was found to see, and how strongly.
public struct MeasuredReceptiveField: Sendable {
  /// The mean magnitude of the gradient at each place of the input.
  public var strength: Plane
  /// The rows at which there was any gradient.
  public var rows: ClosedRange<Int>
  /// The columns at which there was any gradient.
  public var columns: ClosedRange<Int>

  /// The share of all the gradient's magnitude that lies in some rows and columns.
  public func share(rows: ClosedRange<Int>, columns: ClosedRange<Int>) -> Double {
    var sum = 0.0
    for row in rows { for column in columns { sum += Double(strength[row, column]) } }
    return sum / strength.sum
  }

  /// The side of the least square around the strongest half that holds a share of the gradient: how large the field is in effect.
  public func effectiveSide(share: Double = 0.95) -> Int {
    let (row, column) = center
    for reach in 0..<max(strength.height, strength.width) {
      let rows = max(0, row - reach)...min(strength.height - 1, row + reach)
      let columns = max(0, column - reach)...min(strength.width - 1, column + reach)
      if self.share(rows: rows, columns: columns) >= share { return 2 * reach + 1 }
    }
    return max(strength.height, strength.width)
  }

  /// The centre of gravity.
  private var center: (row: Int, column: Int) {
    var (rows, columns) = (0.0, 0.0)
    for row in 0..<strength.height {
      for column in 0..<strength.width {
        rows += Double(row) * Double(strength[row, column])
        columns += Double(column) * Double(strength[row, column])
      }
    }
    return (Int((rows / strength.sum).rounded()), Int((columns / strength.sum).rounded()))
  }
}

extension Model {
  /// What a position of a layer sees, as gradients tell it: that of a random weighting of its channels by the input, of random
  /// inputs (W. Luo et al., "Understanding the Effective Receptive Field in Deep Convolutional Neural Networks", 2016, section
  /// 2).
  ///
  /// It lies in the field of the theory and is all of it where each number comes through: a maximum hands only one of its window
  /// on, so many inputs are taken.
  ///
  /// - Parameters:
  ///   - field: of ``receptiveField(of:at:)``.
  ///   - rounds: batches of eight random inputs.
  /// - Throws: ``InsightError/tooFew(what:count:least:)`` where no gradient came through; what ``DifferentiatedModel`` throws.
  public func measured(
    _ field: ReceptiveField, rounds: Int = 4, seed: UInt64 = 0, compute: ComputeOptions = .init()
  ) throws -> MeasuredReceptiveField {
    let (channels, height, width) = try pictureExtents()
    guard 1...1000 ~= rounds else {
      throw InsightError.setting(name: "rounds", value: "\(rounds)", requirement: "from 1 to 1000")
    }
    let batch = 8
    // Winograd's filtering leaves rounding errors where there is no gradient.
    var compute = compute
    compute.isExact = true
    var network = try DifferentiatedModel(
      self, batch: batch, of: .weightedSum(of: field.layer), compute: compute)
    let shape = network.valueShape
    let positions = shape[2] * shape[3]
    var strength = [Double](repeating: 0, count: height * width)
    for round in 0..<rounds {
      var numbers = RandomNumbers(
        RandomKey(seed: seed, purpose: .input, index: UInt32(truncatingIfNeeded: round)))
      let input = Tensor(
        shape: Shape([batch] + dataFormat.ordered([1, channels, height, width]).dropFirst())
      ) { for index in $0.indices { $0[index] = numbers.normal() } }
      let weights = Tensor(shape: shape) { weights in
        for channel in 0..<batch * shape[1] {
          weights[channel * positions + field.position[0] * shape[3] + field.position[1]] =
            numbers.normal()
        }
      }
      try network.run(input, weights: weights)
      let gradient = try network.gradient().elements
      for index in gradient.indices {
        strength[index % (height * width)] += Double(abs(gradient[index]))
      }
    }
    let plane = Plane(
      height: height, width: width, values: strength.map { Float($0 / Double(rounds * batch)) })
    let rows = (0..<height).filter { row in (0..<width).contains { plane[row, $0] > 0 } }
    let columns = (0..<width).filter { column in (0..<height).contains { plane[$0, column] > 0 } }
    guard let top = rows.first, let bottom = rows.last, let left = columns.first,
      let right = columns.last
    else {
      throw InsightError.tooFew(what: "inputs with a gradient", count: 0, least: 1)
    }
    return MeasuredReceptiveField(strength: plane, rows: top...bottom, columns: left...right)
  }
}
