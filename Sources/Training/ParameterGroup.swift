import ConvNetFiles
public import ConvNetGraphs

/// Parameters that are learned otherwise than the rest: not at all, or at another rate.
///
/// ```swift
/// // The last layer learns, the layers before it slowly, those at the beginning not at all.
/// trainer.groups = [.frozen("layer1.*"), ParameterGroup("fc.*"), ParameterGroup("*", rateFactor: 0.1)]
/// ```
///
/// A parameter belongs to the first group whose pattern fits its whole name, or to none.
public struct ParameterGroup: Hashable, Sendable, Codable {
  /// In which `*` stands for any characters, none too, and `?` for one.
  public var pattern: String
  /// A second pattern that a name must fit as well; `nil` where one is enough.
  public var otherPattern: String?
  /// Whether the parameters stay as they are. A batch normalization of which scale and shift stay normalizes by its running
  /// statistics, which stay too: the batch is neither read nor averaged.
  public var isFrozen: Bool
  /// Times the learning rate.
  public var rateFactor: Float
  /// Times the optimizer's weight decay.
  public var decayFactor: Float

  /// The parameters whose names a pattern fits.
  ///
  /// - Parameters:
  ///
  /// - rateFactor: times the learning rate.
  ///
  /// - decayFactor: times the weight decay.
  public init(
    _ pattern: String, isFrozen: Bool = false, rateFactor: Float = 1, decayFactor: Float = 1
  ) {
    self.pattern = pattern
    self.isFrozen = isFrozen
    self.rateFactor = rateFactor
    self.decayFactor = decayFactor
  }

  /// Parameters that stay as they are. Their gradients are not computed.
  public static func frozen(_ pattern: String) -> ParameterGroup {
    ParameterGroup(pattern, isFrozen: true)
  }

  /// - Throws: ``TrainingError/invalidSetting(name:value:requirement:)``.
  func validate() throws(TrainingError) {
    for (name, factor) in [("rate factor", rateFactor), ("decay factor", decayFactor)]
    where !(factor.isFinite && factor >= 0) {
      throw .invalidSetting(
        name: "\(name) of \(pattern)", value: "\(factor)",
        requirement: "a finite number, zero or more")
    }
  }

  func matches(_ name: String) -> Bool {
    let bytes = Array(name.utf8)[...]
    return Self.matches(Array(pattern.utf8)[...], bytes)
      && otherPattern.map { Self.matches(Array($0.utf8)[...], bytes) } ?? true
  }

  private static func matches(_ pattern: ArraySlice<UInt8>, _ name: ArraySlice<UInt8>) -> Bool {
    // Where to go on when the characters after the last star do not fit: the star takes one more.
    var (pattern, name) = (pattern, name)
    var retry: (pattern: ArraySlice<UInt8>, name: ArraySlice<UInt8>)?
    while let character = name.first {
      if pattern.first == UInt8(ascii: "*") {
        pattern = pattern.dropFirst()
        retry = (pattern, name)
      } else if pattern.first == UInt8(ascii: "?") || pattern.first == character {
        (pattern, name) = (pattern.dropFirst(), name.dropFirst())
      } else if let last = retry {
        retry = (last.pattern, last.name.dropFirst())
        (pattern, name) = (last.pattern, last.name.dropFirst())
      } else {
        return false
      }
    }
    return pattern.allSatisfy { $0 == UInt8(ascii: "*") }
  }
}

extension ParameterGroup: CustomStringConvertible {
  public var description: String {
    var parts: [String] = []
    if isFrozen { parts.append("frozen") }
    if rateFactor != 1 { parts.append("rate times \(rateFactor)") }
    if decayFactor != 1 { parts.append("decay times \(decayFactor)") }
    let names = otherPattern.map { "\(pattern) and \($0)" } ?? pattern
    return "\(names) \(parts.isEmpty ? "as usual" : parts.joined(separator: ", "))"
  }
}

extension [ParameterGroup] {
  /// The group of a parameter.
  func group(of name: String) -> ParameterGroup? { first { $0.matches(name) } }

  /// The trainable parameters that stay as they are.
  func frozen(in graph: Graph) -> Set<String> {
    Set(
      graph.trainableNames.filter { group(of: $0)?.isFrozen == true })
  }

  /// Batch normalizations that compute as in inference, by the names of their running means: all that they learn is frozen, or,
  /// where they learn nothing, a group freezes their running mean.
  func frozenStatistics(in graph: Graph) -> Set<String> {
    guard contains(where: \.isFrozen) else { return [] }
    return Set(
      graph.operations.compactMap { operation in
        guard operation.attributes is ConvNetGraphs.Operation.BatchNormalization else {
          return nil
        }
        let learned = operation.inputs[1...2].map { graph[$0] }.filter {
          $0.parameterKind?.isTrainable == true
        }.map(\.name)
        let names = learned.isEmpty ? [graph[operation.inputs[3]].name] : learned
        return names.allSatisfy { group(of: $0)?.isFrozen == true }
          ? graph[operation.inputs[3]].name : nil
      })
  }

  /// Factors of rate and decay as groups, of options that each name parameters by a pattern: those that several name have all
  /// their factors, of each kind the first that fits.
  ///
  /// - Parameters:
  ///   - frozen: patterns of what stays as it is, whatever else is said of it.
  ///   - network: in which a pair of patterns that no parameter fits makes no group.
  /// - Throws: ``TrainingError/invalidSetting(name:value:requirement:)`` where a pattern fits no parameter, or has two factors of
  ///   a kind.
  public static func combining(
    frozen: [String], rateFactors: [(pattern: String, factor: Float)],
    decayFactors: [(pattern: String, factor: Float)], in network: Graph
  ) throws(TrainingError) -> [ParameterGroup] {
    try requireOneEach("rate factor", rateFactors)
    try requireOneEach("decay factor", decayFactors)
    let rates = rateFactors.map { ParameterGroup($0.pattern, rateFactor: $0.factor) }
    let decays = decayFactors.map { ParameterGroup($0.pattern, decayFactor: $0.factor) }
    // Each by itself: what is hidden behind another group fits all the same.
    for group in frozen.map(ParameterGroup.frozen) + rates + decays {
      try [group].requirePatternsFit(network)
    }
    var groups = frozen.map(ParameterGroup.frozen)
    for rate in rates {
      for decay in decays {
        var both = rate
        both.decayFactor = decay.decayFactor
        if rate.pattern != decay.pattern { both.otherPattern = decay.pattern }
        if network.trainableNames.contains(where: both.matches) { groups.append(both) }
      }
    }
    return groups + rates + decays
  }

  /// - Throws: ``TrainingError/invalidSetting(name:value:requirement:)`` where a pattern has two factors.
  private static func requireOneEach(
    _ name: String, _ factors: [(pattern: String, factor: Float)]
  ) throws(TrainingError) {
    for (place, given) in factors.enumerated() {
      let first = factors[..<place].first { $0.pattern == given.pattern }
      guard let first, first.factor != given.factor else { continue }
      throw .invalidSetting(
        name: "\(name) of \(given.pattern)", value: "\(first.factor) and \(given.factor)",
        requirement: "one number")
    }
  }

  /// - Throws: ``TrainingError/invalidSetting(name:value:requirement:)`` where a pattern fits no parameter, or nothing is
  ///   learned.
  func requireFit(_ graph: Graph) throws(TrainingError) {
    try requirePatternsFit(graph)
    let names = graph.trainableNames
    if !isEmpty, frozen(in: graph).count == names.count {
      throw .invalidSetting(
        name: "the parameters that are learned", value: "none",
        requirement: "at least one: the groups freeze all of \(graph.name)")
    }
  }

  private func requirePatternsFit(_ graph: Graph) throws(TrainingError) {
    let names = graph.trainableNames
    for group in self where !names.contains(where: group.matches) {
      // A normalization without scale and shift is frozen by its running mean.
      if ![group].frozenStatistics(in: graph).isEmpty { continue }
      let nearest = nearestNames(to: group.pattern, among: names + graph.layerPatterns)
      throw .invalidSetting(
        name: "the pattern of a parameter group", value: group.pattern,
        requirement: "one that fits a parameter of \(graph.name)"
          + (nearest.isEmpty
            ? ", such as \(names.first ?? "none")"
            : "; did you mean \(nearest.joined(separator: " or "))?"))
    }
  }
}

extension Graph {
  /// Patterns of all parameters in and below each layer.
  fileprivate var layerPatterns: [String] {
    Set(
      trainableNames.flatMap { name in
        let path = name.split(separator: ".", omittingEmptySubsequences: false).dropLast()
        return path.indices.map { path[...$0].joined(separator: ".") + ".*" }
      }
    ).sorted()
  }

  fileprivate var trainableNames: [String] {
    parameters.filter { self[$0].parameterKind?.isTrainable == true }.map { self[$0].name }
  }
}
