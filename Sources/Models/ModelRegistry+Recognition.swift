public import ConvNetGraphs
import ConvNetLayers
package import ConvNetTensors

/// A row whose parameters the tensors of a file can be.
package struct ModelMatch: Sendable {
  package var entry: ModelEntry
  /// Of how many classes and channels the file's network is.
  package var options: ModelOptions
  /// Whose names the file has; `nil` for the row's own.
  package var framework: String?
  /// As the file has it: without auxiliary classifiers where that lacks them.
  package var graph: Graph
}

extension ModelRegistry {
  /// The rows that a file's tensors fit by name and shape, of however many classes and channels. Twins, which differ in nothing
  /// that a file of weights shows, are all among them.
  ///
  /// - Parameter tensors: the file's shapes by name, without counters.
  package static func rows(fitting tensors: [String: Shape]) -> [ModelMatch] {
    entries.compactMap { $0.match(tensors) }
  }

  /// The one row that a file without a name of its own means: the only one that fits, or of several that of a publisher.
  package static func row(meantBy matches: [ModelMatch]) -> ModelMatch? {
    if matches.count == 1 { return matches[0] }
    let published = matches.filter { $0.entry.publisher != nil }
    return published.count == 1 ? published[0] : nil
  }

  /// The row that has most of a file's tensors, and of whose parameters the file has most; of several the one that shares most,
  /// then a publisher's.
  package static func row(nearest tensors: [String: Shape]) -> ModelEntry? {
    var nearest: (entry: ModelEntry, count: Int)?
    for entry in entries {
      let count = entry.sharedCount(tensors)
      guard 2 * count > tensors.count else { continue }
      let isPreferred = entry.publisher != nil && nearest?.entry.publisher == nil
      if count > nearest?.count ?? 0 || count == nearest?.count && isPreferred {
        nearest = (entry, count)
      }
    }
    return nearest?.entry
  }

  /// The rows whose parameters have the names and shapes of each other, by the name of each.
  package static let twins: [String: [ModelEntry]] = {
    let signatures = entries.map { entry in
      (try? entry.network.graph()).map { graph in
        Set(graph.parameters.map { Parameter(name: graph[$0].name, shape: graph[$0].shape) })
      } ?? []
    }
    var twins: [String: [ModelEntry]] = [:]
    for (index, signature) in signatures.enumerated() where !signature.isEmpty {
      twins[entries[index].name] = entries.indices
        .filter { $0 != index && signatures[$0] == signature }.map { entries[$0] }
    }
    return twins
  }()

  private struct Parameter: Hashable {
    var name: String
    var shape: Shape
  }
}

extension ModelEntry {
  /// A row with parameters of the same names and shapes, and what it computes otherwise.
  public struct Twin: Sendable {
    /// The other row.
    public var name: String
    /// What this row does instead of what the twin does, derived from both graphs.
    public var differences: [GraphDifference]
  }

  /// The rows that a file of weights alone does not tell from this one.
  public var twins: [Twin] {
    guard let others = ModelRegistry.twins[name], !others.isEmpty, let own = try? network.graph()
    else { return [] }
    return others.compactMap { other in
      (try? other.network.graph()).map {
        Twin(name: other.name, differences: own.differences(from: $0))
      }
    }
  }

  /// How many of a file's tensors are the row's, by name and shape; 0 where most of the row is not in the file.
  fileprivate func sharedCount(_ tensors: [String: Shape]) -> Int {
    guard let graph = try? network.graph(), tensors.count < 2 * graph.parameters.count else {
      return 0
    }
    let names = Set(tensors.keys)
    return ([.own, .withoutAuxiliaryClassifiers] + weightNamings).map { naming in
      let sources = naming.sources(graph, names).values
      let shared = sources.count { tensors[$0.name] == $0.shape }
      return 2 * shared > sources.count ? shared : 0
    }.max() ?? 0
  }

  /// The row as the network of a file, where names and shapes agree.
  fileprivate func match(_ tensors: [String: Shape]) -> ModelMatch? {
    // Of a file with any number of names most rows are out of the question at once.
    guard let graph = try? network.graph(), tensors.count <= graph.parameters.count else {
      return nil
    }
    let names = Set(tensors.keys)
    for naming in [.own, .withoutAuxiliaryClassifiers] + weightNamings {
      let sources = naming.sources(graph, names)
      guard sources.count == names.count, sources.values.allSatisfy({ names.contains($0.name) })
      else { continue }
      guard let options = options(of: tensors, naming) else { return nil }
      let isWhole = sources.count == graph.parameters.count
      return ModelMatch(
        entry: self, options: options,
        framework: naming.framework == WeightNaming.own.framework ? nil : naming.framework,
        graph: isWhole ? graph : graph.withoutAuxiliaryClassifiers)
    }
    return nil
  }

  /// The classes and channels for which the row has the shapes of a file; `nil` where there are none.
  private func options(of tensors: [String: Shape], _ naming: WeightNaming) -> ModelOptions? {
    func shapes(_ options: ModelOptions) -> [String: Shape] {
      guard let graph = try? build(options).graph() else { return [:] }
      let sources = naming.sources(graph, Set(tensors.keys)).values
      return Dictionary(sources.map { ($0.name, $0.shape) }) { first, _ in first }
    }
    // The extents that follow the number of classes, and of channels, tell it.
    let base = shapes(defaults)
    var options = defaults
    for path in [\ModelOptions.classes, \.channels] {
      var changed = defaults
      changed[keyPath: path] += 1
      let free = shapes(changed).lazy.compactMap { name, shape -> Int? in
        guard let usual = base[name], let actual = tensors[name], actual.rank == usual.rank else {
          return nil
        }
        return usual.dimensions.indices.first { usual[$0] != shape[$0] }.map { actual[$0] }
      }.first
      if let free, 1...extentLimit ~= free { options[keyPath: path] = free }
    }
    return shapes(options) == tensors ? options : nil
  }
}
