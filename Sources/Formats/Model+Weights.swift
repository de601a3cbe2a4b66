import ConvNetGraphs
public import ConvNetLayers
import ConvNetTensors

extension Model {
  /// Takes all parameters from a file of weights in any format, by name, as `float32`.
  ///
  /// Each is copied out of the file once. PyTorch's counters of batches, `num_batches_tracked`, are
  /// passed over. A file may leave out the classifiers at the side, all of them, which then stay as
  /// they are.
  ///
  /// Names and shapes do not tell every network of the zoo from another: a file that says whose it is, or whose names are a
  /// publisher's, is not taken for a twin of that network.
  ///
  /// - Parameters:
  ///   - namings: other names than the network's own that the file may have.
  ///   - asNamed: whether this network is meant, although the file may be of a twin.
  /// - Returns: what was found and is worth a word to a person: the names are another framework's,
  ///   there are no auxiliary classifiers, another network has the same parameters.
  /// - Throws: ``ParameterMismatch`` where the file's names and shapes are not the network's, ``NetworkMismatch`` where they are
  ///   and the file is another network's; the model is then as it was. ``ModelFileError``
  ///   where it is a training's checkpoint. Errors of the file as ``WeightFile/init(_:)`` and
  ///   ``WeightFile/tensor(named:as:)``.
  @discardableResult
  public mutating func loadParameters(
    from path: String, namings: [WeightNaming] = [], asNamed: Bool = false
  ) throws -> [String] {
    try loadParameters(from: WeightFile(path), namings: namings, asNamed: asNamed)
  }

  /// Takes all parameters from an open file.
  ///
  /// - Throws: as ``loadParameters(from:namings:asNamed:)-(String,_,_)``.
  @discardableResult
  public mutating func loadParameters(
    from file: WeightFile, namings: [WeightNaming] = [], asNamed: Bool = false
  ) throws -> [String] {
    try file.requireNoCheckpoint()
    let namings = [.own, .withoutAuxiliaryClassifiers] + namings
    if !isNamed(by: file, namings),
      let prefix = file.commonPrefixes.first(where: {
        isNamed(by: file.removing(prefix: $0), namings)
      })
    {
      let notes = try loadParameters(
        from: file.removing(prefix: prefix), namings: namings, asNamed: asNamed)
      return [WeightFile.note(onPrefix: prefix)] + notes
    }
    let names = Set(Self.shapes(in: file).keys)
    let candidates = namings.map { naming in
      (framework: naming.framework, sources: naming.sources(graph, names))
    }
    // The first that names the file's tensors; else the one that names the most, to say what is
    // wrong.
    func agreement(_ sources: [String: ParameterSource]) -> (common: Int, isWhole: Bool) {
      let common = sources.values.count { names.contains($0.name) }
      return (common, common == sources.count && common == names.count)
    }
    var best = candidates[0]
    for candidate in candidates {
      let (found, soFar) = (agreement(candidate.sources), agreement(best.sources))
      if (found.isWhole && !soFar.isWhole) || (!soFar.isWhole && found.common > soFar.common) {
        best = candidate
      }
    }
    try requireFit(of: file, names: names, sources: best.sources)
    var notes = try requireNetwork(of: file, asNamed: asNamed)
    var loaded = parameters
    for (name, source) in best.sources {
      guard let shape = parameters[name]?.shape else { continue }
      loaded[name] = source.parameter(
        of: shape, from: try file.tensor(named: source.name, as: .float32))
    }
    averageAges = averageAges.filter { best.sources[$0.key] == nil }
    let left = parameters.keys.filter { best.sources[$0] == nil }.sorted()
    parameters = loaded
    if best.framework != WeightNaming.own.framework {
      notes.append("names and orders of \(best.framework)")
    }
    if let first = left.first {
      notes.append(
        "no auxiliary classifiers: \(left.count) parameter\(left.count == 1 ? "" : "s") (\(first), …) stay as they begin"
      )
    }
    return notes
  }

  /// Whether a file has all of the network's names and no others, by one of some namings.
  private func isNamed(by file: WeightFile, _ namings: [WeightNaming]) -> Bool {
    let names = Set(Self.shapes(in: file).keys)
    return namings.contains { naming in
      let sources = naming.sources(graph, names)
      return sources.count == names.count && sources.values.allSatisfy { names.contains($0.name) }
    }
  }

  /// - Throws: ``ParameterMismatch`` where names or shapes of the file are not those of the sources.
  private func requireFit(
    of file: WeightFile, names: Set<String>, sources: [String: ParameterSource]
  ) throws(ParameterMismatch) {
    var mismatch = ParameterMismatch(
      path: file.path, network: graph.name, missing: [], unexpected: [], different: [])
    for source in sources.values.sorted(by: { $0.name < $1.name }) {
      guard let entry = file[source.name] else {
        mismatch.missing.append(source.name)
        continue
      }
      if entry.shape != source.shape {
        mismatch.different.append(
          .init(name: source.name, actual: entry.shape, expected: source.shape))
      }
    }
    mismatch.unexpected = names.subtracting(sources.values.map(\.name)).sorted()
    guard mismatch.missing.isEmpty, mismatch.unexpected.isEmpty, mismatch.different.isEmpty else {
      mismatch.fitting = file.row.map { .init($0) }
      throw mismatch
    }
  }

  /// Takes from a file every parameter that it has in the network's shape, as `float32`: the beginning of fine-tuning.
  ///
  /// - Parameters:
  ///   - namings: of other frameworks, beside the network's own names; those under which the most fits are taken.
  ///   - minimumShare: of the network's parameters, 0 to 1: with fewer the file is refused.
  ///   - asNamed: as in ``loadParameters(from:namings:asNamed:)-(String,_,_)``.
  /// - Returns: what was taken, and what stays as it was.
  /// - Throws: ``TooFewParameters``; ``ModelFileError`` where the file has none of the network's parameters, or is a
  ///   training's checkpoint; ``NetworkMismatch`` where it has all by
  ///   name, and is another network's; errors of the file as ``WeightFile/init(_:)``.
  @discardableResult
  public mutating func takeParameters(
    from path: String, namings: [WeightNaming] = [], minimumShare: Double = 0.5,
    asNamed: Bool = false
  ) throws -> TakenParameters {
    let whole = try WeightFile(path)
    try whole.requireNoCheckpoint()
    // Of what wrappers may have left of the names, and of how frameworks call them, that with the most parameters of the network.
    var best = offer(of: whole, .own)
    for file in [whole] + whole.commonPrefixes.map(whole.removing) {
      for naming in [.own] + namings {
        let other = offer(of: file, naming)
        if other.fitting.count > best.fitting.count { best = other }
      }
    }
    if Set(Self.shapes(in: best.file).keys) == Set(best.sources.values.map(\.name)) {
      _ = try requireNetwork(of: best.file, asNamed: asNamed)
    }
    guard !best.fitting.isEmpty else {
      throw ModelFileError(path: path, problem: .noParameters(of: graph.name))
    }
    let taken = TakenParameters(
      path: path, network: graph.name, count: best.fitting.count,
      left: parameters.filter { best.fitting[$0.key] == nil }.map {
        name, own -> TakenParameters.Left in
        let source = best.sources[name] ?? ParameterSource(name, shape: own.shape)
        return TakenParameters.Left(
          name: source.name, found: best.file[source.name]?.shape, needed: source.shape)
      }.sorted { $0.name < $1.name },
      framework: best.framework == WeightNaming.own.framework ? nil : best.framework)
    guard taken.share >= minimumShare else {
      throw TooFewParameters(found: taken, minimumShare: minimumShare)
    }
    var loaded = parameters
    for (name, source) in best.fitting {
      guard let shape = parameters[name]?.shape else { continue }
      loaded[name] = source.parameter(
        of: shape, from: try best.file.tensor(named: source.name, as: .float32))
    }
    parameters = loaded
    averageAges = averageAges.filter { best.fitting[$0.key] == nil }
    return taken
  }

  /// What a file has for the network under names of a framework.
  private struct Offer {
    var file: WeightFile
    var framework: String
    var sources: [String: ParameterSource]
    /// Those that are in the file, in the shape that they must have.
    var fitting: [String: ParameterSource]
  }

  private func offer(of file: WeightFile, _ naming: WeightNaming) -> Offer {
    let sources = naming.sources(graph, Set(Self.shapes(in: file).keys))
    return Offer(
      file: file, framework: naming.framework, sources: sources,
      fitting: sources.filter { file[$0.value.name]?.shape == $0.value.shape })
  }
}
