import ConvNetTensors

/// One step of a graph: what it computes, what it reads and what it makes.
public struct Operation: Hashable, Sendable {
  /// When an operation is computed.
  public enum Phase: String, Hashable, Sendable, Codable {
    /// At every run.
    case run
    /// Once, when the graph is compiled: its inputs never change between runs.
    case preparation
  }

  /// What an operation is to its network.
  public enum Role: Hashable, Sendable, Codable {
    /// A part of what the network computes.
    case forward
    /// Belongs to the backward pass: to the gradient of an operation or a value, by its name.
    case gradient(of: String)
    /// Computes something of the forward pass a second time, for the backward pass.
    case recomputation
  }

  /// The path of the layer that it belongs to, as in `layer1.0.conv1`; a backward operation's says what it is besides.
  public var name: String
  /// What it computes.
  public var kind: OperationKind
  /// The values that it reads, in the order of its kind's documentation: data first, then parameters.
  public var inputs: [ValueID]
  /// The values that it makes, in the same order.
  public var outputs: [ValueID]
  /// Whether it is computed at every run or once before all.
  public var phase: Phase
  /// Whether the network or its gradient needs it.
  public var role: Role
  /// As the layers said that appended it.
  public var tablePlace: TablePlace

  package init(
    name: String, kind: OperationKind, inputs: [ValueID], outputs: [ValueID], phase: Phase = .run,
    role: Role = .forward, tablePlace: TablePlace = TablePlace()
  ) {
    self.name = name
    self.kind = kind
    self.inputs = inputs
    self.outputs = outputs
    self.phase = phase
    self.role = role
    self.tablePlace = tablePlace
  }

  /// The settings of what it computes: strides, padding, a rate.
  public var attributes: any OperationAttributes { kind.attributes }

  /// What the name says.
  package var path: LayerPath { LayerPath(name) }
}

extension Operation: Codable {
  private enum CodingKeys: CodingKey {
    case name, kind, inputs, outputs, phase, role, tablePlace
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let name = try container.decode(String.self, forKey: .name)
    self.init(
      name: name, kind: try container.decode(OperationKind.self, forKey: .kind),
      inputs: try container.decode([ValueID].self, forKey: .inputs),
      outputs: try container.decode([ValueID].self, forKey: .outputs),
      phase: try container.decode(Phase.self, forKey: .phase),
      role: try container.decodeIfPresent(Role.self, forKey: .role) ?? .forward,
      tablePlace: try container.decodeIfPresent(TablePlace.self, forKey: .tablePlace)
        ?? TablePlace(formerly: LayerPath(name)))
  }

  /// Files hold networks, whose operations are all of the forward pass: the role is written where it is another.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name, forKey: .name)
    try container.encode(kind, forKey: .kind)
    try container.encode(inputs, forKey: .inputs)
    try container.encode(outputs, forKey: .outputs)
    try container.encode(phase, forKey: .phase)
    if role != .forward { try container.encode(role, forKey: .role) }
    try container.encode(tablePlace, forKey: .tablePlace)
  }
}

/// What every kind of operation says of itself. One file each in `Operations/`, which holds its
/// attributes, the shapes that it infers, its cost, its traits and its gradient.
public protocol OperationAttributes: Hashable, Sendable, Codable {
  /// The kind's name in dumps and model files.
  static var name: String { get }

  /// What passes and engine must know of it.
  var traits: OperationTraits { get }

  /// The types of the outputs, or the problem that the inputs pose.
  func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType]

  /// One readable line for dumps, as in `convolution 5x5 stride 1 same + tanh`.
  func summary(inputs: [ValueType]) -> String

  /// What a network's table as papers print it says of the operation.
  func tableEntry(inputs: [ValueType], outputs: [ValueType]) -> StageTableEntry

  /// Multiplications, each with its addition, of one evaluation. Zero for operations whose cost is
  /// moving memory.
  func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int

  /// Appends the operations that compute the gradient of the loss by each input, and returns the
  /// values that hold them: one an input, `nil` where there is none or none is needed.
  ///
  /// `outputGradients` holds one an output, `nil` where the loss does not depend on it.
  func appendGradient(
    of operation: Operation, outputGradients: [ValueID?], to builder: inout GradientBuilder
  ) throws(GraphError) -> [ValueID?]
}

extension OperationAttributes {
  /// The kind's name in words.
  public func summary(inputs: [ValueType]) -> String { Self.words }

  /// `maxPoolingGradient` as `max pooling gradient`.
  package static var words: String {
    name.map { $0.isUppercase ? " \($0.lowercased())" : String($0) }.joined()
  }

  /// A row of its own, with its summary.
  public func tableEntry(inputs: [ValueType], outputs: [ValueType]) -> StageTableEntry {
    .layer(summary(inputs: inputs))
  }

  package var kind: OperationKind { OperationKind(self) }

  /// For operations that appear only where no gradient is asked for: gradients themselves, and
  /// inference forms.
  public func appendGradient(
    of operation: Operation, outputGradients: [ValueID?], to builder: inout GradientBuilder
  ) throws(GraphError) -> [ValueID?] {
    throw GraphError(
      subject: operation.name,
      problem: .invariant("\(Self.name) has no gradient of its own"))
  }
}
