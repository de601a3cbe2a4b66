import ConvNetTensors

/// A value on the stack of a pickle. Containers stand in the reader's ``PickleHeap`` and are
/// referred to by place, as in Python: the same list may be in several places, even in itself.
/// So no value is deep, and none needs recursion to be freed.
enum PickleValue: Hashable, Sendable {
  case none
  case boolean(Bool)
  case integer(Int)
  /// A number with a fraction, or an integer beyond 64 bits: nothing that weights need.
  case otherNumber
  case text(String)
  case bytes
  case container(Int)
  case global(PickleGlobal)
  case storage(Int)
  case tensor(Int)
  /// The result of something harmless that is not needed.
  case opaque(String)

  /// For messages.
  var kind: String {
    switch self {
    case .none: "None"
    case .boolean, .integer, .otherNumber: "a number"
    case .text: "a text"
    case .bytes: "bytes"
    case .container: "a list or dictionary"
    case .global(let global): "\(global)"
    case .storage: "a storage"
    case .tensor: "a single tensor"
    case .opaque(let name): "a \(name)"
    }
  }
}

/// What a pickle made of containers, storages and tensors.
struct PickleHeap: Sendable {
  enum Container: Sendable {
    case tuple([PickleValue])
    case list([PickleValue])
    case dictionary([(key: PickleValue, value: PickleValue)])

    /// Values in it, keys included.
    var count: Int {
      switch self {
      case .tuple(let values), .list(let values): values.count
      case .dictionary(let items): 2 * items.count
      }
    }
  }

  /// Bytes that tensors are views of.
  struct Storage: Sendable {
    var key: String
    /// `nil` for a storage of bytes, whose tensors say what they are.
    var elementType: ElementType?
    var byteCount: Int
    /// Where the pickle first refers to it.
    var offset: Int
  }

  /// A view of a storage.
  struct View: Sendable {
    var storage: Int
    var elementType: ElementType
    var shape: Shape
    /// Both in elements.
    var start: Int
    var strides: [Int]
    /// Where the pickle builds it.
    var offset: Int
  }

  /// PyTorch's own.
  static let rankLimit = 64

  var containers: [Container] = []
  var storages: [Storage] = []
  var views: [View] = []

  mutating func add(_ container: Container) -> PickleValue {
    containers.append(container)
    return .container(containers.count - 1)
  }

  subscript(value: PickleValue) -> Container? {
    guard case .container(let index) = value else { return nil }
    return containers[index]
  }

  func tuple(_ value: PickleValue) -> [PickleValue]? {
    guard case .tuple(let values)? = self[value] else { return nil }
    return values
  }

  /// The values of a tuple or list of integers, as many as a tensor may have of them.
  func integers(_ value: PickleValue) -> [Int]? {
    let values: [PickleValue]
    switch self[value] {
    case .tuple(let items), .list(let items): values = items
    default: return nil
    }
    guard values.count <= Self.rankLimit else { return nil }
    var integers: [Int] = []
    for case .integer(let integer) in values { integers.append(integer) }
    return integers.count == values.count ? integers : nil
  }
}

/// The classes and functions that a checkpoint may name. None is ever called: each stands for what
/// the reader does itself.
enum PickleGlobal: Hashable, Sendable {
  case orderedDictionary
  case storageType(ElementType)
  case untypedStorage
  case elementType(ElementType)
  case rebuildTensor
  /// The element type is an argument.
  case rebuildTypedTensor
  case rebuildParameter
  /// Another function with its arguments, for tensors of a class.
  case rebuildFromType
  case tensorType
  /// Makes something that weights do not need: an `argparse.Namespace`, a NumPy scalar.
  case harmless(String)

  init(named name: String) throws(PyTorchError.Problem) {
    if let known = Self.known[name] {
      self = known
    } else if Self.harmlessNames.contains(name) {
      self = .harmless(name)
    } else if name.hasPrefix("torch._utils._rebuild_")
      || Self.unsupportedElements.contains(where: { name.hasPrefix("torch.\($0)") })
    {
      throw .unsupportedTensor(kind: name)
    } else {
      throw .unknownGlobal(name)
    }
  }

  private static let known: [String: PickleGlobal] = [
    "collections.OrderedDict": .orderedDictionary,
    "torch._utils._rebuild_tensor": .rebuildTensor,
    "torch._utils._rebuild_tensor_v2": .rebuildTensor,
    "torch._utils._rebuild_tensor_v3": .rebuildTypedTensor,
    "torch._utils._rebuild_parameter": .rebuildParameter,
    "torch._utils._rebuild_parameter_with_state": .rebuildParameter,
    "torch._tensor._rebuild_from_type_v2": .rebuildFromType,
    "torch.Tensor": .tensorType,
    "torch.nn.parameter.Parameter": .tensorType,
    "torch.nn.parameter.Buffer": .tensorType,
    "torch.storage.UntypedStorage": .untypedStorage,
  ].merging(
    ElementType.allCases.flatMap { type in
      [("torch.\(type.torchName)", .elementType(type))]
        + (type.torchStorageName.map { [("torch.\($0)", .storageType(type))] } ?? [])
    }
  ) { first, _ in first }

  private static let harmlessNames: Set<String> = [
    "torch.Size", "torch.device", "torch.serialization._get_layout", "argparse.Namespace",
    "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar", "numpy.dtype",
    "_codecs.encode", "builtins.set", "__builtin__.set", "builtins.complex", "__builtin__.complex",
    "builtins.bytearray", "__builtin__.bytearray", "collections.defaultdict", "builtins.dict",
    "__builtin__.dict", "builtins.list", "__builtin__.list", "builtins.int", "__builtin__.int",
    "builtins.float", "__builtin__.float", "collections.Counter", "pathlib.PosixPath",
    "pathlib._local.PosixPath", "datetime.datetime", "datetime.timedelta",
  ]

  private static let unsupportedElements = [
    "Complex", "complex", "QInt", "QUInt", "qint", "quint", "float8", "float4", "sparse",
  ]
}

extension PickleGlobal: CustomStringConvertible {
  var description: String {
    switch self {
    case .harmless(let name): name
    default: "a class of PyTorch"
    }
  }
}

extension ElementType {
  /// The name of the type in PyTorch.
  var torchName: String { rawValue }

  /// The class of its storages; `nil` for the types whose tensors lie in storages of bytes.
  var torchStorageName: String? {
    switch self {
    case .float64: "DoubleStorage"
    case .float32: "FloatStorage"
    case .float16: "HalfStorage"
    case .bfloat16: "BFloat16Storage"
    case .int64: "LongStorage"
    case .int32: "IntStorage"
    case .int16: "ShortStorage"
    case .int8: "CharStorage"
    case .uint8: "ByteStorage"
    case .bool: "BoolStorage"
    case .uint64, .uint32, .uint16: nil
    }
  }
}
