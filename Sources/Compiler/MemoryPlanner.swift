/// Places buffers of known sizes and lifetimes in one arena, so that no two that live at the same time overlap.
///
/// Greedy by size: the largest buffer first, each at the lowest offset that is free during its whole life. The planner
/// knows only sizes and lifetimes; what the buffers hold is the engine's affair.
package struct MemoryPlanner {
  /// A buffer that is alive from the step that first writes it to the step that last reads it, both included.
  package struct Request: Hashable, Sendable {
    package var byteCount: Int
    package var lifetime: ClosedRange<Int>

    package init(byteCount: Int, lifetime: ClosedRange<Int>) {
      self.byteCount = byteCount
      self.lifetime = lifetime
    }
  }

  /// Where each request lies, in the order of the requests.
  package struct Placement: Hashable, Sendable {
    package var offsets: [Int]
    package var byteCount: Int
  }

  /// Offsets are multiples of a cache line, which is also the widest vector.
  package static let alignment = 64

  package static func plan(_ requests: [Request]) -> Placement {
    var offsets = [Int](repeating: 0, count: requests.count)
    var placed: [(request: Int, range: Range<Int>)] = []  // by offset
    var total = 0
    let order = requests.indices.sorted {
      (requests[$0].byteCount, requests[$1].lifetime.lowerBound)
        > (requests[$1].byteCount, requests[$0].lifetime.lowerBound)
    }
    for index in order where requests[index].byteCount > 0 {
      let size = (requests[index].byteCount + alignment - 1) / alignment * alignment
      var offset = 0
      for (other, range) in placed
      where requests[other].lifetime.overlaps(requests[index].lifetime) {
        if offset + size <= range.lowerBound { break }
        offset = max(offset, range.upperBound)
      }
      offsets[index] = offset
      let range = offset..<offset + size
      let position = placed.firstIndex { $0.range.lowerBound > offset } ?? placed.endIndex
      placed.insert((index, range), at: position)
      total = max(total, range.upperBound)
    }
    return Placement(offsets: offsets, byteCount: total)
  }
}
