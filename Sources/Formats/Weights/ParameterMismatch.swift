public import ConvNetFiles
import ConvNetModels
public import ConvNetTensors

/// The weights in a file are not those of a network.
public struct ParameterMismatch: Error, Hashable, Sendable {
  /// A parameter that the file has in another shape.
  public struct Difference: Hashable, Sendable {
    /// The parameter's name.
    public var name: String
    /// The shape of the file's tensor.
    public var actual: Shape
    /// The shape of the network's parameter.
    public var expected: Shape
  }

  /// The file.
  public var path: String
  /// The network that was to take the weights.
  public var network: String
  /// Parameters that the file lacks, in alphabetical order, as the others.
  public var missing: [String]
  /// Tensors of the file that the network has no parameter for.
  public var unexpected: [String]
  /// Tensors of a parameter's name and another shape.
  public var different: [Difference]
  /// The network of the zoo whose parameters the file's tensors are, where there is one.
  public var fitting: Fitting?

  /// A network of the zoo that a file fits.
  public struct Fitting: Hashable, Sendable {
    /// Its name in the zoo.
    public var network: String
    /// Classes that the file's last layer tells apart.
    public var classes: Int
    /// Channels of the pictures that the file's first layer sees.
    public var channels: Int

    init(_ match: ModelMatch) {
      network = match.entry.name
      (classes, channels) = (match.options.classes, match.options.channels)
    }
  }
}

extension ParameterMismatch: ReadableError {
  /// The first few of each kind, and how many there are.
  public var description: String {
    let shapes = different.map { "\($0.name) is \($0.actual), must be \($0.expected)" }
    let parts = [
      Self.part(missing, "the file lacks", "parameters of the network"),
      Self.part(unexpected, "the network lacks", "tensors of the file"),
      Self.part(shapes, "other shapes:", "parameters"),
    ]
    return "\(path) does not fit \(network): "
      + parts.compactMap(\.self).joined(separator: "; ")
      + "; " + advice
  }

  private var advice: String {
    guard let fitting else {
      return "choose another network or file, or the network with another number of classes"
    }
    return "its tensors are those of \(fitting.network) with \(fitting.classes) classes and "
      + "\(fitting.channels) channels; "
      + (fitting.network == network ? "build the network for those" : "name that")
  }

  private static func part(_ items: [String], _ verb: String, _ noun: String) -> String? {
    guard !items.isEmpty else { return nil }
    let shown = items.prefix(3).joined(separator: ", ")
    return items.count <= 3
      ? "\(verb) \(shown)" : "\(verb) \(items.count) \(noun) (\(shown), …)"
  }
}
