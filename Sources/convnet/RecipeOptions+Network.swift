import ConvNet

extension RecipeOptions {
  /// Refuses what was asked of the network and changes nothing of it. What a recipe brings is only told: see
  /// `Recipe.unapplied`.
  ///
  /// - Parameter isFixed: whether the network comes from a file, which no option changes.
  /// - Throws: ``NoPlaceInNetwork``.
  func requirePlaces(in network: Graph, isFixed: Bool) throws {
    let operations = network.operations.map(\.attributes)
    let dropouts = operations.compactMap { ($0 as? Operation.Dropout)?.rate }
    let depths = operations.compactMap { ($0 as? Operation.StochasticDepth)?.rate }
    let weights = network.outputs.compactMap(\.auxiliaryWeight)
    func require(
      _ option: String, _ given: Float?, in found: [Float], _ noun: String,
      has: (Float) -> Bool
    ) throws {
      guard let given else { return }
      // None is no more than what a network of the zoo is built with; auxiliary classifiers keep theirs.
      let isThere = given > 0 ? has(given) : !isFixed || found.allSatisfy { $0 == 0 }
      guard !isThere else { return }
      throw NoPlaceInNetwork(
        network: network.name, option: option, noun: noun, own: found.max() ?? 0)
    }
    try require("--dropout", dropout, in: dropouts, "dropout") { dropouts.contains($0) }
    try require(
      "--stochastic-depth", stochasticDepth, in: depths, "residual blocks that can be left out"
    ) { rate in isFixed ? Self.isRate(rate, ofShares: depths) : !depths.isEmpty }
    try require("--auxiliary-weight", auxiliaryWeight, in: weights, "auxiliary classifiers") {
      weights.contains($0)
    }
  }
}

extension RecipeOptions {
  /// Whether blocks with these shares have this rate: each has as much of it as its place among all says, and the last, which has
  /// all, may be none that can be left out.
  private static func isRate(_ rate: Float, ofShares shares: [Float]) -> Bool {
    let sorted = Set(shares).sorted()
    guard let largest = sorted.last else { return false }
    let steps = zip(sorted.dropFirst(), sorted).map { $0 - $1 }
    return -1e-6...(steps.min() ?? 0) * 1.001 + 1e-6 ~= rate - largest
  }
}

/// An option asks of a network what it has no place for, or has otherwise in its file.
struct NoPlaceInNetwork: ReadableError {
  var network: String
  var option: String
  var noun: String
  /// The network's own value; 0 where it has none.
  var own: Float

  var description: String {
    own > 0
      ? "\(network) has \(noun) as its file says, at \(own); leave out \(option)"
      : "\(network) has no \(noun); leave out \(option)"
  }
}
