import ConvNetGraphs
import ConvNetLayers
package import ConvNetModels
import ConvNetTensors
import Foundation

extension Model {
  /// Tells whether a file whose parameters have this network's names and shapes is of this network.
  ///
  /// Twins, such as the paper's ResNet-50 and torchvision's, differ in strides and constants that no tensor shows. A file that we
  /// wrote says whose it is. One from elsewhere means the row of the zoo whose publisher has these names.
  ///
  /// - Parameter asNamed: whether this network is meant, whatever the file says.
  /// - Returns: what is worth a word to a person.
  /// - Throws: ``NetworkMismatch`` where it is another's.
  func requireNetwork(of file: WeightFile, asNamed: Bool) throws -> [String] {
    guard let other = try Self.networkMeant(by: file, for: graph) else { return [] }
    guard asNamed || other.isOurs else {
      throw NetworkMismatch(
        path: file.path, network: graph.name, meant: other.name, evidence: other.evidence,
        differences: other.differences)
    }
    return [other.note(for: graph.name)]
  }

  private struct Other {
    var name: String
    var evidence: NetworkMismatch.Evidence
    /// What the other network computes instead of this one.
    var differences: [GraphDifference]
    /// Whether the file may be taken for this network: it is the publisher's, or there is no publisher.
    var isOurs = false
    var publisher: String?

    func note(for network: String) -> String {
      let source = publisher.map { "names of \($0), " } ?? ""
      return "\(source)taken as \(network); \(name) has the same parameters, but "
        + (differences.isEmpty ? "is another network" : differences.summary)
    }
  }

  /// - Returns: a network that the file may be of and that computes something else than `graph`.
  private static func networkMeant(by file: WeightFile, for graph: Graph) throws -> Other? {
    if let text = file.metadata[descriptionKey] {
      guard
        let own = try? JSONDecoder(OperationCatalog(of: graph)).decode(
          GraphDescription.self, from: Data(text.utf8)
        ).graph,
        own.name != graph.name
      else { return nil }
      let differences = own.differences(from: graph)
      return differences.isEmpty
        ? nil : Other(name: own.name, evidence: .stated, differences: differences)
    }
    if let name = file.network {
      guard name != graph.name else { return nil }
      let own = ModelRegistry[name].flatMap { try? $0.network.graph() }
      let named = ModelRegistry[graph.name].flatMap { try? $0.network.graph() }
      let differences = named.flatMap { own?.differences(from: $0) }
      return differences == []
        ? nil : Other(name: name, evidence: .stated, differences: differences ?? [])
    }
    guard ModelRegistry[graph.name] != nil else { return nil }
    return candidate(ModelRegistry.rows(fitting: shapes(in: file)), for: graph)
  }

  private static func candidate(_ matches: [ModelMatch], for graph: Graph) -> Other? {
    guard let own = matches.first(where: { $0.entry.name == graph.name }) else { return nil }
    let others = matches.lazy.filter { $0.entry.name != graph.name }
      .map { (entry: $0.entry, differences: $0.graph.differences(from: own.graph)) }
      .filter { !$0.differences.isEmpty }
    if let publisher = own.entry.publisher?.rawValue {
      return others.first.map {
        Other(
          name: $0.entry.name, evidence: .published(by: publisher), differences: $0.differences,
          isOurs: true, publisher: publisher)
      }
    }
    if let other = others.first(where: { $0.entry.publisher != nil }),
      let publisher = other.entry.publisher?.rawValue
    {
      return Other(
        name: other.entry.name, evidence: .published(by: publisher),
        differences: other.differences)
    }
    return others.first.map {
      Other(
        name: $0.entry.name, evidence: .stated, differences: $0.differences, isOurs: true)
    }
  }

  /// The shapes of a file's tensors by name, without PyTorch's counters.
  static func shapes(in file: WeightFile) -> [String: Shape] {
    Dictionary(
      file.entries.lazy.filter { !isCounter($0.name) }.map { ($0.name, $0.shape) }
    ) { first, _ in first }
  }

  /// PyTorch's batch normalization counts batches, which nothing uses.
  static func isCounter(_ name: String) -> Bool {
    name == "num_batches_tracked" || name.hasSuffix(".num_batches_tracked")
  }
}

/// The part of a model's description that says what network it is.
private struct GraphDescription: Decodable {
  var graph: Graph
}

extension WeightFile {
  /// The row of the zoo that the weights are of: the one that the file names, else the one that its names and shapes fit, of
  /// several a publisher's; `nil` where that is not known.
  package var row: ModelMatch? {
    for file in unwrapped {
      let matches = ModelRegistry.rows(fitting: Model.shapes(in: file))
      let match =
        network.map { network in matches.first { $0.entry.name == network } }
        ?? ModelRegistry.row(meantBy: matches)
      if let match { return match }
    }
    return nil
  }

  /// The name of the row that has most of the tensors, where ``row`` is `nil`.
  var nearestNetwork: String? {
    unwrapped.lazy.compactMap { ModelRegistry.row(nearest: Model.shapes(in: $0))?.name }.first
  }

  /// Whether its tensors are those of a row at its published input, for any number of classes.
  package func isPublished(of entry: ModelEntry) -> Bool {
    unwrapped.contains { file in
      ModelRegistry.rows(fitting: Model.shapes(in: file)).contains { $0.entry.name == entry.name }
    }
  }

  /// As it is, and without what a wrapper may have put before all names.
  private var unwrapped: [WeightFile] { [self] + commonPrefixes.map(removing) }
}
