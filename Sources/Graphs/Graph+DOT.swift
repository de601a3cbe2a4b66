extension Graph {
  /// The graph in the language of Graphviz: a box an operation, an arrow a value with its shape.
  /// Parameters are left out. `dot -Tsvg` draws it.
  public var dot: String {
    var lines = [
      "digraph \(quoted(name)) {",
      "  node [shape=box, fontname=\"Helvetica\"];",
      "  edge [fontname=\"Helvetica\", fontsize=10];",
    ]
    let producers = producers
    func node(_ id: ValueID) -> String? {
      if let index = producers[id] { return "operation\(index)" }
      return self[id].source == .input ? "input\(id.index)" : nil
    }
    func arrow(from id: ValueID, to target: String) {
      guard let source = node(id) else { return }
      lines.append("  \(source) -> \(target) [label=\(quoted(describe(self[id].type)))];")
    }
    for id in inputs {
      lines.append("  input\(id.index) [label=\(quoted(self[id].name)), shape=ellipse];")
    }
    for (index, operation) in operations.enumerated() {
      let label = quoted("\(operation.name)\n\(summary(of: operation))")
      lines.append("  operation\(index) [label=\(label)];")
      for input in operation.inputs { arrow(from: input, to: "operation\(index)") }
    }
    for (index, output) in outputs.enumerated() {
      lines.append("  output\(index) [label=\(quoted(output.name)), shape=ellipse];")
      arrow(from: output.value, to: "output\(index)")
    }
    lines.append("}")
    return lines.joined(separator: "\n") + "\n"
  }
}

/// A string in double quotes, with what would end it or break the line escaped.
private func quoted(_ text: String) -> String {
  let escaped = text.map { character in
    switch character {
    case "\"": "\\\""
    case "\\": "\\\\"
    case "\n": "\\n"
    case "\r": "\\r"
    default: String(character)
    }
  }
  return "\"\(escaped.joined())\""
}
