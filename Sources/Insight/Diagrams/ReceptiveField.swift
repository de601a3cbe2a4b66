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
  /// all that any of them sees.
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
    var ranges: [ValueID: ClosedRange<Int>] = [value: position...position]
    for operation in graph.operations.reversed() {
      guard let range = operation.outputs.compactMap({ ranges[$0] }).first else { continue }
      for source in operation.inputs where graph[source].parameterKind == nil {
        let seen = try operation.seen(range, of: source, axis: axis, in: graph)
        ranges[source] =
          ranges[source].map {
            min($0.lowerBound, seen.lowerBound)...max($0.upperBound, seen.upperBound)
          } ?? seen
      }
    }
    guard let range = ranges[input] else {
      throw InferenceError.independent(
        of: graph[input].name, value: layer, model: graph.name)
    }
    return range
  }
}

extension ConvNetGraphs.Operation {
  /// The positions of an input, along a spatial axis, that some positions of the output come from. Of an operation that is not
  /// known to treat positions by themselves, all.
  fileprivate func seen(
    _ range: ClosedRange<Int>, of source: ValueID, axis: Int, in graph: Graph
  ) throws -> ClosedRange<Int> {
    let input = graph[source].shape
    let all = 0...max(0, (input.rank > 2 + axis ? input[2 + axis] : 1) - 1)
    func window(
      _ window: SlidingWindow, _ padding: Padding
    ) throws -> ClosedRange<Int> {
      do {
        let side = try padding.sides(window: window, input: input.spatial)[axis]
        let stride = window.strides[axis]
        let first = range.lowerBound * stride - side.before
        return first...(range.upperBound * stride - side.before + window.extent(axis) - 1)
      } catch {
        throw GraphError(subject: name, problem: error)
      }
    }
    switch attributes {
    case let convolution as Operation.Convolution:
      return try window(
        convolution.window(kernel: graph[inputs[1]].shape), convolution.padding)
    case let pooling as Operation.MaxPooling:
      return try window(
        SlidingWindow(
          kernel: pooling.window, strides: pooling.strides,
          dilations: pooling.strides.map { _ in 1 }),
        pooling.padding)
    case let pooling as Operation.AveragePooling:
      return try window(
        SlidingWindow(
          kernel: pooling.window, strides: pooling.strides,
          dilations: pooling.strides.map { _ in 1 }),
        pooling.padding)
    case let convolution as Operation.TransposedConvolution:
      let window = convolution.window(kernel: graph[inputs[1]].shape)
      let stride = window.strides[axis]
      let before: Int
      do { before = try convolution.sides()[axis].before } catch {
        throw GraphError(subject: name, problem: error)
      }
      // Input i reaches outputs from i S - p to i S - p + extent - 1.
      let first = range.lowerBound + before - window.extent(axis) + 1
      let start = first > 0 ? (first + stride - 1) / stride : 0
      let end = max(start, (range.upperBound + before) / stride)
      return min(start, all.upperBound)...min(end, all.upperBound)
    case let upsample as Operation.Upsample:
      let factor = upsample.factors[axis]
      // Linear interpolation reads a neighbour on each side.
      let margin = upsample.mode == .nearest ? 0 : 1
      return max(
        0, range.lowerBound / factor - margin)...min(
          all.upperBound, range.upperBound / factor + margin)
    case let pad as Operation.Pad:
      let before = pad.sides[axis].before
      return (range.lowerBound - before)...(range.upperBound - before)
    case is Operation.Activation, is Operation.Add, is Operation.Concatenate, is Operation.Multiply,
      is Operation.BatchNormalization, is Operation.LocalResponseNormalization,
      is Operation.Clip, is Operation.Dropout, is Operation.Softmax:
      return range
    case let slice as Operation.Slice where slice.axis != 2 + axis:
      return range
    case let slice as Operation.Slice:
      return (range.lowerBound + slice.start)...(range.upperBound + slice.start)
    default:
      return all
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
