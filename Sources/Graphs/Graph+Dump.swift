import ConvNetTensors

extension Graph {
  /// The graph as text: one operation a line, with what it makes and what it reads.
  ///
  /// ```
  /// lenet5: 13 operations, 61706 parameters, 416520 multiply-adds
  /// input   image 1x1x28x28
  /// conv1   convolution 5x5 stride 1 same   1x6x28x28   image, conv1.weight 6x1x5x5, conv1.bias 6
  /// ...
  /// output  logits = dense3
  /// ```
  public var dump: String {
    let cost = cost
    var lines = [
      "\(name): \(operations.count) operations, \(cost.parameters) parameters, "
        + "\(cost.multiplyAdds) multiply-adds"
    ]
    var rows = inputs.map { ["input", "\(self[$0].name) \(describe(self[$0].type))"] }
    rows += operations.map { operation in
      [
        operation.name,
        summary(of: operation) + (operation.phase == .preparation ? " (once)" : ""),
        operation.outputs.map { describe(self[$0].type) }.joined(separator: ", "),
        operation.inputs.map(reference).joined(separator: ", "),
      ]
    }
    rows += outputs.map { output in
      let weight = output.auxiliaryWeight.map { " (auxiliary, weight \($0))" } ?? ""
      return ["output", "\(output.name) = \(reference(output.value))\(weight)"]
    }
    rows += parameterUpdates.map {
      ["update", "\(self[$0.parameter].name) = \(reference($0.value))"]
    }
    lines += aligned(rows)
    return lines.joined(separator: "\n") + "\n"
  }

  /// A value as an operation reads it. Parameters appear only there, so with their shape.
  private func reference(_ id: ValueID) -> String {
    let value = self[id]
    return value.parameterKind == nil ? value.name : "\(value.name) \(describe(value.type))"
  }
}

/// `64x10`, and the element type where it is not the usual one.
func describe(_ type: ValueType) -> String {
  type.elementType == .float32 ? "\(type.shape)" : "\(type.shape) \(type.elementType)"
}

/// Pads the cells of rows of four so that they stand below each other. Shorter rows are notes,
/// which take no part in the widths after the first cell.
private func aligned(_ rows: [[String]]) -> [String] {
  var widths = [rows.map { $0[0].count }.max() ?? 0]
  for column in 1..<3 {
    widths.append(rows.filter { $0.count == 4 }.map { $0[column].count }.max() ?? 0)
  }
  return rows.map { row in
    var line = ""
    for (column, cell) in row.enumerated() {
      line += cell
      guard column < row.count - 1 else { break }
      // A cell that is wider than all others need not widen these.
      let width = min(widths[column], 120)
      line += String(repeating: " ", count: max(0, width - cell.count) + 2)
    }
    while line.last == " " { line.removeLast() }
    return line
  }
}
