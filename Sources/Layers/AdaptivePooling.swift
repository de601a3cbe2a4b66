public import ConvNetGraphs
import ConvNetTensors

/// The mean of every part of a grid that is cut into a given number of rows and columns: a result of
/// the same size whatever the picture's.
///
/// Row i of r rows covers positions floor(i H / r) up to ceil((i + 1) H / r) of H, columns likewise:
/// where H is no multiple of r, neighbours overlap, and windows may differ in size (PyTorch's
/// `adaptive_avg_pool2d`). Made of pooling operations: one where all windows are alike and evenly
/// spaced, else one for every group of rows and columns that are.
public struct AdaptiveAveragePool2D: Layer {
  /// The height of the result, whatever the input's.
  public var rows: Int
  /// The width of the result.
  public var columns: Int

  /// A square result of that height and width.
  public init(_ extent: Int) {
    self.init(rows: extent, columns: extent)
  }

  /// A result of that height and width, both positive.
  public init(rows: Int, columns: Int) {
    self.rows = rows
    self.columns = columns
  }

  public var defaultName: String { "pool" }

  public func append(
    to builder: inout LayerBuilder, input: ValueID
  ) throws(GraphError) -> ValueID {
    let shape = builder.shape(input)
    guard shape.rank == 4, rows > 0, columns > 0 else {
      throw GraphError(
        subject: builder.layerName,
        problem: .attribute(
          name: "adaptive pooling", value: "\(rows)x\(columns) on \(shape)",
          requirement: "positive, on an input of 4 dimensions"))
    }
    let bands = (
      rows: WindowRun.runs(of: rows, over: shape[2]),
      columns: WindowRun.runs(of: columns, over: shape[3])
    )
    guard bands.rows.count > 1 || bands.columns.count > 1 else {
      return try append(bands.rows[0], bands.columns[0], to: &builder, input: input, part: nil)
    }
    var parts: [ValueID] = []
    for (i, row) in bands.rows.enumerated() {
      for (j, column) in bands.columns.enumerated() {
        let part = "\(i),\(j)"
        let pooled = try append(row, column, to: &builder, input: input, part: part)
        parts.append(
          try builder.append(
            Operation.Pad(
              sides: [row.sides(within: rows), column.sides(within: columns)], mode: .zero),
            to: pooled, part: "\(part) in place"))
      }
    }
    return try builder.append(Operation.Add(), toAll: parts, part: "join")
  }

  /// The windows of a group of rows and one of columns.
  private func append(
    _ row: WindowRun, _ column: WindowRun, to builder: inout LayerBuilder, input: ValueID,
    part: String?
  ) throws(GraphError) -> ValueID {
    var value = input
    for (axis, run) in [(2, row), (3, column)] where run.extent < builder.shape(value)[axis] {
      value = try builder.append(
        Operation.Slice(axis: axis, start: run.start, count: run.extent), to: value,
        part: "\(part ?? "") axis \(axis)")
    }
    return try builder.append(
      Operation.AveragePooling(
        window: [row.size, column.size], strides: [row.stride, column.stride]),
      to: value, part: part)
  }
}

/// Neighbouring windows of equal size and distance along one axis.
private struct WindowRun {
  /// The place of the first among all windows.
  var first: Int
  var count: Int
  /// Where the first begins.
  var start: Int
  var size: Int
  var stride: Int

  /// Positions from the beginning of the first window to the end of the last.
  var extent: Int { (count - 1) * stride + size }

  /// How many windows of all lie before and after.
  func sides(within all: Int) -> Padding.Sides {
    .init(before: first, after: all - first - count)
  }

  static func runs(of windows: Int, over extent: Int) -> [WindowRun] {
    var runs: [WindowRun] = []
    for window in 0..<windows {
      let start = window * extent / windows
      let size = ((window + 1) * extent + windows - 1) / windows - start
      if var last = runs.last, last.size == size,
        last.count == 1 || start == last.start + last.count * last.stride,
        case let distance = (start - last.start) / last.count, distance > 0
      {
        last.stride = distance
        last.count += 1
        runs[runs.count - 1] = last
      } else {
        runs.append(WindowRun(first: window, count: 1, start: start, size: size, stride: 1))
      }
    }
    return runs
  }
}
