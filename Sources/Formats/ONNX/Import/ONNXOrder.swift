/// The nodes that a graph's outputs need, in an order in which they can be computed. Files may have them in any.
struct ONNXOrder {
  private let nodes: [ONNXNode]
  private let graph: ONNXGraph

  init(_ nodes: [ONNXNode], in graph: ONNXGraph) {
    self.nodes = nodes
    self.graph = graph
  }

  /// - Throws: ``ONNXError/Problem`` where a value is made twice or never, or nodes read each other's results.
  func sorted() throws(ONNXError.Problem) -> [ONNXNode] {
    var producers: [String: Int] = [:]
    let given = Set(graph.inputs.map(\.name) + graph.initializers.map(\.name))
    guard Set(graph.inputs.map(\.name)).count == graph.inputs.count else {
      throw .duplicateName(
        graph.inputs.first { input in
          graph.inputs.count { $0.name == input.name } > 1
        }?.name ?? "")
    }
    for (index, node) in nodes.enumerated() {
      for output in node.outputs where !output.isEmpty {
        guard producers.updateValue(index, forKey: output) == nil, !given.contains(output) else {
          throw .duplicateName(output)
        }
      }
    }
    var missing: [String] = []
    var needed: [Bool] = nodes.map { _ in false }
    var waiting = graph.outputs.map(\.name)
    while let name = waiting.popLast() {
      if name.isEmpty || given.contains(name) { continue }
      guard let index = producers[name] else {
        if !missing.contains(name) { missing.append(name) }
        continue
      }
      guard !needed[index] else { continue }
      needed[index] = true
      waiting += nodes[index].inputs
    }
    guard missing.isEmpty else { throw .missingValues(missing.sorted()) }
    // As they stand in the file, as far as that is possible: first those that read nothing that is still to be made.
    var open = nodes.indices.map { index in
      needed[index] ? Set(nodes[index].inputs.compactMap { producers[$0] }).count : 0
    }
    var readers: [Int: [Int]] = [:]
    for index in nodes.indices where needed[index] {
      for producer in Set(nodes[index].inputs.compactMap({ producers[$0] })) {
        readers[producer, default: []].append(index)
      }
    }
    var ready = nodes.indices.filter { needed[$0] && open[$0] == 0 }
    var sorted: [Int] = []
    var next = 0
    while next < ready.count {
      let index = ready[next]
      next += 1
      sorted.append(index)
      for reader in readers[index, default: []] {
        open[reader] -= 1
        if open[reader] == 0 { ready.append(reader) }
      }
    }
    let done = Set(sorted)
    let left = nodes.indices.filter { needed[$0] && !done.contains($0) }
    guard left.isEmpty else { throw .cycle(nodes: left.map { nodes[$0].label }) }
    // A file in order stays in its order.
    let isOrdered = nodes.indices.allSatisfy { index in
      !needed[index] || nodes[index].inputs.allSatisfy { (producers[$0] ?? -1) < index }
    }
    return (isOrdered ? nodes.indices.filter { needed[$0] } : sorted).map { nodes[$0] }
  }
}
