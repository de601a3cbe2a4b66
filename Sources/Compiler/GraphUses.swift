import ConvNetGraphs

/// Who makes and who reads each value of a graph, found once for a whole pass: were the graph asked anew at every operation,
/// a pass would take a time that grows as the square of their number.
///
/// A pass leaves operations at their indices: those that it removes it empties, with ``Graph/empty(_:)``, for dead-value
/// removal to take away. What it changes otherwise it notes here.
struct GraphUses {
  private var producers: [ValueID: Int]
  private var readings: [ValueID: [Int]]
  private(set) var results: Set<ValueID>

  init(_ graph: Graph) {
    producers = graph.producers
    readings = graph.consumers
    results = graph.results
  }

  /// The operation that makes a value; `nil` where none does.
  func producer(of value: ValueID) -> Int? { producers[value] }

  /// The operations that read a value, in order but for those noted later; one entry a reading.
  func readers(of value: ValueID) -> [Int] { readings[value, default: []] }

  /// The operation that makes nothing but a value which is read once and is no result; `nil` where there is more to it.
  func soleProducer(of value: ValueID, in graph: Graph) -> Int? {
    guard !results.contains(value), readers(of: value).count == 1, let index = producers[value],
      graph.operations[index].outputs == [value]
    else { return nil }
    return index
  }

  /// The operation that alone reads a value, once; `nil` where there are others, none, or the value is a result.
  func soleReader(of value: ValueID) -> Int? {
    let readers = readers(of: value)
    return readers.count == 1 && !results.contains(value) ? readers[0] : nil
  }

  mutating func note(producer index: Int, of value: ValueID) { producers[value] = index }

  /// The operation reads a value once more.
  mutating func note(reader index: Int, of value: ValueID) {
    readings[value, default: []].append(index)
  }

  /// The operation does not read a value any more.
  mutating func forget(reader index: Int, of value: ValueID) {
    readings[value]?.removeAll { $0 == index }
  }

  /// Whoever read `old` reads `new`, and so does whoever wants it as a result.
  mutating func note(replacing old: ValueID, with new: ValueID) {
    // The shorter list moves.
    var (kept, moved) = (readings[new, default: []], readings.removeValue(forKey: old) ?? [])
    readings[new] = nil
    if kept.count < moved.count { swap(&kept, &moved) }
    kept += moved
    readings[new] = kept
    if results.remove(old) != nil { results.insert(new) }
  }
}

extension Graph {
  /// Takes an operation out of the graph but for its index.
  mutating func empty(_ index: Int) {
    operations[index].inputs = []
    operations[index].outputs = []
  }

  /// Writes the operations anew, with others before some of them.
  ///
  /// - Parameters:
  ///   - moved: operations, by index, that go to before another, which comes sooner.
  ///   - inserted: new operations, which come after those that are moved to the same place.
  mutating func rearrange(moving moved: [Int: Int], inserting inserted: [Int: [Operation]]) {
    guard !moved.isEmpty || !inserted.isEmpty else { return }
    let arrivals = Dictionary(grouping: moved.keys.sorted()) { moved[$0, default: $0] }
    var rearranged: [Operation] = []
    rearranged.reserveCapacity(operations.count)
    for (index, operation) in operations.enumerated() {
      rearranged += arrivals[index, default: []].map { operations[$0] }
      rearranged += inserted[index, default: []]
      if moved[index] == nil { rearranged.append(operation) }
    }
    operations = rearranged
  }
}
