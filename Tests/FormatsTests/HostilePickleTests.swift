import ConvNetFormats
import ConvNetTensors
import ConvNetTestSupport
import Foundation
import Testing

@Suite("Hostile checkpoints") struct HostilePickleTests {
  private static func file(_ pickle: [UInt8]) throws -> WeightFile {
    let directory = try TemporaryDirectory()
    return try WeightFile(directory.write(checkpoint(pickle: pickle), to: "x.pth"))
  }

  @Test("the samples that the refusals are made of are read where nothing is wrong with them")
  func good() throws {
    let file = try Self.file(Pickle.dictionary(Pickle.tensor()))
    #expect(file.entries.map(\.name) == ["w"] && file["w"]?.shape == [2, 3])
    let value = Float(bitPattern: 0x0101_0101)
    #expect(try file.tensor(named: "w").elements == [Float](repeating: value, count: 6))
  }

  struct Refusal: Sendable, CustomTestStringConvertible {
    var name: String
    var pickle: [UInt8]
    var problem: PyTorchError.Problem
    var testDescription: String { name }
  }

  static let refusals: [Refusal] = [
    Refusal(
      name: "a command to execute",
      pickle: [0x80, 2] + Pickle.global("posix system") + Pickle.tuple(Pickle.text("touch x"))
        + [0x52, 0x2E],
      problem: .unknownGlobal("posix.system")),
    Refusal(
      name: "a command beside good tensors",
      pickle: [0x80, 2, 0x7D] + Pickle.text("w") + Pickle.tensor() + [0x73] + Pickle.text("x")
        + Pickle.global("builtins eval") + Pickle.tuple(Pickle.text("1")) + [0x52, 0x73, 0x2E],
      problem: .unknownGlobal("builtins.eval")),
    Refusal(
      name: "a class called by its name on the stack",
      pickle: [0x80, 4] + Pickle.text("os") + Pickle.text("system") + [0x93, 0x2E],
      problem: .unknownGlobal("os.system")),
    Refusal(
      name: "an old way to make objects", pickle: [0x80, 2, 0x28, 0x69, 0x2E],
      problem: .unsupportedInstruction(0x69)),
    Refusal(
      name: "an extension registry", pickle: [0x80, 2, 0x82, 1, 0x2E],
      problem: .unsupportedInstruction(0x82)),
    Refusal(name: "protocol 6", pickle: [0x80, 6, 0x4E, 0x2E], problem: .unsupportedProtocol(6)),
    Refusal(name: "no end", pickle: [0x80, 2, 0x4E], problem: .truncated),
    Refusal(name: "nothing", pickle: [], problem: .truncated),
    Refusal(
      name: "nothing on the stack", pickle: [0x80, 2, 0x2E],
      problem: .malformed(expected: "a value on the stack")),
    Refusal(
      name: "a value below a mark", pickle: [0x80, 2, 0x4E, 0x28, 0x61, 0x2E],
      problem: .malformed(expected: "a value on the stack")),
    Refusal(
      name: "no mark", pickle: [0x80, 2, 0x74, 0x2E],
      problem: .malformed(expected: "a mark on the stack")),
    Refusal(
      name: "a memo that was not stored", pickle: [0x80, 2, 0x68, 7, 0x2E],
      problem: .malformed(expected: "a value that was stored as number 7")),
    Refusal(
      name: "a text of 2^64 - 1 bytes",
      pickle: [0x80, 4, 0x8D] + [UInt8](repeating: 0xFF, count: 8) + [0x2E], problem: .truncated),
    Refusal(
      name: "a text that is not UTF-8", pickle: [0x80, 2, 0x58, 1, 0, 0, 0, 0xFF, 0x2E],
      problem: .malformed(expected: "a text of valid UTF-8")),
    Refusal(
      name: "a key without value", pickle: [0x80, 2, 0x7D, 0x28, 0x4E, 0x75, 0x2E],
      problem: .malformed(expected: "a value for every key")),
    Refusal(
      name: "an item for a number", pickle: [0x80, 2, 0x4B, 1, 0x4E, 0x61, 0x2E],
      problem: .malformed(expected: "a list")),
    Refusal(
      name: "a call of a number", pickle: [0x80, 2, 0x4B, 1, 0x29, 0x52, 0x2E],
      problem: .malformed(expected: "a function and a tuple of its arguments")),
    Refusal(
      name: "a tensor beyond its storage",
      pickle: Pickle.dictionary(Pickle.tensor(shape: [2, 4], strides: [4, 1])),
      problem: .outsideStorage(key: "0", needed: 8, available: 6)),
    Refusal(
      name: "an offset beyond the storage", pickle: Pickle.dictionary(Pickle.tensor(start: 1)),
      problem: .outsideStorage(key: "0", needed: 7, available: 6)),
    Refusal(
      name: "an offset that overflows", pickle: Pickle.dictionary(Pickle.tensor(start: .max)),
      problem: .invalidShape([2, 3])),
    Refusal(
      name: "strides that overflow",
      pickle: Pickle.dictionary(Pickle.tensor(shape: [3, 3], strides: [1 << 62, 1 << 62])),
      problem: .invalidShape([3, 3])),
    Refusal(
      name: "negative strides", pickle: Pickle.dictionary(Pickle.tensor(strides: [-3, 1])),
      problem: .invalidShape([2, 3])),
    Refusal(
      name: "a negative offset", pickle: Pickle.dictionary(Pickle.tensor(start: -1)),
      problem: .invalidShape([2, 3])),
    Refusal(
      name: "negative extents",
      pickle: Pickle.dictionary(Pickle.tensor(shape: [-2, 3])), problem: .invalidShape([-2, 3])),
    Refusal(
      name: "extents that overflow",
      pickle: Pickle.dictionary(Pickle.tensor(shape: [1 << 32, 1 << 31], strides: [0, 0])),
      problem: .invalidShape([1 << 32, 1 << 31])),
    Refusal(
      name: "strides that overflow beside an extent of zero",
      pickle: Pickle.dictionary(
        Pickle.tensor(shape: [0, 1 << 62, 1 << 62], strides: [0, 0, 0])),
      problem: .invalidShape([0, 1 << 62, 1 << 62])),
    Refusal(
      name: "more extents than PyTorch has",
      pickle: Pickle.dictionary(
        Pickle.tensor(
          shape: [Int](repeating: 1, count: 65), strides: [Int](repeating: 1, count: 65))),
      problem: .malformed(expected: "a tensor's storage, offset, extents and strides")),
    Refusal(
      name: "one element many times",
      pickle: Pickle.dictionary(Pickle.tensor(shape: [1 << 40, 1], strides: [0, 0])),
      problem: .overlapping(elements: 1 << 40, storage: 6)),
    Refusal(
      name: "another number of strides", pickle: Pickle.dictionary(Pickle.tensor(strides: [1])),
      problem: .malformed(expected: "a tensor's storage, offset, extents and strides")),
    Refusal(
      name: "a storage that is not there",
      pickle: Pickle.dictionary(Pickle.tensor(storage: Pickle.storage(key: "../data.pkl"))),
      problem: .missingStorage(key: "../data.pkl")),
    Refusal(
      name: "a storage of another size",
      pickle: Pickle.dictionary(Pickle.tensor(storage: Pickle.storage(count: 7))),
      problem: .storageSize(key: "0", needed: 28, actual: 24)),
    Refusal(
      name: "a storage of 2^63 bytes",
      pickle: Pickle.dictionary(Pickle.tensor(storage: Pickle.storage(count: 1 << 61))),
      problem: .invalidShape([1 << 61])),
    Refusal(
      name: "a negative storage",
      pickle: Pickle.dictionary(Pickle.tensor(storage: Pickle.storage(count: -1))),
      problem: .malformed(expected: "the class, key and size of a storage")),
    Refusal(
      name: "a number alone", pickle: [0x80, 2, 0x4B, 1, 0x2E],
      problem: .noStateDictionary(found: "a number")),
  ]

  @Test("a pickle that is not that of a checkpoint is refused", arguments: refusals)
  func refuses(refusal: Refusal) {
    let error = #expect(throws: PyTorchError.self) { try Self.file(refusal.pickle) }
    #expect(error?.problem == refusal.problem)
  }

  @Test("a million lists in each other, a list in itself, and lists that double are no trouble")
  func nesting() throws {
    func refusal(_ pickle: [UInt8]) -> PyTorchError.Problem? {
      #expect(throws: PyTorchError.self) { try Self.file(pickle) }?.problem
    }
    let count = 1_000_000
    let lists = [UInt8](repeating: 0x5D, count: count)
    #expect(
      refusal([0x80, 2] + lists + [UInt8](repeating: 0x61, count: count - 1) + [0x2E])
        == .noStateDictionary(found: "a list or dictionary"))
    // l = []; l.append(l)
    #expect(
      refusal([0x80, 2, 0x5D, 0x71, 0, 0x68, 0, 0x61, 0x2E])
        == .noStateDictionary(found: "a list or dictionary"))
    // d = {}; d["model"] = d
    #expect(
      refusal([0x80, 2, 0x7D, 0x71, 0] + Pickle.text("model") + [0x68, 0, 0x73, 0x2E])
        == .noStateDictionary(found: "a list or dictionary"))
    // Each dictionary holds the one before it under every name that is looked for.
    var doubling: [UInt8] = [0x80, 2, 0x7D]
    for _ in 0..<60 {
      doubling += [0x71, 0, 0x7D]
      for name in ["state_dict", "model", "net", "module"] {
        doubling += Pickle.text(name) + [0x68, 0, 0x73]
      }
    }
    #expect(refusal(doubling + [0x2E]) == .noStateDictionary(found: "a list or dictionary"))
    let many = [UInt8](repeating: 0x4E, count: (1 << 23) + 1)
    #expect(
      refusal([0x80, 2] + many + [0x2E])
        == .tooLarge(what: "values of the pickle", count: (1 << 23) + 1, limit: 1 << 23))
  }

  /// A few bytes that refer to a large value again and again.
  struct Repetition: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var pickle: [UInt8]
    /// How many values it makes or goes through, were it not stopped.
    var what = "values of the pickle"
    var limit = 1 << 23

    /// - Parameter count: how often `again` stands after `once`, whose marks are closed by `end`.
    init(
      _ name: String, once: [UInt8], again: [UInt8], count: Int, end: [UInt8] = [0x30, 0x4E]
    ) {
      testDescription = name
      pickle = [0x80, 2] + once
      for _ in 0..<count { pickle += again }
      pickle += end + [0x2E]
    }
  }

  /// A list of a hundred thousand times the same pair, number 1.
  private static let pairs: [UInt8] = {
    var pickle = Pickle.tuple(Pickle.text("a"), [0x4E]) + [0x71, 0, 0x30, 0x5D, 0x28]
    for _ in 0..<100_000 { pickle += [0x68, 0] }
    return pickle + [0x65, 0x71, 1, 0x30]
  }()

  private static let longKey = Pickle.text(String(repeating: "k", count: 1 << 20))

  /// The arguments of a tensor of 64 extents.
  private static let extents: [UInt8] = {
    var extents: [UInt8] = [0x28]
    for _ in 0..<64 { extents += [0x4B, 1] }
    extents += [0x74, 0x71, 1, 0x68, 1]
    return Pickle.tuple(Pickle.storage(), Pickle.integer(0), extents, [0x89], [0x4E])
  }()

  static let repetitions: [Repetition] = [
    Repetition(
      "a dictionary of one remembered list of pairs",
      once: pairs + Pickle.global("collections OrderedDict")
        + ([0x71, 2, 0x30, 0x68, 1, 0x85, 0x71, 3, 0x30] as [UInt8]),
      again: [0x68, 2, 0x68, 3, 0x52], count: 1000),
    Repetition(
      "a storage of one remembered long key",
      once: Pickle.tuple(
        Pickle.text("storage"), Pickle.global("torch FloatStorage"), longKey, Pickle.text("cpu"),
        Pickle.integer(6)) + ([0x71, 0, 0x30] as [UInt8]),
      again: [0x68, 0, 0x51, 0x30], count: 1000),
    Repetition(
      "a tensor of many remembered extents",
      once: Pickle.global("torch._utils _rebuild_tensor_v2") + ([0x71, 0, 0x30] as [UInt8])
        + extents + ([0x71, 2, 0x30] as [UInt8]),
      again: [0x68, 0, 0x68, 2, 0x52, 0x30], count: 100_000),
    Repetition(
      "containers that the stack lets go of", once: [], again: [0x5D, 0x30], count: 9_000_000),
    Repetition(
      "tuples of the same values", once: [0x4E, 0x4E, 0x4E], again: [0x87, 0x4E, 0x4E],
      count: 3_000_000),
  ]

  @Test(
    "values that a few bytes repeat are counted, so that memory and work have a limit",
    arguments: repetitions)
  func repetition(_ repetition: Repetition) {
    let error = #expect(throws: PyTorchError.self) { try Self.file(repetition.pickle) }
    guard case .tooLarge(let what, let count, let limit) = error?.problem else {
      Issue.record("\(error as Any)")
      return
    }
    #expect(what == repetition.what && limit == repetition.limit)
    // Counted before it is made: no more than one instruction's beyond.
    #expect(count <= limit + 1 << 20)
  }

  @Test("a dictionary that stands under very many keys is searched once")
  func sharedDictionary() {
    // Two hundred thousand keys of one dictionary of as many items: 4e10 items, searched anew.
    let count = 200_000
    var pickle: [UInt8] = [0x80, 2, 0x7D, 0x28]
    pickle += [UInt8](repeating: 0x4E, count: 2 * count)
    pickle += [0x75, 0x71, 0, 0x30]
    pickle += Pickle.text("key")
    pickle += [0x71, 1, 0x30, 0x7D, 0x28]
    for _ in 0..<count { pickle += [0x68, 1, 0x68, 0] }
    let error = #expect(throws: PyTorchError.self) { try Self.file(pickle + [0x75, 0x2E]) }
    #expect(error?.problem == .noStateDictionary(found: "a list or dictionary"))
  }

  @Test("a long name that very many tensors have is refused")
  func sharedName() {
    var pickle: [UInt8] = [0x80, 2]
    pickle += Self.longKey
    pickle += [0x71, 0, 0x30]
    pickle += Pickle.tensor()
    pickle += [0x71, 1, 0x30, 0x7D, 0x28]
    for _ in 0..<200_000 { pickle += [0x68, 0, 0x68, 1] }
    let error = #expect(throws: PyTorchError.self) { try Self.file(pickle + [0x75, 0x2E]) }
    #expect(
      error?.problem
        == .tooLarge(what: "bytes of the tensors' names", count: 65 << 20, limit: 64 << 20))
  }

  @Test("expanded tensors that share a storage do not fill the memory")
  func expanding() {
    var pickle: [UInt8] = [0x80, 2, 0x7D, 0x28]
    pickle += Pickle.text("w0") + Pickle.tensor(shape: [1 << 20], strides: [0]) + [0x71, 0]
    for index in 1..<200 { pickle += Pickle.text("w\(index)") + [0x68, 0] }
    let error = #expect(throws: PyTorchError.self) { try Self.file(pickle + [0x75, 0x2E]) }
    guard case .tooLarge = error?.problem else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test("a storage that very many tensors share does not fill the memory")
  func sharing() {
    var pickle: [UInt8] = [0x80, 2, 0x7D, 0x28]
    pickle += Pickle.text("w0") + Pickle.tensor() + [0x71, 0]
    for index in 1..<200 { pickle += Pickle.text("w\(index)") + [0x68, 0] }
    let error = #expect(throws: PyTorchError.self) { try Self.file(pickle + [0x75, 0x2E]) }
    #expect(
      error?.problem
        == .tooLarge(
          what: "bytes of the tensors, which share storages", count: 200 * 24, limit: 64 * 24))
  }
}
