import ConvNetImages

/// The distribution of a number to predict over samples.
public struct NumberSummary: Hashable, Sendable, Codable {
  /// As the data calls it.
  public var name: String
  /// The least.
  public var least: Double
  /// The mean.
  public var mean: Double
  /// The greatest.
  public var greatest: Double
  /// The standard deviation, that of the population.
  public var deviation: Double
}

extension NumberSummary {
  /// Of the numbers that samples of some parts are told by; none where they are told by something else.
  static func all(of parts: [any Dataset]) -> [NumberSummary] {
    guard let first = parts.first, first.targetKind == .numbers else { return [] }
    let targets = parts.flatMap { part in (0..<part.count).map { part.targets(at: $0) } }
    guard !targets.isEmpty else { return [] }
    return first.classNames.enumerated().map { place, name in
      let values = targets.map { Double($0[place]) }
      let mean = values.reduce(0, +) / Double(values.count)
      let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      return NumberSummary(
        name: name, least: values.min() ?? 0, mean: mean, greatest: values.max() ?? 0,
        deviation: (squares / Double(values.count)).squareRoot())
    }
  }
}
