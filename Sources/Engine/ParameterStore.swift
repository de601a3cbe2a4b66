import ConvNetGraphs
public import ConvNetTensors

/// The parameters of a network in training: memory that its executables read and update in place, and that an optimizer
/// steps through.
///
/// Values are in logical row-major order. Belongs to one thread at a time, like the executables that use it.
public final class ParameterStore {
  private let storages: [String: TensorStorage]
  /// The shape of every parameter, by its name.
  public let shapes: [String: Shape]

  /// Takes the values' memory where nobody else holds it, else copies them.
  ///
  /// - Throws: ``EngineError`` where a value is not `float32`, ``AllocationError``.
  public init(_ values: consuming [String: Tensor]) throws {
    var storages: [String: TensorStorage] = [:]
    shapes = values.mapValues(\.shape)
    for name in shapes.keys {
      guard let value = values.removeValue(forKey: name) else { continue }
      guard value.elementType == .float32 else {
        throw EngineError(
          subject: "parameters", problem: .parameterType(name: name, actual: value.elementType))
      }
      storages[name] = try (consume value).takeStorage(for: "parameter \(name)")
    }
    self.storages = storages
  }

  /// A copy of every value as it is now.
  public var values: [String: Tensor] {
    Dictionary(
      uniqueKeysWithValues: shapes.keys.compactMap { name in self[name].map { (name, $0) } })
  }

  /// A copy of one value as it is now.
  public subscript(name: String) -> Tensor? {
    guard let shape = shapes[name], let storage = storages[name] else { return nil }
    var tensor = Tensor(zeros: shape)
    tensor.withUnsafeMutableBytes { $0.copyMemory(from: UnsafeRawBufferPointer(storage.bytes)) }
    return tensor
  }

  /// Bytes of all parameters.
  public var byteCount: Int { storages.values.reduce(0) { $0 + $1.bytes.count } }

  func address(of value: Value, in subject: String) throws -> UnsafeMutableRawPointer? {
    guard let storage = storages[value.name], let shape = shapes[value.name] else {
      throw EngineError(subject: subject, problem: .missingParameter(value.name))
    }
    guard shape == value.shape else {
      throw EngineError(
        subject: subject,
        problem: .parameterShape(name: value.name, expected: value.shape, actual: shape))
    }
    return storage.bytes.baseAddress
  }

  /// Lends one parameter for writing.
  package func withFloats<Result>(
    of name: String, _ body: (UnsafeMutableBufferPointer<Float>) throws -> Result
  ) rethrows -> Result? {
    try storages[name].map { try body($0.bytes.bindMemory(to: Float.self)) }
  }
}
