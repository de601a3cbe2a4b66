/// What an operation computes: attributes of any type, as a value that can be compared, kept and written to a file.
///
/// Encoded as `{"kind": NAME, "attributes": {...}}`, with the name that the attributes' type gives.
public struct OperationKind: Sendable {
  /// The settings, which also say which operation it is.
  public var attributes: any OperationAttributes

  /// The kind of an operation with these settings.
  public init(_ attributes: some OperationAttributes) {
    self.attributes = attributes
  }

  /// What model files call it: `convolution`.
  public var name: String { type(of: attributes).name }

  package var traits: OperationTraits { attributes.traits }
}

extension OperationKind: Hashable {
  public static func == (first: OperationKind, second: OperationKind) -> Bool {
    func isEqual<Attributes: OperationAttributes>(_ attributes: Attributes) -> Bool {
      attributes == second.attributes as? Attributes
    }
    return isEqual(first.attributes)
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(name)
    attributes.hash(into: &hasher)
  }
}

extension OperationKind: Codable {
  private enum CodingKeys: CodingKey {
    case kind, attributes
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name, forKey: .kind)
    try attributes.encode(to: container.superEncoder(forKey: .attributes))
  }

  /// Of the operations in the decoder's ``OperationCatalog``; of the built-in ones where it is given none.
  ///
  /// - Throws: ``GraphError`` where there is none of that name.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let name = try container.decode(String.self, forKey: .kind)
    let catalog = decoder.userInfo[.operations] as? OperationCatalog ?? .builtIn
    let type = try catalog.attributes(named: name)
    attributes = try type.init(from: container.superDecoder(forKey: .attributes))
  }
}
