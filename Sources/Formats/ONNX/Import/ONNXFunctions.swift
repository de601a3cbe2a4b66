/// Replaces nodes that stand for a function of the file by the function's nodes.
struct ONNXFunctions {
  private struct Key: Hashable {
    var domain: String
    var name: String
  }

  private let functions: [Key: ONNXFunction]
  private let version: Int
  /// Functions within functions.
  private static let depthLimit = 32

  init(_ functions: [ONNXFunction], version: Int) throws(ONNXError.Problem) {
    self.version = version
    var table: [Key: ONNXFunction] = [:]
    for function in functions {
      let key = Key(domain: function.domain, name: function.name)
      guard table.updateValue(function, forKey: key) == nil else {
        throw .function(function.name, reason: "there are two of this name")
      }
    }
    self.functions = table
  }

  func inlined(_ nodes: [ONNXNode]) throws(ONNXError.Problem) -> [ONNXNode] {
    guard !functions.isEmpty else { return nodes }
    var result: [ONNXNode] = []
    var calls = 0
    var names = 0
    for node in nodes { try append(node, to: &result, calls: &calls, names: &names, depth: 0) }
    return result
  }

  private func append(
    _ node: ONNXNode, to result: inout [ONNXNode], calls: inout Int, names nameCount: inout Int,
    depth: Int
  ) throws(ONNXError.Problem) {
    guard let function = functions[Key(domain: node.domain, name: node.kind)] else {
      result.append(node)
      guard result.count <= ONNXLimits.nodes else {
        throw .tooMany("nodes", limit: ONNXLimits.nodes)
      }
      return
    }
    guard depth < Self.depthLimit else {
      throw .function(
        function.name, reason: "functions within functions are more than \(Self.depthLimit) deep")
    }
    if let own = function.operatorSets.version, own != version {
      throw .function(
        function.name,
        reason: "its operators are of version \(own), those of the graph of \(version)")
    }
    calls += 1
    guard calls <= ONNXLimits.nodes else { throw .tooMany("nodes", limit: ONNXLimits.nodes) }
    let prefix = "\(node.label.prefix(100))/\(calls)/"
    var names: [String: String] = ["": ""]
    for (index, input) in function.inputs.enumerated() {
      names[input] = index < node.inputs.count ? node.inputs[index] : ""
    }
    for (index, output) in function.outputs.enumerated() where names[output] == nil {
      let outer = index < node.outputs.count ? node.outputs[index] : ""
      names[output] = outer.isEmpty ? prefix + output : outer
    }
    var settings = Dictionary(
      function.defaults.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
    for attribute in node.attributes { settings[attribute.name] = attribute.value }
    for var inner in function.nodes {
      nameCount += inner.inputs.count + inner.outputs.count + inner.attributes.count
      try ONNXLimits.require(
        nameCount, atMost: ONNXLimits.listCount, of: "names in functions' nodes")
      inner.inputs = inner.inputs.map { names[$0] ?? prefix + $0 }
      inner.outputs = inner.outputs.map { names[$0] ?? prefix + $0 }
      inner.name = prefix + inner.label.suffix(100)
      inner.attributes = inner.attributes.compactMap { attribute in
        guard case .reference(let name) = attribute.value else { return attribute }
        return settings[name].map { ONNXAttribute(attribute.name, value: $0) }
      }
      try append(inner, to: &result, calls: &calls, names: &nameCount, depth: depth + 1)
    }
    // What a function gives back may be what it is given.
    for (index, output) in function.outputs.enumerated()
    where function.inputs.contains(output) && index < node.outputs.count {
      result.append(
        ONNXNode(
          "Identity", inputs: [names[output] ?? ""], outputs: [node.outputs[index]],
          name: prefix + "identity\(index)"))
    }
  }
}
