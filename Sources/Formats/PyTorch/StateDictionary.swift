/// Finds the tensors with names in what a checkpoint holds.
///
/// A checkpoint is a dictionary of tensors, or a dictionary in which such a one lies beside the
/// epoch, the optimizer's state and so on, under a name that people have agreed on more or less.
struct StateDictionary {
  /// In the order of the file; each with the place of its view.
  private(set) var tensors: [(name: String, view: Int)] = []
  /// The keys under which they were found.
  private(set) var path: [String] = []
  /// How many entries beside the tensors are something else.
  private(set) var otherCount = 0

  /// From the likeliest to the least.
  private static let sectionNames = [
    "state_dict", "model_state_dict", "model_state", "model", "net", "network", "module", "weights",
    "params", "params_ema", "ema",
  ]
  private static let depthLimit = 4

  private typealias Items = [(key: PickleValue, value: PickleValue)]

  init(in root: PickleValue, _ heap: PickleHeap) throws(PyTorchError.Problem) {
    var visited: Set<PickleValue> = []
    guard let path = try Self.find(in: root, heap, depth: 0, visited: &visited) else {
      throw .noStateDictionary(found: root.kind)
    }
    self.path = path.keys
    var places: [String: Int] = [:]
    for item in path.items {
      guard case (.text(let name), .tensor(let view)) = item else {
        otherCount += 1
        continue
      }
      // As in Python, a later value of a key replaces an earlier one.
      if let place = places[name] {
        tensors[place].view = view
      } else {
        places[name] = tensors.count
        tensors.append((name, view))
      }
    }
  }

  private static func find(
    in value: PickleValue, _ heap: PickleHeap, depth: Int, visited: inout Set<PickleValue>
  ) throws(PyTorchError.Problem) -> (keys: [String], items: Items)? {
    guard depth <= depthLimit, case .dictionary(let items)? = heap[value],
      visited.insert(value).inserted
    else { return nil }
    let sections = items.compactMap { item -> (key: String, value: PickleValue)? in
      guard case .text(let key) = item.key, case .dictionary? = heap[item.value] else { return nil }
      return (key, item.value)
    }
    for name in sectionNames {
      guard let section = sections.last(where: { $0.key == name }),
        let found = try find(in: section.value, heap, depth: depth + 1, visited: &visited)
      else { continue }
      return ([name] + found.keys, found.items)
    }
    if hasTensors(items) { return ([], items) }
    let candidates = sections.compactMap { section -> (key: String, items: Items)? in
      guard case .dictionary(let items)? = heap[section.value], hasTensors(items) else {
        return nil
      }
      return (section.key, items)
    }
    guard candidates.count <= 1 else {
      throw .severalStateDictionaries(candidates.map(\.key))
    }
    return candidates.first.map { ([$0.key], $0.items) }
  }

  private static func hasTensors(_ items: Items) -> Bool {
    items.contains { if case (.text, .tensor) = $0 { true } else { false } }
  }
}
