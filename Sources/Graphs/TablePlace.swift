/// Where an operation stands in its network's table as papers print it: what the layers around it say while they append it.
public struct TablePlace: Hashable, Sendable, Codable {
  /// Tells apart the blocks, or branches, of one stage.
  public enum Block: Hashable, Sendable, Codable {
    /// What the stage calls the block.
    case named(String)
    /// A branch, by its number among those of the network.
    case branch(Int)
  }

  /// The row that it shares with others; `nil` for a layer that stands alone, whose row has its own name.
  public var stage: String?
  /// Of the stage.
  public var block: Block?
  /// Whether it is a layer that tables print: not one of several operations of a layer, nor how a shortcut comes to its shape.
  public var isListed: Bool

  /// A place; by default that of a layer that stands alone.
  public init(stage: String? = nil, block: Block? = nil, isListed: Bool = true) {
    self.stage = stage
    self.block = block
    self.isListed = isListed
  }
}

extension TablePlace {
  /// Of an operation in a file that was written before operations knew their place: its name is all that the file says.
  ///
  /// The networks of such files number what is a sequence of layers, `features.0`; call the branches of an Inception block
  /// `branch3x3_1` and `branch3x3_2` where they are one; and a shortcut's projection `downsample`.
  init(formerly path: LayerPath) {
    let isAlone =
      path.part == nil
      && (path.layers.count < 2 || (path.layers.count == 2 && Int(path.layers[1]) != nil))
    self.init(
      stage: isAlone ? nil : path.layers.first ?? "",
      block: path.layers.count > 1 ? .named(String(path.layers[1].prefix { $0 != "_" })) : nil,
      isListed: path.part == nil && !path.layers.contains("downsample"))
  }
}
