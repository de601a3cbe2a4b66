import ArgumentParser
import ConvNet

/// Weights for a network of the zoo, for commands that make no sense without any.
struct WeightsOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Weights for a model by name: safetensors, .pth or .npz.", valueName: "file"))
  var weights: String?

  /// The model of a file, or the network of the zoo with the weights.
  func model(
    from source: ModelSource, _ shared: SharedOptions, _ network: NetworkOptions,
    classNames: [String] = []
  ) throws -> Model {
    if case .zoo(let entry) = source, weights == nil { throw NoWeights(name: entry.name) }
    var model = try network.model(from: source, classNames: classNames, seed: shared.seed)
    guard let weights else { return model }
    for note in try source.load(&model, from: weights) { shared.note("\(weights): \(note)") }
    if let brought = try BroughtDescription(weights) {
      let notes = brought.lendClassNames(to: &model) + brought.lendPreparation(to: &model)
      notes.forEach(shared.note)
    } else if case .zoo(let entry) = source, let preprocessing = model.preprocessing {
      shared.note(
        "\(weights) does not say how pictures are prepared: \(preprocessing); "
          + "`convnet convert --model \(entry.name) --mean … --deviation …` stores it")
    }
    return model
  }
}

/// A network of the zoo was asked for what only a trained one can do.
struct NoWeights: Error, CustomStringConvertible {
  var name: String
  var description: String {
    "\(name) has no weights of its own; name a file with --weights, or a model file"
  }
}
