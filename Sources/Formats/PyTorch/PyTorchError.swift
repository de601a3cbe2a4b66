public import ConvNetFiles

/// Why a file is not a PyTorch checkpoint that can be read.
///
/// Nothing in a checkpoint is ever executed: what is not a tensor, a container, a number or a text
/// is refused.
public struct PyTorchError: Error, Hashable, Sendable {
  /// What is wrong, with the values that show it.
  public enum Problem: Hashable, Sendable {
    /// Written before PyTorch 1.6, or with `_use_new_zipfile_serialization=False`.
    case oldFormat
    /// A compiled program (`torch.jit.save`), not weights.
    case torchScript
    /// The file says that its numbers are big-endian.
    case bigEndian
    /// The pickle ends within an instruction or before its end.
    case truncated
    /// The checkpoint has more of something, as `what` says, than any network needs.
    case tooLarge(what: String, count: Int, limit: Int)
    /// The pickle is of a version of the format that is not read.
    case unsupportedProtocol(Int)
    /// An instruction that no checkpoint has.
    case unsupportedInstruction(UInt8)
    /// The pickle is not well formed.
    case malformed(expected: String)
    /// A class or function of Python that is none of tensors and containers.
    case unknownGlobal(String)
    /// Sparse, quantized and complex tensors have no ``Tensor``.
    case unsupportedTensor(kind: String)
    /// A tensor refers to a storage that the file does not have.
    case missingStorage(key: String)
    /// The bytes of a storage are not as many as its elements need.
    case storageSize(key: String, needed: Int, actual: Int)
    /// A tensor reaches beyond its storage.
    case outsideStorage(key: String, needed: Int, available: Int)
    /// A tensor that repeats elements (`expand`), with more of them than its storage has.
    case overlapping(elements: Int, storage: Int)
    /// A tensor's extents, strides or place are negative or overflow.
    case invalidShape([Int])
    /// The pickled value holds no named tensors.
    case noStateDictionary(found: String)
    /// Several dictionaries of tensors, and no way to tell which is meant.
    case severalStateDictionaries([String])
  }

  /// The checkpoint.
  public var file: String
  /// Where in the checkpoint's `data.pkl`, in bytes; `nil` where the problem is not there.
  public var offset: Int?
  /// What is wrong with it.
  public var problem: Problem
}

extension PyTorchError: ReadableError {
  public var description: String {
    "\(file)\(offset.map { ", data.pkl, byte \($0)" } ?? ""): \(problem)"
  }
}

extension PyTorchError.Problem: Error {}

extension PyTorchError.Problem: ReadableError {
  /// What to do in Python.
  private static let advice = "in Python, torch.save(model.state_dict(), \"weights.pth\")"

  public var description: String {
    switch self {
    case .oldFormat:
      "written in the format before PyTorch 1.6, which is not read; "
        + "in Python, torch.save(torch.load(file, weights_only=True), \"weights.pth\")"
    case .torchScript:
      "a TorchScript program, not weights; "
        + "in Python, torch.save(torch.jit.load(file).state_dict(), \"weights.pth\")"
    case .bigEndian:
      "written on a big-endian machine, which is not read; save it on a little-endian one"
    case .truncated: "the pickle ends here, before it is complete; the file is damaged"
    case .tooLarge(let what, let count, let limit):
      "\(what): \(count), at most \(limit) are read; \(Self.advice)"
    case .unsupportedProtocol(let version):
      "pickle protocol \(version) is not read, 2 to 5 are; \(Self.advice)"
    case .unsupportedInstruction(let code):
      "pickle instruction 0x\(String(code, radix: 16)), which no checkpoint has; \(Self.advice)"
    case .malformed(let expected): "the pickle is malformed, expected \(expected)"
    case .unknownGlobal(let name):
      "refers to \(name) of Python, which is not executed here; save tensors only: \(Self.advice)"
    case .unsupportedTensor(let kind):
      "a tensor of kind \(kind), which is not supported; convert it to dense floats first"
    case .missingStorage(let key): "the archive has no storage data/\(key); it is damaged"
    case .storageSize(let key, let needed, let actual):
      "storage \(key) needs \(needed) bytes, the archive has \(actual)"
    case .outsideStorage(let key, let needed, let available):
      "a tensor needs \(needed) elements of storage \(key), which has \(available)"
    case .overlapping(let elements, let storage):
      "a tensor of \(elements) elements repeats the \(storage) of its storage, and is too large or irregular; "
        + "call .contiguous() on it before saving"
    case .invalidShape(let extents):
      "a tensor of \(extents.map(String.init).joined(separator: "x")) is too large or negative"
    case .noStateDictionary(let found):
      "holds \(found), not tensors by name; \(Self.advice)"
    case .severalStateDictionaries(let keys):
      "holds several dictionaries of tensors (\(keys.prefix(5).joined(separator: ", "))); "
        + "save the one that is meant alone"
    }
  }
}
