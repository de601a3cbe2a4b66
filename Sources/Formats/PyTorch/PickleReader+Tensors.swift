import ConvNetTensors

extension PickleReader {
  /// What a function of Python would return.
  mutating func call(
    _ function: PickleValue, _ arguments: PickleValue
  ) throws(PyTorchError.Problem) -> PickleValue {
    guard case .global(let global) = function, let values = heap.tuple(arguments) else {
      throw .malformed(expected: "a function and a tuple of its arguments")
    }
    switch global {
    case .orderedDictionary: return try dictionary(values)
    case .rebuildTensor: return try tensor(values, type: nil)
    case .rebuildTypedTensor:
      guard values.count >= 7, case .global(.elementType(let type)) = values[6] else {
        throw .malformed(expected: "the element type of a tensor")
      }
      return try tensor(values, type: type)
    case .rebuildParameter:
      guard case .tensor? = values.first else { throw .malformed(expected: "a parameter's tensor") }
      return values[0]
    case .rebuildFromType:
      guard values.count >= 3, case .global(let inner) = values[0],
        inner == .rebuildTensor || inner == .rebuildTypedTensor,
        values[1] == .global(.tensorType)
      else { throw .malformed(expected: "a tensor of PyTorch's own class") }
      return try call(values[0], values[2])
    case .harmless(let name): return .opaque(name)
    case .storageType, .untypedStorage, .elementType, .tensorType:
      throw .malformed(expected: "a function that rebuilds a tensor")
    }
  }

  /// What a class of Python would make.
  mutating func make(
    _ type: PickleValue, _ arguments: PickleValue
  ) throws(PyTorchError.Problem) -> PickleValue {
    switch type {
    case .global(.orderedDictionary), .global(.harmless): return try call(type, arguments)
    default: throw .malformed(expected: "a class of containers")
    }
  }

  /// An ordered dictionary of nothing, or of the pairs in a list.
  private mutating func dictionary(
    _ arguments: [PickleValue]
  ) throws(PyTorchError.Problem) -> PickleValue {
    guard let pairs = arguments.first else { return try add(.dictionary([])) }
    guard arguments.count == 1, case .list(let items)? = heap[pairs] else {
      throw .malformed(expected: "a list of keys and values")
    }
    // The list may be one that other dictionaries were made of before.
    try account(for: items.count)
    var entries: [(key: PickleValue, value: PickleValue)] = []
    for item in items {
      switch heap[item] {
      case .list(let pair) where pair.count == 2, .tuple(let pair) where pair.count == 2:
        entries.append((pair[0], pair[1]))
      default: throw .malformed(expected: "a key and a value")
      }
    }
    return try add(.dictionary(entries))
  }

  /// A persistent identifier: `("storage", class, key, device, element count)`.
  mutating func storage(_ identifier: PickleValue) throws(PyTorchError.Problem) -> PickleValue {
    guard let values = heap.tuple(identifier), values.count == 5, values[0] == .text("storage"),
      case .global(let kind) = values[1], case .text(let key) = values[2],
      case .integer(let count) = values[4], count >= 0
    else { throw .malformed(expected: "the class, key and size of a storage") }
    try account(for: 1 + Self.values(in: key))
    let elementType: ElementType?
    switch kind {
    case .storageType(let type): elementType = type
    case .untypedStorage: elementType = nil
    default: throw .malformed(expected: "a class of storages")
    }
    let (byteCount, overflow) = count.multipliedReportingOverflow(by: elementType?.byteCount ?? 1)
    guard !overflow else { throw .invalidShape([count]) }
    if let index = storageIndices[key] {
      let known = heap.storages[index]
      guard known.byteCount == byteCount else {
        throw .storageSize(key: key, needed: byteCount, actual: known.byteCount)
      }
      // The same bytes under another type are another storage object.
      if known.elementType == elementType { return .storage(index) }
    }
    let index = heap.storages.count
    heap.storages.append(
      .init(key: key, elementType: elementType, byteCount: byteCount, offset: start))
    storageIndices[key] = index
    return .storage(index)
  }

  /// The most bytes of a tensor that repeats elements: a file of a few bytes may claim any number.
  static let expansionLimit = 1 << 29

  /// How many values a text counts as that is gone through again.
  static func values(in text: String) -> Int { text.utf8.count / 16 }

  /// `(storage, offset, size, stride, …)`.
  private mutating func tensor(
    _ values: [PickleValue], type: ElementType?
  ) throws(PyTorchError.Problem) -> PickleValue {
    guard values.count >= 4, case .storage(let index) = values[0],
      case .integer(let start) = values[1], let extents = heap.integers(values[2]),
      let strides = heap.integers(values[3]), extents.count == strides.count
    else { throw .malformed(expected: "a tensor's storage, offset, extents and strides") }
    let storage = heap.storages[index]
    guard let elementType = type ?? storage.elementType else {
      throw .malformed(expected: "a storage of elements")
    }
    try account(for: 1 + 2 * extents.count)
    guard start >= 0, strides.allSatisfy({ $0 >= 0 }), let shape = Shape(checking: extents) else {
      throw .invalidShape(extents)
    }
    let available = storage.byteCount / elementType.byteCount
    if shape.count > 0 {
      var last = start
      for (extent, stride) in zip(extents, strides) {
        let (distance, overflow) = (extent - 1).multipliedReportingOverflow(by: stride)
        let (sum, secondOverflow) = last.addingReportingOverflow(distance)
        guard !overflow, !secondOverflow else { throw .invalidShape(extents) }
        last = sum
      }
      guard last < available else {
        throw .outsideStorage(
          key: storage.key, needed: last == .max ? last : last + 1, available: available)
      }
      // An expanded tensor repeats elements along axes of stride zero. More than that are not one's own.
      let distinct = zip(extents, strides).reduce(1) { $1.1 == 0 ? $0 : $0 * $1.0 }
      guard distinct <= available,
        distinct == shape.count || shape.count * elementType.byteCount <= Self.expansionLimit
      else { throw .overlapping(elements: shape.count, storage: available) }
    }
    heap.views.append(
      .init(
        storage: index, elementType: elementType, shape: shape, start: start, strides: strides,
        offset: self.start))
    return .tensor(heap.views.count - 1)
  }
}
