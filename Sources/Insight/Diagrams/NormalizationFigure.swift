import ConvNetFiles
public import ConvNetReports

/// The kinds of normalization, by what each takes its mean and variance over (after Y. Wu, K. He, "Group Normalization", 2018,
/// figure 2).
public enum NormalizationKind: Hashable, Sendable {
  /// Each channel, over all examples and positions.
  case batch
  /// Each example, over all channels and positions.
  case layer
  /// Each channel of each example, over its positions.
  case instance
  /// Each group of channels of each example.
  case group(count: Int)

  /// What it is called.
  public var name: String {
    switch self {
    case .batch: "batch normalization"
    case .layer: "layer normalization"
    case .instance: "instance normalization"
    case .group(let count): "group normalization, \(count) groups"
    }
  }

  /// Whether two numbers of a batch share their mean and variance.
  ///
  /// - Parameter channels: of the batch.
  public func shares(
    _ first: (example: Int, channel: Int), _ second: (example: Int, channel: Int), channels: Int
  ) -> Bool {
    switch self {
    case .batch: first.channel == second.channel
    case .layer: first.example == second.example
    case .instance: first == second
    case .group(let count):
      first.example == second.example
        && first.channel * count / channels == second.channel * count / channels
    }
  }

  /// How many means and variances there are.
  public func statistics(examples: Int, channels: Int) -> Int {
    switch self {
    case .batch: channels
    case .layer: examples
    case .instance: examples * channels
    case .group(let count): examples * count
    }
  }

  /// Over which axes each mean is taken.
  public var axes: String {
    switch self {
    case .batch: "N, H, W"
    case .layer: "C, H, W"
    case .instance: "H, W"
    case .group: "H, W and the channels of a group"
    }
  }
}

/// Blocks of numbers, examples by channels by positions, in which those that one mean is taken over are colored.
public struct NormalizationFigure: Figure {
  /// Examples of the batch.
  public let examples: Int
  /// Channels.
  public let channels: Int
  /// Positions along the drawn edge; a picture has their square.
  public let side: Int
  /// From left to right.
  public let kinds: [NormalizationKind]

  /// The figure of a batch.
  ///
  /// - Throws: ``InsightError`` where the groups do not divide the channels, or there is too much to draw.
  public init(examples: Int = 6, channels: Int = 6, side: Int = 6, groups: Int = 2)
    throws(InsightError)
  {
    for (name, value) in [("examples", examples), ("channels", channels), ("positions", side)] {
      guard 1...16 ~= value else {
        throw .setting(name: name, value: "\(value)", requirement: "from 1 to 16")
      }
    }
    guard groups > 0, channels % groups == 0 else {
      throw .setting(
        name: "groups", value: "\(groups)", requirement: "a divisor of the \(channels) channels")
    }
    (self.examples, self.channels, self.side) = (examples, channels, side)
    kinds = [.batch, .layer, .instance, .group(count: groups)]
  }

  public var title: String { "What each normalization takes its means over" }

  private static let cell = 18.0
  /// A step into the depth, on paper.
  private static let depth = (x: 11.0, y: 8.0)
  private var front: (width: Double, height: Double) {
    (Self.cell * Double(channels), Self.cell * Double(side))
  }
  private var block: Double {
    max(front.width + Self.depth.x * Double(examples) + 46, 236)
  }
  private var top: Double { 62 + Self.depth.y * Double(examples) }

  public var size: (width: Double, height: Double) {
    (block * Double(kinds.count), top + front.height + 74)
  }

  public var drawing: String {
    var parts = [
      label(title, x: 0, y: 14, "head"),
      label(
        "A batch of N = \(examples) examples with C = \(channels) channels of H x W = \(side)x\(side) positions; the colored numbers share one mean and one variance.",
        x: 0, y: 34, "soft"),
    ]
    for (index, kind) in kinds.enumerated() {
      parts.append(
        element(
          "g", ["transform": "translate(\(coordinate(block * Double(index) + 18)) 0)"],
          cube(kind), captions(kind)))
    }
    return parts.joined(separator: "\n")
  }

  /// The number of whose mean the others are colored: in the front at the right, where three faces show it.
  private var chosen: (example: Int, channel: Int) { (0, channels - 1) }

  private func cube(_ kind: NormalizationKind) -> String {
    var shaded = ""
    var plain = ""
    func add(_ corners: [(x: Double, y: Double)], example: Int, channel: Int) {
      let path =
        "M" + corners.map { "\(coordinate($0.x)) \(coordinate($0.y))" }.joined(separator: "L") + "z"
      if kind.shares(chosen, (example, channel), channels: channels) {
        shaded += path
      } else {
        plain += path
      }
    }
    func place(channel: Double, row: Double, example: Double) -> (x: Double, y: Double) {
      (
        Self.cell * channel + Self.depth.x * example,
        top + Self.cell * row - Self.depth.y * example
      )
    }
    func corners(_ places: (Double, Double, Double)...) -> [(x: Double, y: Double)] {
      places.map { place(channel: $0.0, row: $0.1, example: $0.2) }
    }
    for row in 0..<side {
      for channel in 0..<channels {
        let (c, r) = (Double(channel), Double(row))
        add(
          corners((c, r, 0), (c + 1, r, 0), (c + 1, r + 1, 0), (c, r + 1, 0)), example: 0,
          channel: channel)
      }
    }
    for example in 0..<examples {
      let n = Double(example)
      for channel in 0..<channels {
        let c = Double(channel)
        add(
          corners((c, 0, n), (c + 1, 0, n), (c + 1, 0, n + 1), (c, 0, n + 1)), example: example,
          channel: channel)
      }
      for row in 0..<side {
        let (c, r) = (Double(channels), Double(row))
        add(
          corners((c, r, n), (c, r, n + 1), (c, r + 1, n + 1), (c, r + 1, n)), example: example,
          channel: channels - 1)
      }
    }
    return path(plain, ["fill": "none", "class": "base", "stroke-opacity": "0.5"])
      + path(shaded, ["class": "f0", "fill-opacity": "0.75", "stroke": "var(--paper)"])
  }

  private func captions(_ kind: NormalizationKind) -> String {
    let bottom = top + front.height
    let count = kind.statistics(examples: examples, channels: channels)
    let numbers = examples * channels * side * side
    return label("C →", x: front.width / 2 - 8, y: bottom + 14, "soft small")
      + element(
        "text",
        [
          "transform": "translate(-6 \(coordinate(top + front.height / 2 + 16))) rotate(-90)",
          "class": "soft small",
        ], escaped("H, W →"))
      + label(
        "N ↗", x: front.width + Self.depth.x * Double(examples) / 2 + 8,
        y: top + front.height - Self.depth.y * Double(examples) / 2 + 12, "soft small")
      + label(kind.name, x: 0, y: bottom + 34, "")
      + label(
        "over \(kind.axes)", x: 0, y: bottom + 50, "soft small")
      + label(
        "\(plural(count, "mean")), each of \(numbers / count) numbers", x: 0, y: bottom + 65,
        "soft small")
  }
}
