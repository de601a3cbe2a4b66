/// Finds the tensors with names in what a checkpoint holds.
///
/// A checkpoint is a dictionary of tensors, or a dictionary in which such a one lies beside the
/// epoch, the optimizer's state and so on, under a name that people have agreed on more or less.
struct StateDictionary {
  /// In the order of the file; each with the place of its view.
  private(set) var tensors: [(name: String, view: Int)] = []
  /// The keys under which they were found.
  private(set) var path: [String] = []
  /// The keys beside the path under which there are tensors by name too, as averaged ones are.
  private(set) var alternatives: [String] = []
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
    var search = Search(heap: heap)
    guard let path = try search.find(in: root, depth: 0) else {
      throw .noStateDictionary(found: root.kind)
    }
    self.path = path.keys
    alternatives = search.alternatives
    var places: [String: Int] = [:]
    var nameBytes = 0
    for item in path.items {
      guard case (.text(let name), .tensor(let view)) = item else {
        otherCount += 1
        continue
      }
      // A text that is remembered can be the name of every item.
      nameBytes += name.utf8.count
      guard nameBytes <= PickleReader.byteLimit else {
        throw .tooLarge(
          what: "bytes of the tensors' names", count: nameBytes, limit: PickleReader.byteLimit)
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

  /// Goes through each dictionary once, in however many places it stands.
  private struct Search {
    let heap: PickleHeap
    private var visited: Set<PickleValue> = []
    /// Whether a dictionary has tensors by name.
    private var known: [PickleValue: Bool] = [:]
    /// Of the dictionaries on the way to what was found, the outermost first.
    private(set) var alternatives: [String] = []

    init(heap: PickleHeap) { self.heap = heap }

    mutating func find(
      in value: PickleValue, depth: Int
    ) throws(PyTorchError.Problem) -> (keys: [String], items: Items)? {
      guard depth <= depthLimit, case .dictionary(let items)? = heap[value],
        visited.insert(value).inserted
      else { return nil }
      let sections = items.compactMap { item -> (key: String, value: PickleValue)? in
        guard case .text(let key) = item.key, case .dictionary? = heap[item.value] else {
          return nil
        }
        return (key, item.value)
      }
      for name in sectionNames {
        guard let section = sections.last(where: { $0.key == name }),
          let found = try find(in: section.value, depth: depth + 1)
        else { continue }
        let others = sections.filter { $0.value != section.value && hasTensors($0.value) }
        alternatives = others.map(\.key) + alternatives
        return ([name] + found.keys, found.items)
      }
      if hasTensors(value) { return ([], items) }
      let candidates = sections.filter { hasTensors($0.value) }
      guard candidates.count <= 1 else {
        throw .severalStateDictionaries(candidates.map(\.key))
      }
      guard let section = candidates.first, case .dictionary(let found)? = heap[section.value]
      else { return nil }
      return ([section.key], found)
    }

    private mutating func hasTensors(_ value: PickleValue) -> Bool {
      if let answer = known[value] { return answer }
      guard case .dictionary(let items)? = heap[value] else { return false }
      let answer = items.contains { if case (.text, .tensor) = $0 { true } else { false } }
      known[value] = answer
      return answer
    }
  }
}
