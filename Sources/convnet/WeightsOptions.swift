import ArgumentParser
import ConvNet

/// Weights for a network of the zoo, for commands that make no sense without any.
struct WeightsOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Weights for a model by name: safetensors, .pth or .npz.", valueName: "file"))
  var weights: String?
  @OptionGroup var asNamed: AsNamedOption

  /// The model of a file, or the network of the zoo with the weights.
  func model(
    from source: ModelSource, _ shared: SharedOptions, _ network: NetworkOptions,
    classNames: [String] = []
  ) throws -> Model {
    if case .zoo(let entry) = source, weights == nil { throw NoWeights(name: entry.name) }
    var model = try network.model(
      from: source, classNames: classNames, for: weights, seed: shared.seed)
    guard let weights else {
      if case .weights(let file, let entry, _) = source {
        noteMissing(file.path, entry, model, shared)
      }
      return model
    }
    for note in try source.load(&model, from: weights, asNamed: asNamed.isOn) {
      shared.note("\(weights): \(note)")
    }
    if let brought = try BroughtDescription(WeightFile(weights)) {
      let notes = brought.lendClassNames(to: &model) + brought.lendPreparation(to: &model)
      notes.forEach(shared.note)
    } else if case .zoo(let entry) = source {
      noteMissing(weights, entry, model, shared)
    }
    return model
  }

  private func noteMissing(
    _ path: String, _ entry: ModelEntry, _ model: Model, _ shared: SharedOptions
  ) {
    guard let preprocessing = model.preprocessing else { return }
    shared.note(
      "\(path) does not say how pictures are prepared: \(preprocessing); "
        + "`convnet convert --model \(entry.name) --mean … --deviation …` stores it")
  }
}

/// For commands that take weights for a network that is named.
struct AsNamedOption: ParsableArguments {
  @Flag(
    name: .customLong("as-named"),
    help: ArgumentHelp(
      "Take the weights for the network that is named, although they may be of another with the same parameters.",
      discussion: "`convnet models` lists such networks."))
  var isOn = false
}

/// A network of the zoo was asked for what only a trained one can do.
struct NoWeights: ReadableError {
  var name: String
  var description: String {
    "\(name) has no weights of its own; name a file with --weights, or a model file"
  }
}
