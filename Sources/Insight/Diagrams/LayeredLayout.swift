/// Places for the boxes of a drawing: each below all that lead to it, arrows as straight as can be (K. Sugiyama, S. Tagawa,
/// M. Toda, "Methods for Visual Understanding of Hierarchical System Structures", 1981).
struct LayeredLayout {
  /// A box, or a place that a long arrow goes through.
  struct Node {
    /// `nil` of a place on an arrow.
    var box: Int?
    var width: Double
    var layer: Int
    /// The middle.
    var x = 0.0
    var above: [Int] = []
    var below: [Int] = []
  }

  private(set) var nodes: [Node]
  /// Nodes of each layer from left to right.
  private(set) var layers: [[Int]] = []
  /// The nodes that each arrow goes through, from its source to its target.
  private(set) var routes: [[Int]] = []

  private static let gap = 22.0
  private static let wire = 10.0

  /// - Precondition: arrows lead from earlier boxes to later ones.
  init(widths: [Double], arrows: [(source: Int, target: Int)]) {
    var depth = [Int](repeating: 0, count: widths.count)
    for target in widths.indices {
      for arrow in arrows where arrow.target == target {
        depth[target] = max(depth[target], depth[arrow.source] + 1)
      }
    }
    nodes = widths.indices.map { Node(box: $0, width: widths[$0], layer: depth[$0]) }
    for arrow in arrows {
      var route = [arrow.source]
      for layer in depth[arrow.source] + 1..<max(depth[arrow.source] + 1, depth[arrow.target]) {
        nodes.append(Node(box: nil, width: Self.wire, layer: layer))
        route.append(nodes.count - 1)
      }
      route.append(arrow.target)
      for (upper, lower) in zip(route, route.dropFirst()) {
        nodes[upper].below.append(lower)
        nodes[lower].above.append(upper)
      }
      routes.append(route)
    }
    layers = [[Int]](repeating: [], count: (nodes.map(\.layer).max() ?? -1) + 1)
    for index in nodes.indices { layers[nodes[index].layer].append(index) }
    order()
    place()
  }

  /// Sorts each layer by the middle of its neighbours, down and up some times.
  private mutating func order() {
    var rank = [Double](repeating: 0, count: nodes.count)
    func note(_ layer: [Int]) {
      for (place, node) in layer.enumerated() { rank[node] = Double(place) }
    }
    layers.forEach(note)
    for sweep in 0..<8 {
      let isDown = sweep % 2 == 0
      for layer in isDown ? Array(layers.indices.dropFirst()) : layers.indices.dropLast().reversed()
      {
        let keys = layers[layer].map { node in
          let neighbours = isDown ? nodes[node].above : nodes[node].below
          return neighbours.isEmpty
            ? rank[node] : neighbours.reduce(0) { $0 + rank[$1] } / Double(neighbours.count)
        }
        let order = layers[layer].indices.sorted { (keys[$0], $0) < (keys[$1], $1) }
        layers[layer] = order.map { layers[layer][$0] }
        note(layers[layer])
      }
    }
  }

  /// Moves each node towards the middle of its neighbours as far as its layer has room.
  private mutating func place() {
    for layer in layers {
      var x = 0.0
      for node in layer {
        nodes[node].x = x + nodes[node].width / 2
        x += nodes[node].width + Self.gap
      }
      let middle = (x - Self.gap) / 2
      for node in layer { nodes[node].x -= middle }
    }
    for sweep in 0..<12 {
      let isDown = sweep % 2 == 0
      for layer in isDown ? Array(layers.indices) : layers.indices.reversed() {
        let wanted = layers[layer].map { node in
          let neighbours = isDown ? nodes[node].above : nodes[node].below
          return neighbours.isEmpty
            ? nodes[node].x : neighbours.reduce(0) { $0 + nodes[$1].x } / Double(neighbours.count)
        }
        for (node, x) in zip(layers[layer], settled(layers[layer], wanted)) { nodes[node].x = x }
      }
    }
    let left = nodes.map { $0.x - $0.width / 2 }.min() ?? 0
    for index in nodes.indices { nodes[index].x -= left }
  }

  /// The places nearest to the wanted ones, in the least squares, at which nodes keep their order and do not overlap: of those
  /// that touch, the mean (pool of adjacent violators).
  private func settled(_ layer: [Int], _ wanted: [Double]) -> [Double] {
    var offsets: [Double] = []
    var offset = 0.0
    for (place, node) in layer.enumerated() {
      if place > 0 {
        offset += (nodes[layer[place - 1]].width + nodes[node].width) / 2 + Self.gap
      }
      offsets.append(offset)
    }
    var pools: [(sum: Double, count: Int)] = []
    for (x, offset) in zip(wanted, offsets) {
      pools.append((x - offset, 1))
      while pools.count > 1,
        pools[pools.count - 2].sum / Double(pools[pools.count - 2].count)
          > pools[pools.count - 1].sum / Double(pools[pools.count - 1].count)
      {
        let last = pools.removeLast()
        pools[pools.count - 1].sum += last.sum
        pools[pools.count - 1].count += last.count
      }
    }
    let levels = pools.flatMap { [Double](repeating: $0.sum / Double($0.count), count: $0.count) }
    return zip(levels, offsets).map(+)
  }
}
