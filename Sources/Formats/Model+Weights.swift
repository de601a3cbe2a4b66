import ConvNetGraphs
public import ConvNetLayers
import ConvNetTensors

extension Model {
  /// What PyTorch's batch normalization counts and nothing uses.
  private static let counterName = "num_batches_tracked"

  /// Takes all parameters from a file of weights in any format, by name, as `float32`.
  ///
  /// Each is copied out of the file once. PyTorch's counters of batches, `num_batches_tracked`, are
  /// passed over.
  ///
  /// - Throws: ``ParameterMismatch`` where the file's names and shapes are not the network's; the
  ///   model is then as it was. Errors of the file as ``WeightFile/init(_:)`` and
  ///   ``WeightFile/tensor(named:as:)``.
  public mutating func loadParameters(from path: String) throws {
    try loadParameters(from: WeightFile(path))
  }

  /// Takes all parameters from an open file.
  ///
  /// - Throws: as ``loadParameters(from:)-(String)``.
  public mutating func loadParameters(from file: WeightFile) throws {
    var mismatch = ParameterMismatch(
      path: file.path, network: graph.name, missing: [], unexpected: [], different: [])
    let own = parameters.mapValues(\.shape)
    for (name, expected) in own.sorted(by: { $0.key < $1.key }) {
      guard let entry = file[name] else {
        mismatch.missing.append(name)
        continue
      }
      if entry.shape != expected {
        mismatch.different.append(.init(name: name, actual: entry.shape, expected: expected))
      }
    }
    mismatch.unexpected = file.entries.map(\.name).filter {
      own[$0] == nil && $0 != Self.counterName && !$0.hasSuffix("." + Self.counterName)
    }.sorted()
    guard mismatch.missing.isEmpty, mismatch.unexpected.isEmpty, mismatch.different.isEmpty else {
      throw mismatch
    }
    var loaded: [String: Tensor] = [:]
    for name in own.keys { loaded[name] = try file.tensor(named: name, as: .float32) }
    parameters = loaded
  }

  /// Takes from a file every parameter of the same name and shape, as `float32`: the beginning of
  /// fine-tuning.
  ///
  /// - Returns: the names of those that the file has in another shape or not at all, which stay as
  ///   they were.
  /// - Throws: ``ModelFileError`` where the file has none of the network's parameters; errors of
  ///   the file as ``WeightFile/init(_:)``.
  public mutating func takeParameters(from path: String) throws -> [String] {
    let file = try WeightFile(path)
    let fitting = parameters.filter { name, own in file[name]?.shape == own.shape }
    guard !fitting.isEmpty else {
      throw ModelFileError(
        path: path,
        reason: "has none of the parameters of \(graph.name); use another network or file")
    }
    for name in fitting.keys { parameters[name] = try file.tensor(named: name, as: .float32) }
    return parameters.keys.filter { fitting[$0] == nil }.sorted()
  }
}
