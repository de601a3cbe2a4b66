import ConvNetFiles
import ConvNetGraphs

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
  /// Whether the parameters stay as they are. Running statistics are no such parameters: they follow the batches.
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
    Self.matches(Array(pattern.utf8)[...], Array(name.utf8)[...])
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
    return "\(pattern) \(parts.isEmpty ? "as usual" : parts.joined(separator: ", "))"
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

  /// - Throws: ``TrainingError/invalidSetting(name:value:requirement:)`` where a pattern fits no parameter, or nothing is
  ///   learned.
  func requireFit(_ graph: Graph) throws(TrainingError) {
    let names = graph.trainableNames
    for group in self where !names.contains(where: group.matches) {
      let nearest = nearestNames(to: group.pattern, among: names)
      throw .invalidSetting(
        name: "the pattern of a parameter group", value: group.pattern,
        requirement: "one that fits a parameter of \(graph.name)"
          + (nearest.isEmpty
            ? ", such as \(names.first ?? "none")"
            : "; did you mean \(nearest.joined(separator: " or "))?"))
    }
    if !isEmpty, frozen(in: graph).count == names.count {
      throw .invalidSetting(
        name: "the parameters that are learned", value: "none",
        requirement: "at least one: the groups freeze all of \(graph.name)")
    }
  }
}

extension Graph {
  fileprivate var trainableNames: [String] {
    parameters.filter { self[$0].parameterKind?.isTrainable == true }.map { self[$0].name }
  }
}
