import ConvNetTensors

/// Reads the pickle of a checkpoint, protocols 2 to 5
/// (https://github.com/python/cpython/blob/main/Lib/pickletools.py describes the instructions).
///
/// A pickle is a program for a small stack machine. This one builds containers, numbers, texts and
/// descriptions of tensors, and can do nothing else: a name of Python is looked up in
/// ``PickleGlobal`` or refused.
///
/// A few bytes can name a value of any size again, so the bytes alone limit neither work nor memory.
/// Every instruction accounts for what it makes, and for what it goes through of an earlier value;
/// see ``account(for:)``.
struct PickleReader {
  private let bytes: [UInt8]
  private var position = 0
  private var stack: [PickleValue] = []
  /// Heights of the stack at the marks that are open.
  private var marks: [Int] = []
  private var memo: [Int: PickleValue] = [:]
  var heap = PickleHeap()
  var storageIndices: [String: Int] = [:]
  /// Where the instruction begins that is being executed.
  private(set) var start = 0

  static let byteLimit = 64 << 20
  /// Values on the stack, in the memo and in containers, each some tens of bytes of memory. A tensor
  /// takes about forty.
  static let valueLimit = 1 << 23
  /// Values made or gone through so far, of those that the stack and the memo do not hold.
  private var accounted = 0

  private init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The value that a pickle describes, and the containers in which it lies.
  ///
  /// - Parameter file: the name that errors carry.
  /// - Throws: ``PyTorchError``.
  static func read(
    _ bytes: [UInt8], file: String
  ) throws(PyTorchError) -> (value: PickleValue, heap: PickleHeap) {
    var reader = PickleReader(bytes)
    do throws(PyTorchError.Problem) {
      guard bytes.count <= byteLimit else {
        throw .tooLarge(
          what: "bytes of the pickle", count: bytes.count, limit: byteLimit)
      }
      return (try reader.run(), reader.heap)
    } catch {
      throw PyTorchError(file: file, offset: reader.start, problem: error)
    }
  }

  private mutating func run() throws(PyTorchError.Problem) -> PickleValue {
    while true {
      start = position
      let code = try byte()
      guard let instruction = Instruction(rawValue: code) else {
        throw .unsupportedInstruction(code)
      }
      if instruction == .stop { return try pop() }
      try execute(instruction)
      try account(for: 0)
    }
  }

  /// Counts values that an instruction makes, or goes through, before it does so.
  ///
  /// - Throws: where all together are more than any checkpoint has.
  mutating func account(for count: Int) throws(PyTorchError.Problem) {
    accounted += count
    let count = stack.count + memo.count + accounted
    guard count <= Self.valueLimit else {
      throw .tooLarge(what: "values of the pickle", count: count, limit: Self.valueLimit)
    }
  }

  /// A new container, which counts as a value, as do those in it.
  mutating func add(_ container: PickleHeap.Container) throws(PyTorchError.Problem) -> PickleValue {
    try account(for: 1 + container.count)
    return heap.add(container)
  }

  private mutating func execute(_ instruction: Instruction) throws(PyTorchError.Problem) {
    switch instruction {
    case .proto:
      let version = Int(try byte())
      guard 2...5 ~= version else { throw .unsupportedProtocol(version) }
    case .frame: _ = try take(8)
    case .stop: break
    case .mark: marks.append(stack.count)
    case .pop: if stack.count == marks.last { marks.removeLast() } else { _ = try pop() }
    case .popMark: _ = try popToMark()
    case .duplicate: stack.append(try top())

    case .none: stack.append(.none)
    case .newTrue: stack.append(.boolean(true))
    case .newFalse: stack.append(.boolean(false))
    case .int4: stack.append(.integer(Int(Int32(truncatingIfNeeded: try unsigned(4)))))
    case .int1: stack.append(.integer(Int(try unsigned(1))))
    case .int2: stack.append(.integer(Int(try unsigned(2))))
    case .long1: stack.append(long(try take(Int(try unsigned(1)))))
    case .long4: stack.append(long(try take(Int(try unsigned(4)))))
    case .float8:
      _ = try take(8)
      stack.append(.otherNumber)

    case .text1, .string1: stack.append(try text(lengthBytes: 1))
    case .text4, .string4: stack.append(try text(lengthBytes: 4))
    case .text8: stack.append(try text(lengthBytes: 8))
    case .bytes1: try skipBytes(lengthBytes: 1)
    case .bytes4: try skipBytes(lengthBytes: 4)
    case .bytes8, .byteArray8: try skipBytes(lengthBytes: 8)

    case .emptyTuple: stack.append(try add(.tuple([])))
    case .tuple: stack.append(try add(.tuple(popToMark())))
    case .tuple1: try pushTuple(1)
    case .tuple2: try pushTuple(2)
    case .tuple3: try pushTuple(3)
    case .emptyList, .emptySet: stack.append(try add(.list([])))
    case .list, .frozenSet: stack.append(try add(.list(popToMark())))
    case .append: try append([try pop()])
    case .appends, .addItems: try append(try popToMark())
    case .emptyDictionary: stack.append(try add(.dictionary([])))
    case .dictionary:
      let items = try popToMark()
      stack.append(try add(.dictionary([])))
      try setItems(items)
    case .setItem:
      let value = try pop()
      try setItems([try pop(), value])
    case .setItems: try setItems(try popToMark())

    case .get1: stack.append(try remembered(Int(try unsigned(1))))
    case .get4: stack.append(try remembered(Int(try unsigned(4))))
    case .put1: memo[Int(try unsigned(1))] = try top()
    case .put4: memo[Int(try unsigned(4))] = try top()
    case .memoize: memo[memo.count] = try top()

    case .global:
      let module = try line()
      stack.append(.global(try PickleGlobal(named: "\(module).\(try line())")))
    case .stackGlobal:
      guard case (.text(let name), .text(let module)) = (try pop(), try pop()) else {
        throw .malformed(expected: "a module and a name")
      }
      stack.append(.global(try PickleGlobal(named: "\(module).\(name)")))
    case .reduce:
      let arguments = try pop()
      stack.append(try call(try pop(), arguments))
    case .newObject:
      let arguments = try pop()
      stack.append(try make(try pop(), arguments))
    case .newObjectWithKeywords:
      _ = try pop()
      let arguments = try pop()
      stack.append(try make(try pop(), arguments))
    case .build:
      // Attributes: `_metadata` of a state dictionary, the state of a parameter.
      _ = try pop()
      _ = try top()
    case .persistentID: stack.append(try storage(try pop()))
    }
  }

  // MARK: - The stack

  private func top() throws(PyTorchError.Problem) -> PickleValue {
    guard stack.count > marks.last ?? 0, let value = stack.last else {
      throw .malformed(expected: "a value on the stack")
    }
    return value
  }

  private mutating func pop() throws(PyTorchError.Problem) -> PickleValue {
    let value = try top()
    stack.removeLast()
    return value
  }

  private mutating func popToMark() throws(PyTorchError.Problem) -> [PickleValue] {
    guard let height = marks.popLast() else { throw .malformed(expected: "a mark on the stack") }
    let values = Array(stack[height...])
    stack.removeSubrange(height...)
    return values
  }

  private mutating func pushTuple(_ count: Int) throws(PyTorchError.Problem) {
    guard stack.count - (marks.last ?? 0) >= count else {
      throw .malformed(expected: "\(count) values on the stack")
    }
    let values = Array(stack.suffix(count))
    stack.removeLast(count)
    stack.append(try add(.tuple(values)))
  }

  private func remembered(_ index: Int) throws(PyTorchError.Problem) -> PickleValue {
    guard let value = memo[index] else {
      throw .malformed(expected: "a value that was stored as number \(index)")
    }
    return value
  }

  private mutating func append(_ values: [PickleValue]) throws(PyTorchError.Problem) {
    let target = try top()
    if case .opaque = target { return }
    try account(for: values.count)
    guard case .container(let index) = target, case .list(var items) = heap.containers[index]
    else { throw .malformed(expected: "a list") }
    // The container lets go of its items, so that they are not copied.
    heap.containers[index] = .list([])
    items += values
    heap.containers[index] = .list(items)
  }

  /// Keys and values in turn.
  private mutating func setItems(_ values: [PickleValue]) throws(PyTorchError.Problem) {
    let target = try top()
    if case .opaque = target { return }
    try account(for: values.count)
    guard case .container(let index) = target, case .dictionary(var items) = heap.containers[index]
    else { throw .malformed(expected: "a dictionary") }
    guard values.count.isMultiple(of: 2) else {
      throw .malformed(expected: "a value for every key")
    }
    heap.containers[index] = .dictionary([])
    for place in stride(from: 0, to: values.count, by: 2) {
      items.append((values[place], values[place + 1]))
    }
    heap.containers[index] = .dictionary(items)
  }

  // MARK: - The bytes

  private mutating func take(_ count: Int) throws(PyTorchError.Problem) -> ArraySlice<UInt8> {
    guard count <= bytes.count - position else { throw .truncated }
    defer { position += count }
    return bytes[position..<position + count]
  }

  private mutating func byte() throws(PyTorchError.Problem) -> UInt8 {
    guard position < bytes.count else { throw .truncated }
    defer { position += 1 }
    return bytes[position]
  }

  private mutating func unsigned(_ count: Int) throws(PyTorchError.Problem) -> UInt64 {
    try take(count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  private mutating func sized(lengthBytes: Int) throws(PyTorchError.Problem) -> ArraySlice<UInt8> {
    try take(Int(clamping: try unsigned(lengthBytes)))
  }

  private mutating func text(lengthBytes: Int) throws(PyTorchError.Problem) -> PickleValue {
    let contents = try sized(lengthBytes: lengthBytes)
    guard let text = String(validating: contents, as: UTF8.self) else {
      throw .malformed(expected: "a text of valid UTF-8")
    }
    return .text(text)
  }

  private mutating func skipBytes(lengthBytes: Int) throws(PyTorchError.Problem) {
    _ = try sized(lengthBytes: lengthBytes)
    stack.append(.bytes)
  }

  /// Up to the end of the line.
  private mutating func line() throws(PyTorchError.Problem) -> String {
    guard let end = bytes[position...].firstIndex(of: 0x0A) else { throw .truncated }
    defer { position = end + 1 }
    guard let text = String(validating: bytes[position..<end], as: UTF8.self) else {
      throw .malformed(expected: "a name of valid UTF-8")
    }
    return text
  }

  /// A little-endian number in two's complement.
  private func long(_ digits: ArraySlice<UInt8>) -> PickleValue {
    guard digits.count <= 8 else { return .otherNumber }
    let isNegative = digits.last.map { $0 & 0x80 != 0 } ?? false
    let value = digits.reversed().reduce(isNegative ? UInt64.max : 0) { $0 << 8 | UInt64($1) }
    return .integer(Int(truncatingIfNeeded: value))
  }
}

/// The instructions of protocols 2 to 5 that checkpoints have.
private enum Instruction: UInt8 {
  case proto = 0x80
  case frame = 0x95
  case stop = 0x2E
  case mark = 0x28
  case pop = 0x30
  case popMark = 0x31
  case duplicate = 0x32

  case none = 0x4E
  case newTrue = 0x88
  case newFalse = 0x89
  case int4 = 0x4A
  case int1 = 0x4B
  case int2 = 0x4D
  case long1 = 0x8A
  case long4 = 0x8B
  case float8 = 0x47

  case text1 = 0x8C
  case text4 = 0x58
  case text8 = 0x8D
  case string1 = 0x55
  case string4 = 0x54
  case bytes1 = 0x43
  case bytes4 = 0x42
  case bytes8 = 0x8E
  case byteArray8 = 0x96

  case emptyTuple = 0x29
  case tuple = 0x74
  case tuple1 = 0x85
  case tuple2 = 0x86
  case tuple3 = 0x87
  case emptyList = 0x5D
  case list = 0x6C
  case append = 0x61
  case appends = 0x65
  case emptySet = 0x8F
  case addItems = 0x90
  case frozenSet = 0x91
  case emptyDictionary = 0x7D
  case dictionary = 0x64
  case setItem = 0x73
  case setItems = 0x75

  case get1 = 0x68
  case get4 = 0x6A
  case put1 = 0x71
  case put4 = 0x72
  case memoize = 0x94

  case global = 0x63
  case stackGlobal = 0x93
  case reduce = 0x52
  case newObject = 0x81
  case newObjectWithKeywords = 0x92
  case build = 0x62
  case persistentID = 0x51
}
