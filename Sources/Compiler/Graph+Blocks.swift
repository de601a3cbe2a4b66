import ConvNetGraphs
import ConvNetTensors

// The forward pass is cut where little crosses from one block to the next: between residual or Inception blocks, in a plain
// chain between layers. What crosses is kept, what a block makes within is computed again before the block's backward pass; the
// last block's is kept, since its backward pass comes at once. Blocks take the next cut after so many bytes, and that number is
// found by trying: Chen et al., 2016, algorithm 3.

extension Graph {
  /// Computes blocks of the forward pass again, in the division of least memory.
  mutating func recomputeBlocks() {
    guard let start = backwardStart,
      !operations.contains(where: { $0.role == .recomputation })
    else { return }
    let cutter = BlockCutter(self, forward: start)
    let plain = (graph: self, peak: peakByteCount, work: 0)
    var candidates = [plain]
    var seen: Set<[Int]> = [[]]
    for parts in 2...Self.mostBlocks {
      let cuts = cutter.cuts(parts: parts)
      guard seen.insert(cuts).inserted else { continue }
      var graph = self
      graph.recompute(cutter.values(within: cuts))
      candidates.append((graph, graph.peakByteCount, graph.recomputedMultiplyAdds))
    }
    // Of those that need hardly more than the least memory, the one of least work.
    let least = candidates.map(\.peak).min() ?? 0
    let best = candidates.filter { $0.peak <= least + least / 32 }.min { $0.work < $1.work }
    self = best?.graph ?? self
  }

  private static let mostBlocks = 48

  private var recomputedMultiplyAdds: Int {
    operations.filter { $0.role == .recomputation }.reduce(0) { sum, operation in
      sum
        + operation.kind.attributes.multiplyAdds(
          inputs: operation.inputs.map { self[$0].type },
          outputs: operation.outputs.map { self[$0].type })
    }
  }

  /// The most bytes of computed values that are alive at the same time, nearly as the engine will place them: its scratch
  /// memory and its copies in other layouts are left out.
  var peakByteCount: Int {
    var lastUse = [Int](repeating: -1, count: values.count)
    for (index, operation) in operations.enumerated() {
      for input in operation.inputs { lastUse[input.index] = index }
    }
    for result in results { lastUse[result.index] = .max }
    var (alive, peak) = (0, 0)
    for (index, operation) in operations.enumerated() {
      let dying = Set(operation.inputs).filter {
        self[$0].source == .operation && lastUse[$0.index] == index
      }
      let made = operation.outputs.reduce(0) { $0 + keptByteCount(of: $1) }
      let reused =
        operation.kind.traits.overwritesInput
        ? dying.map { keptByteCount(of: $0) }.first {
          $0 == keptByteCount(of: operation.outputs[0])
        }
        : nil
      peak = max(peak, alive + made - (reused ?? 0))
      let unread = operation.outputs.filter { lastUse[$0.index] < 0 }
      alive += made - (Array(dying) + unread).reduce(0) { $0 + keptByteCount(of: $1) }
    }
    return peak
  }

  /// Masks are a bit an element.
  fileprivate func keptByteCount(of value: ValueID) -> Int {
    let type = self[value].type
    return type.elementType == .uint8 ? type.byteCount / 8 : type.byteCount
  }
}

/// Knows what each place between two operations of the forward pass would have to keep.
private struct BlockCutter {
  /// A value of the forward pass.
  private struct Life {
    var value: ValueID
    var producer: Int
    /// The last operation of the forward pass that reads it.
    var lastReader: Int
    var mayBeRecomputed: Bool
  }

  private var lives: [Life] = []
  /// Bytes that each operation of the forward pass makes and the backward pass reads.
  private var saved: [Int]
  /// Bytes that cross from the operations before an index to those from there on, what is kept anyway left out.
  private var crossing: [Int]
  /// The last place before each at which something else crosses; 0 where there is none.
  private var differing: [Int] = []

  init(_ graph: Graph, forward count: Int) {
    saved = [Int](repeating: 0, count: count)
    crossing = saved + [0]
    let results = graph.results
    let consumers = graph.consumers
    for (index, operation) in graph.operations[..<count].enumerated() {
      for (place, output) in operation.outputs.enumerated() {
        let readers = consumers[output, default: []]
        let life = Life(
          value: output, producer: index,
          lastReader: readers.last { $0 < count } ?? index,
          mayBeRecomputed: !results.contains(output)
            && operation.kind.traits.recomputable.contains(place))
        lives.append(life)
        let byteCount = graph.keptByteCount(of: output)
        if life.mayBeRecomputed, readers.contains(where: { $0 >= count }) {
          saved[index] += byteCount
        }
        // Differences first: a value may cross everything.
        if life.mayBeRecomputed, life.lastReader > index {
          crossing[index + 1] += byteCount
          crossing[life.lastReader + 1] -= byteCount
        }
      }
    }
    for place in crossing.indices.dropFirst() { crossing[place] += crossing[place - 1] }
    differing = [Int](repeating: 0, count: crossing.count)
    for place in crossing.indices.dropFirst() {
      let isSame = crossing[place - 1] == crossing[place]
      differing[place] = isSame ? differing[place - 1] : place - 1
    }
  }

  /// Cuts into about so many parts, that are alike in what they would keep.
  func cuts(parts: Int) -> [Int] {
    let budget = saved.reduce(0, +) / parts
    var cuts: [Int] = []
    var sum = 0
    for place in saved.indices.dropFirst() {
      sum += saved[place - 1]
      guard sum > 0, sum >= budget, isNarrow(place) else { continue }
      cuts.append(place)
      sum = 0
    }
    return cuts
  }

  /// Whether less crosses than before, or as much since then: not so within a block, where the shortcut crosses as well.
  private func isNarrow(_ place: Int) -> Bool {
    let before = differing[place]
    return before == 0 || crossing[before] > crossing[place]
  }

  /// What blocks between cuts make and nothing beyond them reads; that of the last block left out.
  func values(within cuts: [Int]) -> Set<ValueID> {
    guard let end = cuts.last else { return [] }
    var within: Set<ValueID> = []
    // Both in the order of the operations.
    var next = 0
    for life in lives where life.mayBeRecomputed && life.producer < end {
      while cuts[next] <= life.producer { next += 1 }
      if cuts[next] > life.lastReader { within.insert(life.value) }
    }
    return within
  }
}
