import ConvNetEngine
import ConvNetFiles
import ConvNetGraphs
import ConvNetTensors

/// What an optimizer or a gradient transform remembers of each parameter that is learned.
final class SlotMemory {
  let names: [String]
  private let stores: [ParameterStore]

  /// - Parameters:
  ///   - part: whose slots these are, in words.
  ///   - kept: values by slot, then by parameter; zero where there is none.
  /// - Throws: ``EngineError`` where a value is not `float32`; ``TrainingError`` where two slots have one name.
  init(
    _ names: [String], of part: String, for parameters: [(name: String, shape: Shape)],
    kept: [String: [String: Tensor]]
  ) throws {
    guard Set(names).count == names.count else {
      throw TrainingError.invalidSetting(
        name: "the slots of \(part)", value: "\(names)", requirement: "of different names")
    }
    self.names = names
    let missing = names.flatMap { slot in parameters.filter { kept[slot]?[$0.name] == nil } }
    try Memory.require(
      missing.reduce(0) { $0 + $1.shape.count * ElementType.float32.byteCount },
      for: "the memory of \(part)")
    stores = try names.map { slot in
      var all: [String: Tensor] = [:]
      for (name, shape) in parameters {
        all[name] = kept[slot]?[name] ?? Tensor(zeros: shape)
      }
      return try ParameterStore(consume all)
    }
  }

  var byteCount: Int { stores.reduce(0) { $0 + $1.byteCount } }

  /// A copy of what is remembered, by slot, then by parameter.
  var values: [String: [String: Tensor]] {
    Dictionary(uniqueKeysWithValues: zip(names, stores.map(\.values)))
  }

  /// Where each slot has a parameter; as long as this lives.
  func addresses(of parameter: String, count: Int) -> [UnsafeMutablePointer<Float>] {
    stores.map { $0.address(of: parameter, count: count) }
  }
}

extension ParameterStore {
  /// - Precondition: there is the parameter, of so many elements.
  func address(of name: String, count: Int) -> UnsafeMutablePointer<Float> {
    guard let elements = withFloats(of: name, { $0 }), elements.count == count,
      let address = elements.baseAddress
    else { fatalError("the gradient of \(name) fits no parameter that is learned") }
    return address
  }
}
