import ConvNetTensors

/// Writes the pickle of a state dictionary, protocol 2, as `torch.save` does: an `OrderedDict` of
/// dense tensors, each in a storage of its own.
struct PickleWriter {
  private(set) var bytes: [UInt8] = [0x80, 2]

  /// - Parameter tensors: in their order; the first lies in storage `0`, and so on.
  init(_ tensors: [WeightFile.NamedTensor]) {
    emptyOrderedDictionary()
    mark()
    for (index, item) in tensors.enumerated() {
      text(item.name)
      tensor(item.tensor, key: index)
    }
    bytes.append(UInt8(ascii: "u"))
    bytes.append(UInt8(ascii: "."))
  }

  private mutating func tensor(_ tensor: Tensor, key: Int) {
    let storageName = tensor.elementType.torchStorageName
    global("torch._utils", storageName == nil ? "_rebuild_tensor_v3" : "_rebuild_tensor_v2")
    mark()
    // The identifier of the storage, which the reader gets from the archive.
    mark()
    text("storage")
    if let storageName {
      global("torch", storageName)
    } else {
      global("torch.storage", "UntypedStorage")
    }
    text(String(key))
    text("cpu")
    integer(storageName == nil ? tensor.byteCount : tensor.count)
    tuple()
    bytes.append(UInt8(ascii: "Q"))
    integer(0)
    integers(tensor.shape.dimensions)
    integers(tensor.shape.rowMajorStrides)
    // No gradient is required, no hooks are there.
    bytes.append(0x89)
    emptyOrderedDictionary()
    if storageName == nil { global("torch", tensor.elementType.torchName) }
    tuple()
    reduce()
  }

  private mutating func emptyOrderedDictionary() {
    global("collections", "OrderedDict")
    bytes.append(UInt8(ascii: ")"))
    reduce()
  }

  private mutating func mark() { bytes.append(UInt8(ascii: "(")) }
  private mutating func tuple() { bytes.append(UInt8(ascii: "t")) }
  private mutating func reduce() { bytes.append(UInt8(ascii: "R")) }

  private mutating func global(_ module: String, _ name: String) {
    bytes += "c\(module)\n\(name)\n".utf8
  }

  private mutating func text(_ text: String) {
    bytes.append(UInt8(ascii: "X"))
    little(text.utf8.count, 4)
    bytes += text.utf8
  }

  private mutating func integers(_ values: [Int]) {
    mark()
    for value in values { integer(value) }
    tuple()
  }

  /// Not negative.
  private mutating func integer(_ value: Int) {
    if value <= Int(Int32.max) {
      bytes.append(UInt8(ascii: "J"))
      little(value, 4)
    } else {
      bytes += [0x8A, 8]
      little(value, 8)
    }
  }

  private mutating func little(_ value: Int, _ count: Int) {
    for index in 0..<count { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * index))) }
  }
}
