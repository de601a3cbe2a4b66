public import ConvNetLayers
public import ConvNetTensors

/// What a network of the zoo can be built for.
public struct ModelOptions: Hashable, Sendable {
  /// Rows of a picture.
  public var height: Int
  /// Columns of a picture.
  public var width: Int
  /// Channels of a picture: 3 for color, 1 for grey.
  public var channels: Int
  /// Logits that the network gives, one a class.
  public var classes: Int
  /// In which order pictures are given, and elements flattened.
  public var dataFormat: DataFormat
  /// Whether networks whose dense layers stand behind a grid of features, AlexNet and VGG, take the means of parts of it where it
  /// has another size than the published one, as torchvision's do: so their published weights serve pictures of any size. Else
  /// the dense layers are made for the grid that there is.
  public var poolsToPublishedGrid: Bool
  /// The rate of dropout before the classifier, 0 for none; `nil`: that of the network's paper. In AlexNet and VGG that of both
  /// hidden dense layers; residual networks and LeNet have no place for it.
  public var dropout: Float?
  /// What the loss of each auxiliary classifier counts; `nil`: as in the network's paper.
  public var auxiliaryWeight: Float?
  /// Of residual networks, the share of examples that pass the last block by its shortcut alone in training, 0 for none; that of
  /// the blocks before it grows evenly up to there: see ``StochasticDepth``. Others have no place for it.
  public var stochasticDepth: Float

  /// What a network shall be built for. Sizes that a network cannot take are refused when it is lowered.
  public init(
    height: Int, width: Int, channels: Int, classes: Int, dataFormat: DataFormat = .channelsLast,
    poolsToPublishedGrid: Bool = false, dropout: Float? = nil, auxiliaryWeight: Float? = nil,
    stochasticDepth: Float = 0
  ) {
    self.height = height
    self.width = width
    self.channels = channels
    self.classes = classes
    self.dataFormat = dataFormat
    self.poolsToPublishedGrid = poolsToPublishedGrid
    self.dropout = dropout
    self.auxiliaryWeight = auxiliaryWeight
    self.stochasticDepth = stochasticDepth
  }

  /// The pictures, as the input of a network.
  public var input: NetworkInput { .image(height: height, width: width, channels: channels) }
}

/// A row of the zoo.
public struct ModelEntry: Sendable {
  /// Whose files of weights a row is for.
  public enum Publisher: String, Hashable, Sendable, CaseIterable {
    /// PyTorch's collection of networks for pictures, `torchvision.models`.
    case torchvision
    /// `keras.applications`.
    case keras = "Keras"
  }

  /// By which the command, model files and ``ModelRegistry`` know it: `resnet50`.
  public var name: String
  /// Further names of the same network.
  public var aliases: [String]
  /// The title of the paper that describes it.
  public var paper: String
  /// When the paper appeared.
  public var year: Int
  /// What the paper's table says of the input and the classes.
  public var defaults: ModelOptions
  /// What differs from the paper, if anything does.
  public var note: String?
  /// Who publishes weights for exactly this network: torchvision or Keras. `nil` for the paper's own.
  public var publisher: Publisher?
  /// Makes the network for a size of pictures and a number of classes.
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
  /// All rows, in the order of `convnet models`: by family, about as they were published.
  public static let entries: [ModelEntry] =
    firstRows + vggRows + inceptionRows + resNetRows + mobileRows + cifarRows

  /// The row of a name or an alias; `nil` where there is none.
  public static subscript(name: String) -> ModelEntry? {
    entries.first { $0.name == name || $0.aliases.contains(name) }
  }

  /// Every name and alias, in the order of the rows.
  public static var names: [String] { entries.flatMap { [$0.name] + $0.aliases } }
}
