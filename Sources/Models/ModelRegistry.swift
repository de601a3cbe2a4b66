public import ConvNetLayers
public import ConvNetTensors

/// What a network of the zoo can be built for.
public struct ModelOptions: Hashable, Sendable {
  public var height: Int
  public var width: Int
  public var channels: Int
  public var classes: Int
  public var dataFormat: DataFormat

  public init(
    height: Int, width: Int, channels: Int, classes: Int, dataFormat: DataFormat = .channelsLast
  ) {
    self.height = height
    self.width = width
    self.channels = channels
    self.classes = classes
    self.dataFormat = dataFormat
  }

  public var input: NetworkInput { .image(height: height, width: width, channels: channels) }
}

/// A row of the zoo.
public struct ModelEntry: Sendable {
  /// Whose files of weights a row is for.
  public enum Publisher: String, Hashable, Sendable, CaseIterable {
    case torchvision
    case keras = "Keras"
  }

  public var name: String
  public var aliases: [String]
  public var paper: String
  public var year: Int
  /// What the paper's table says of the input and the classes.
  public var defaults: ModelOptions
  /// What differs from the paper, if anything does.
  public var note: String?
  /// Who publishes weights for exactly this network: torchvision or Keras. `nil` for the paper's own.
  public var publisher: Publisher?
  public var build: @Sendable (ModelOptions) -> Network
  /// Other frameworks' names for its parameters, under which their weights load.
  public var weightNamings: [WeightNaming]

  init(
    _ name: String, aliases: [String] = [], paper: String, year: Int, defaults: ModelOptions,
    note: String? = nil, publisher: Publisher? = nil, weightNamings: [WeightNaming] = [],
    build: @escaping @Sendable (ModelOptions) -> Network
  ) {
    self.name = name
    self.aliases = aliases
    self.paper = paper
    self.year = year
    self.defaults = defaults
    self.note = note
    self.publisher = publisher
    self.build = build
    self.weightNamings = weightNamings
  }

  /// The network as the paper has it.
  public var network: Network { build(defaults) }
}

extension ModelEntry: CustomStringConvertible {
  public var description: String { "\(name) (\(year))" }
}

/// The networks that ConvNet knows by name.
public enum ModelRegistry {
  public static let entries: [ModelEntry] =
    firstRows + vggRows + inceptionRows + resNetRows + cifarRows

  /// The row of a name or an alias; `nil` where there is none.
  public static subscript(name: String) -> ModelEntry? {
    entries.first { $0.name == name || $0.aliases.contains(name) }
  }

  public static var names: [String] { entries.flatMap { [$0.name] + $0.aliases } }
}
