import ArgumentParser
import ConvNet

/// Weights for a network of the zoo, for commands that make no sense without any.
struct WeightsOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Weights for a model by name: safetensors, .pth, .npz, or Keras's .h5 and .keras.",
      valueName: "file"))
  var weights: String?
  @OptionGroup var asNamed: AsNamedOption
  @OptionGroup(title: "Preparation of pictures") var preparation: PreparationOptions

  /// The model of a file, or the network of the zoo with the weights; its pictures are prepared as the options say.
  func model(
    from source: ModelSource, _ shared: SharedOptions, _ network: NetworkOptions,
    classNames: [String] = []
  ) throws -> Model {
    if case .zoo(let entry) = source, weights == nil { throw NoWeights(name: entry.name) }
    var model = try network.model(
      from: source, classNames: classNames, for: weights, seed: shared.seed)
    guard let weights else {
      if case .weights(let file, let entry, _) = source {
        try assume(file, entry, &model, shared)
      } else if source.isForeign {
        try assume(of: source, &model, shared)
      } else {
        try prepare(&model)
      }
      return model
    }
    for note in try source.load(&model, from: weights, asNamed: asNamed.isOn) {
      shared.note("\(weights): \(note)")
    }
    if let brought = try BroughtDescription(WeightFile(weights)) {
      let notes = brought.lendClassNames(to: &model) + brought.lendPreparation(to: &model)
      notes.forEach(shared.note)
      try prepare(&model)
    } else if case .zoo(let entry) = source {
      try assume(WeightFile(weights), entry, &model, shared)
    } else {
      try prepare(&model)
    }
    return model
  }

  /// Has pictures prepared as the options say.
  private func prepare(_ model: inout Model) throws {
    guard preparation.isGiven, let own = model.preprocessing else { return }
    model.preprocessing = try preparation.applied(to: own)
  }

  /// Takes a network of another framework with ImageNet's 1000 classes for one of those that are published, and tells so.
  private func assume(
    of source: ModelSource, _ model: inout Model, _ shared: SharedOptions
  ) throws {
    let path = source.path ?? ""
    let isOfImageNet = model.classCount == ImageNetClasses.names.count
    if isOfImageNet, model.classNames.isEmpty {
      model.classNames = ImageNetClasses.names
      shared.note("\(path) names no classes: its 1000 are taken as ImageNet's")
    }
    guard !preparation.isGiven, let own = model.preprocessing, own.isUsual else {
      return try prepare(&model)
    }
    guard isOfImageNet, own.channels == 3 else {
      return shared.note(
        "\(path) does not say how pictures are prepared: \(own); say it with --preset")
    }
    let assumed = try own.applying(.imagenet)
    model.preprocessing = assumed
    shared.note(
      "\(path) does not say how pictures are prepared: taken as imagenet, \(assumed); "
        + "--preset, --resize and --filter say it otherwise")
  }

  /// Calls the classes what those call them who publish such a file: 1000 classes are ImageNet's.
  private func assumeClassNames(_ file: WeightFile, _ model: inout Model, _ shared: SharedOptions) {
    guard model.classNames.isEmpty, model.classCount == ImageNetClasses.names.count,
      file.network == nil, let match = file.row,
      match.framework != nil || match.entry.publisher != nil
    else { return }
    model.classNames = ImageNetClasses.names
    shared.note("\(file.path) names no classes: its 1000 are taken as ImageNet's")
  }

  /// Has pictures prepared as those do who publish such a file, where no option says it, and tells so.
  private func assume(
    _ file: WeightFile, _ entry: ModelEntry, _ model: inout Model, _ shared: SharedOptions
  ) throws {
    assumeClassNames(file, &model, shared)
    guard !preparation.isGiven, let own = model.preprocessing else { return try prepare(&model) }
    guard file.network == nil, let match = file.row, match.entry.name == entry.name,
      let preset = entry.preset(framework: match.framework), own.isUsual, own.channels == 3
    else {
      return shared.note(
        "\(file.path) does not say how pictures are prepared: \(own); "
          + "say it with --preset, and `convnet convert --model \(entry.name) --preset …` stores it"
      )
    }
    let assumed = try own.applying(preset)
    model.preprocessing = assumed
    shared.note(
      "\(file.path) does not say how pictures are prepared: taken as \(preset.name), \(assumed); "
        + "--preset, --resize and --filter say it otherwise")
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
