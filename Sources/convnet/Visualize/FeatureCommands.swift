import ArgumentParser
import ConvNet
import Foundation

/// The pictures that a command goes through.
struct PictureData: ParsableArguments {
  @OptionGroup var data: DataOptions
  @Option(help: ArgumentHelp("So many pictures at most, evenly from all.", valueName: "n"))
  var limit: Int?
  @Option(help: "Pictures at once.") var batchSize = 32
  @OptionGroup(title: "Loading") var loading: LoadingArguments

  func validate() throws {
    try requirePositive(batchSize, "--batch-size")
    if let limit { try requirePositive(limit, "--limit") }
  }

  /// - Parameter usual: pictures at most, where --limit says nothing.
  func dataset(for model: Model, usual: Int? = nil, _ shared: SharedOptions) throws -> any Dataset {
    let part = try EvaluatedPart(
      of: data.source(), for: model, given: data.holdout(seed: shared.seed),
      threads: shared.threadCount)
    let dataset = part.dataset
    let wanted = limit ?? usual ?? dataset.count
    guard wanted < dataset.count else { return dataset }
    return dataset.selecting((0..<wanted).map { $0 * dataset.count / wanted })
  }

  /// A model file as it is; a network of the zoo built for the data's classes.
  func model(
    _ file: String, _ weights: WeightsOptions, _ network: NetworkOptions, _ shared: SharedOptions
  ) throws -> Model {
    let source = try ModelSource(file, recognizingFor: shared)
    guard case .zoo = source else { return try weights.model(from: source, shared, network) }
    let names = try data.source().load(.test).classNames
    return try weights.model(from: source, shared, network, classNames: names)
  }
}

/// Ends at a signal, with what was done.
func requireUninterrupted(_ done: Int, of total: Int, _ noun: String) throws {
  guard let signal = Interruption.signal else { return }
  throw Interrupted(signal: signal, outcome: "\(done) of \(plural(total, noun)) were done")
}

struct FeaturesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "features",
    abstract: "Write the values of a layer for every picture of some data, as a NumPy file.",
    discussion: """
      A row for each picture; beside the file, one with .csv in place of .npy names
      the picture of each row and its class.

      EXAMPLES
        convnet visualize features model.safetensors --data pictures --output f.npy
        convnet visualize features model.safetensors --data fashion-mnist \\
          --layer conv2 --mean --limit 1000 --output f.npy
      """)

  @Argument(help: "A model file, or a model's name.") var file: String
  @OptionGroup var pictures: PictureData
  @Option(
    help: ArgumentHelp(
      "A layer by name, as `convnet summary --layers` lists them. Default: the one before the classifier.",
      valueName: "name"))
  var layer: String?
  @Flag(help: "Of maps, the mean over their positions: one number a channel.") var mean = false
  @Option(
    help: ArgumentHelp(
      "Where to write the values; replaces a file of its name.", valueName: "f.npy"))
  var output: String
  @OptionGroup var weights: WeightsOptions
  @OptionGroup var network: NetworkOptions
  @OptionGroup var compute: ComputeArguments
  @OptionGroup var shared: SharedOptions

  private struct Result: Encodable {
    var layer: String
    var shape: [Int]
    var saved: [String]
  }

  func run() throws {
    guard output.lowercased().hasSuffix(".npy") else {
      throw ValidationError("--output is \(output), must end in .npy")
    }
    try requireFolder(of: output, "--output")
    let model = try pictures.model(file, weights, network, shared)
    let dataset = try pictures.dataset(for: model, shared)
    let progress = Progress("computing", total: dataset.count, shared, after: 1)
    Interruption.deferSignals()
    let (values, samples) = try model.features(
      of: dataset, layer: layer, averaging: mean, batchSize: pictures.batchSize,
      compute: compute.options(shared), loading: pictures.loading.options
    ) {
      progress.update($0)
      try requireUninterrupted($0, of: dataset.count, "picture")
    }
    progress.finish()
    try values.writeNPY(to: output)
    let list = output.dropLast(4) + ".csv"
    var text = "row,picture,class\n"
    for (row, index) in samples.enumerated() {
      let label = dataset.label(at: index)
      let name = dataset.classNames.indices.contains(label) ? dataset.classNames[label] : "\(label)"
      text += "\(row),\(csvCell(dataset.sampleName(at: index))),\(csvCell(name))\n"
    }
    try AtomicFile.write(text, to: String(list))
    let name = layer ?? model.penultimateLayer ?? ""
    if shared.json {
      return try printJSON(
        Result(layer: name, shape: values.shape.dimensions, saved: [output, String(list)]))
    }
    try print("\(name): \(values.shape), saved \(output) and \(list)")
  }
}

/// A cell of a table, in quotation marks where it needs them.
private func csvCell(_ text: String) -> String {
  text.contains { ",\"\n\r".contains($0) }
    ? "\"" + text.replacing("\"", with: "\"\"") + "\"" : text
}

struct NearestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "nearest",
    abstract:
      "Show the pictures that a channel or class likes best, or those nearest to a picture.",
    discussion: """
      With --channel, the pictures with the largest values of a channel, and where in
      them, as wide as the channel sees. With --picture, those whose values at the
      layer are nearest.

      EXAMPLES
        convnet visualize nearest model.safetensors --data fashion-mnist \\
          --layer conv2 --channel 3 --output best.png
        convnet visualize nearest model.safetensors --data pictures \\
          --picture cat.jpg --output like.svg
      """)

  @Argument(help: "A model file, or a model's name.") var file: String
  @OptionGroup var pictures: PictureData
  @Option(
    help: ArgumentHelp(
      "A layer by name. Default: of a channel the scores, of a picture the layer before the classifier.",
      valueName: "name"))
  var layer: String?
  @Option(help: "A channel of the layer, or a class, by number.") var channel: Int?
  @Option(help: ArgumentHelp("A picture.", valueName: "file")) var picture: String?
  @Option(help: "Pictures to show.") var count = 16
  @OptionGroup var result: PictureOutput
  @OptionGroup var weights: WeightsOptions
  @OptionGroup var network: NetworkOptions
  @OptionGroup var compute: ComputeArguments
  @OptionGroup var shared: SharedOptions

  private struct Row: Encodable {
    var picture: String
    var label: String
    /// The response, or the distance.
    var value: Double
  }

  func validate() throws {
    guard (channel == nil) != (picture == nil) else {
      throw ValidationError("give a --channel or a --picture, one of them")
    }
    guard 1...100 ~= count else {
      throw ValidationError("--count is \(count), must be from 1 to 100")
    }
  }

  func run() throws {
    try result.require()
    let model = try pictures.model(file, weights, network, shared)
    let dataset = try pictures.dataset(for: model, shared)
    let preprocessing = try model.requiredPreprocessing()
    let progress = Progress("computing", total: dataset.count, shared, after: 1)
    Interruption.deferSignals()
    func update(_ done: Int) throws {
      progress.update(done)
      try requireUninterrupted(done, of: dataset.count, "picture")
    }
    var rows: [Row] = []
    var panels: [PictureSheet.Panel] = []
    func add(_ index: Int, _ value: Double, part: (Image) -> Image) throws {
      let sample = try dataset.sample(at: index)
      let name =
        dataset.classNames.indices.contains(sample.label)
        ? dataset.classNames[sample.label] : "class \(sample.label)"
      rows.append(Row(picture: dataset.sampleName(at: index), label: name, value: value))
      panels.append(
        .init(
          part(preprocessing.fitted(sample.image)),
          "\(HumanReadable.quantity(value))\n\(name)"))
    }
    let title: String
    if let channel {
      let responses = try model.responses(
        to: dataset, layer: layer, channel: channel, batchSize: pictures.batchSize,
        compute: compute.options(shared), loading: pictures.loading.options, progress: update)
      let isClass = layer == nil
      title =
        isClass
        ? "Pictures with the largest score of \(model.className(channel))"
        : "Pictures that channel \(channel) of \(responses.layer) likes best"
      for place in responses.best(count) {
        try add(responses.samples[place], Double(responses.largest[place])) { image in
          guard let layer,
            let field = try? model.receptiveField(of: layer, at: responses.places[place])
          else { return image }
          return image.outlined(field)
        }
      }
    } else if let picture {
      let name = layer ?? model.penultimateLayer ?? ""
      let input = preprocessing.prepared(try Image(contentsOf: picture))
      let (values, samples) = try model.features(
        of: dataset, layer: name, averaging: true, batchSize: pictures.batchSize,
        compute: compute.options(shared), loading: pictures.loading.options, progress: update)
      let own = try model.pooledFeatures(of: input, layer: name, compute: compute.options(shared))
      title = "Pictures nearest to one, by \(name)"
      panels.append(.init(preprocessing.fitted(try Image(contentsOf: picture)), "the picture"))
      for neighbour in try PointCloud(values).nearest(to: own, count: count) {
        try add(samples[neighbour.index], neighbour.distance) { $0 }
      }
    } else {
      return
    }
    progress.finish()
    try result.write(
      PictureSheet(
        title,
        subtitle: "\(model.graph.name), of \(plural(dataset.count, "picture")) of \(dataset.name)",
        panels: panels, columns: 8, side: 84))
    if shared.json { return try printJSON(rows) }
    for row in rows {
      try print(
        "\(HumanReadable.quantity(row.value))  \(row.label)  \(FileSystem.line(row.picture))")
    }
    try print("saved \(result.output)")
  }
}

struct MaximizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "maximize",
    abstract: "Find pictures that most excite a channel or class.",
    discussion: """
      Each is begun from other noise. With --data, the response is compared with
      those to the data's pictures.

      EXAMPLES
        convnet visualize maximize model.safetensors --class 3 --output three.png
        convnet visualize maximize model.safetensors --layer conv2 --channel 5 \\
          --data fashion-mnist --output five.svg
      """)

  @Argument(help: "A model file, or a model's name.") var file: String
  @Option(
    help: ArgumentHelp("A layer by name; then --channel says which of it.", valueName: "name"))
  var layer: String?
  @Option(help: "Channels of the layer by number; several may be given.") var channel: [Int] = []
  @Option(
    name: .customLong("class"),
    help: ArgumentHelp("Classes by name or number; several may be given.", valueName: "name"))
  var classNames: [String] = []
  @Option(help: "Pictures of each.") var count = 1
  @Option(help: "Steps along the gradient.") var steps = 256
  @Option(
    help: ArgumentHelp("The mean change of a pixel at each step, from 0 to 1.", valueName: "x"))
  var stepSize = 0.02
  @Option(
    help:
      "Pixels that the picture moves at most at each step. Default: a sixteenth of its side, at most 8."
  )
  var jitter: Int?
  @Option(help: ArgumentHelp("What roughness costs.", valueName: "x")) var smoothing = 0.01
  @Option(help: DataOptions.dataHelp) var data: String?
  @Option(help: DataOptions.rootHelp) var dataRoot: String?
  @OptionGroup var result: PictureOutput
  @OptionGroup var weights: WeightsOptions
  @OptionGroup var network: NetworkOptions
  @OptionGroup var compute: ComputeArguments
  @OptionGroup var shared: SharedOptions

  private struct Row: Encodable {
    var name: String
    var index: Int
    /// Of each picture.
    var responses: [Double]
    /// Of the data: the 99.9th percentile, and the largest.
    var percentile: Double?
    var largest: Double?
  }

  func validate() throws {
    guard layer != nil || channel.isEmpty else {
      throw ValidationError("--channel is of a --layer; a class is --class")
    }
    guard layer == nil || (classNames.isEmpty && !channel.isEmpty) else {
      throw ValidationError("with --layer, say which channels with --channel")
    }
    guard layer != nil || !classNames.isEmpty else {
      throw ValidationError("say what to excite: --class, or --layer and --channel")
    }
    guard 1...100 ~= count, 1...100_000 ~= steps else {
      throw ValidationError("--count is from 1 to 100, --steps from 1 to 100000")
    }
    guard stepSize > 0, stepSize <= 1 else {
      throw ValidationError("--step-size is \(stepSize), must be above 0, at most 1")
    }
    guard 0...1 ~= smoothing, jitter ?? 0 >= 0 else {
      throw ValidationError("--smoothing is from 0 to 1, --jitter not below 0")
    }
  }

  func run() throws {
    try result.require()
    let model = try weights.model(
      from: ModelSource(file, recognizingFor: shared), shared, network)
    let indices = layer == nil ? try classNames.map { try model.classIndex($0) } : channel
    let dataset = try data.map { data in
      try DatasetCatalog.source(data, root: dataRoot).load(.test)
    }
    var options = MaximizationOptions()
    (options.steps, options.stepSize) = (steps, stepSize)
    (options.jitter, options.smoothing) = (jitter, smoothing)
    let progress = Progress(
      "climbing", unit: "steps", total: steps * count * indices.count, shared, after: 1)
    Interruption.deferSignals()
    var rows: [Row] = []
    var panels: [PictureSheet.Panel] = []
    var done = 0
    for index in indices {
      let name = layer.map { "\($0) \(index)" } ?? model.className(index)
      var row = Row(name: name, index: index, responses: [])
      for number in 0..<count {
        options.seed = shared.seed &+ UInt64(number)
        let found = try model.maximized(
          layer: layer, channel: index, options: options, compute: compute.options(shared)
        ) {
          progress.update(done + $0)
          try requireUninterrupted(done + $0, of: steps * count * indices.count, "step")
        }
        done += steps
        row.responses.append(found.value)
        panels.append(.init(found.image, "\(name)\n\(HumanReadable.quantity(found.value))"))
      }
      if let dataset {
        let responses = try model.responses(
          to: dataset, layer: layer, channel: index, compute: compute.options(shared))
        row.percentile = responses.percentile(0.999)
        row.largest = responses.mean.max().map(Double.init)
      }
      rows.append(row)
    }
    progress.finish()
    try result.write(
      PictureSheet(
        "Pictures that excite \(layer.map { "channels of \($0)" } ?? "classes") most",
        subtitle: "\(model.graph.name): \(steps) steps; below each its response", panels: panels,
        columns: 5, side: 128))
    if shared.json { return try printJSON(rows) }
    for row in rows {
      let responses = row.responses.map(HumanReadable.quantity).joined(separator: ", ")
      let beside =
        row.percentile.map {
          "; of the data 99.9 % are below \(HumanReadable.quantity($0)), all below \(HumanReadable.quantity(row.largest ?? 0))"
        } ?? ""
      try print("\(row.name): \(responses)\(beside)")
    }
    try print("saved \(result.output)")
  }
}

struct InvertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "invert",
    abstract: "Find a picture from the values of a layer: what it still knows of a picture.",
    discussion: """
      EXAMPLES
        convnet visualize invert model.safetensors cat.jpg --layer conv2 \\
          --output i.png
        convnet visualize invert model.safetensors cat.jpg --layer conv1 \\
          --layer conv2 --layer dense1 --beside dog.jpg --output i.svg
      """)

  @Argument(help: "A model file, or a model's name.") var file: String
  @Argument(help: "A picture.") var picture: String
  @Option(
    help: ArgumentHelp(
      "A layer by name; several may be given. Default: the last that has height and width.",
      valueName: "name"))
  var layer: [String] = []
  @Option(help: ArgumentHelp("Another picture, whose distance is told beside.", valueName: "file"))
  var beside: String?
  @Option(help: "Steps down the gradient.") var steps = 400
  @Option(help: ArgumentHelp("What roughness costs.", valueName: "x")) var smoothing = 0.02
  @OptionGroup var result: PictureOutput
  @OptionGroup var weights: WeightsOptions
  @OptionGroup var network: NetworkOptions
  @OptionGroup var compute: ComputeArguments
  @OptionGroup var shared: SharedOptions

  private struct Row: Encodable {
    var layer: String
    /// Of the features, in units of the wanted ones.
    var distance: Double
    /// The same of the other picture.
    var otherDistance: Double?
  }

  func validate() throws {
    guard 1...100_000 ~= steps else {
      throw ValidationError("--steps is \(steps), must be from 1 to 100000")
    }
    guard smoothing >= 0, smoothing.isFinite else {
      throw ValidationError("--smoothing is \(smoothing), must not be below 0")
    }
  }

  func run() throws {
    try result.require()
    let model = try weights.model(
      from: ModelSource(file, recognizingFor: shared), shared, network)
    let preprocessing = try model.requiredPreprocessing()
    let image = try Image(contentsOf: picture)
    let input = preprocessing.prepared(image)
    let other = try beside.map { preprocessing.prepared(try Image(contentsOf: $0)) }
    let layers =
      layer.isEmpty ? [model.lastSpatialLayer ?? model.penultimateLayer ?? ""] : layer
    let progress = Progress(
      "searching", unit: "steps", total: steps * layers.count, shared, after: 1)
    Interruption.deferSignals()
    var rows: [Row] = []
    var panels = [PictureSheet.Panel(preprocessing.fitted(image), "the picture")]
    for (place, layer) in layers.enumerated() {
      let found = try model.inverted(
        input, layer: layer, steps: steps, smoothing: smoothing, seed: shared.seed,
        compute: compute.options(shared)
      ) {
        progress.update(place * steps + $0)
        try requireUninterrupted(place * steps + $0, of: steps * layers.count, "step")
      }
      let otherDistance = try other.map {
        try model.featureDistance(
          from: input, to: $0, layer: layer, compute: compute.options(shared))
      }
      rows.append(Row(layer: layer, distance: found.value, otherDistance: otherDistance))
      panels.append(
        .init(
          found.image,
          "from \(layer)\ndistance \(HumanReadable.percent(found.value))"
            + (otherDistance.map { "\nanother picture \(HumanReadable.percent($0))" } ?? "")))
    }
    progress.finish()
    try result.write(
      PictureSheet(
        "Pictures found from the values of layers",
        subtitle: "\(model.graph.name), \(pictureName(picture)): \(steps) steps from noise",
        panels: panels,
        columns: 5, side: 168))
    if shared.json { return try printJSON(rows) }
    for row in rows {
      try print(
        "\(row.layer): the values differ by \(HumanReadable.percent(row.distance))"
          + (row.otherDistance.map {
            ", those of the other picture by \(HumanReadable.percent($0))"
          }
            ?? ""))
    }
    try print("saved \(result.output)")
  }
}

struct EmbeddingCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "embedding",
    abstract: "Map pictures into the plane by what a network makes of them: PCA or t-SNE.",
    discussion: """
      EXAMPLES
        convnet visualize embedding model.safetensors --data fashion-mnist \\
          --output map.svg
        convnet visualize embedding model.safetensors --data pictures --method pca \\
          --thumbnails --limit 300 --output map.svg
      """)

  @Argument(help: "A model file, or a model's name.") var file: String
  @OptionGroup var pictures: PictureData
  @Option(
    help: ArgumentHelp(
      "A layer by name. Default: the one before the classifier.", valueName: "name"))
  var layer: String?
  @Option(help: "pca, principal components; t-sne, neighbours stay neighbours.")
  var method = Method.tSNE
  @Option(
    help: ArgumentHelp("About how many neighbours each picture has, of t-SNE.", valueName: "x"))
  var perplexity = 30.0
  @Option(help: "Steps of t-SNE.") var iterations = 1000
  @Flag(help: "Draw the pictures themselves, framed in the colors of their classes.")
  var thumbnails = false
  @OptionGroup var result: PictureOutput
  @OptionGroup var weights: WeightsOptions
  @OptionGroup var network: NetworkOptions
  @OptionGroup var compute: ComputeArguments
  @OptionGroup var shared: SharedOptions

  enum Method: String, ExpressibleByArgument, CaseIterable {
    case pca
    case tSNE = "t-sne"
  }

  private struct Result: Encodable {
    var layer: String
    var pictures: Int
    /// From 0 to 1, of 10 neighbours.
    var trustworthiness: Double
    /// Of the two principal components.
    var variance: [Double]?
    var saved: String
  }

  func validate() throws { try requirePositive(iterations, "--iterations") }

  func run() throws {
    try result.require()
    let model = try pictures.model(file, weights, network, shared)
    let dataset = try pictures.dataset(for: model, usual: 1000, shared)
    let name = layer ?? model.penultimateLayer ?? ""
    Interruption.deferSignals()
    let progress = Progress("computing", total: dataset.count, shared, after: 1)
    let (values, samples) = try model.features(
      of: dataset, layer: name, averaging: true, batchSize: pictures.batchSize,
      compute: compute.options(shared), loading: pictures.loading.options
    ) {
      progress.update($0)
      try requireUninterrupted($0, of: dataset.count, "picture")
    }
    progress.finish()
    let cloud = try PointCloud(values)
    let places: [[Double]]
    var shares: [Double]?
    var axes = (horizontal: "first coordinate", vertical: "second coordinate")
    switch method {
    case .pca:
      let components = cloud.principalComponents()
      (places, shares) = (
        components.coordinates.map { $0.count > 1 ? $0 : $0 + [0] }, components.shares
      )
      axes = (
        "first component, \(HumanReadable.percent(components.shares.first ?? 0)) of the variance",
        "second component, \(HumanReadable.percent(components.shares.dropFirst().first ?? 0))"
      )
    case .tSNE:
      let steps = Progress("embedding", unit: "steps", total: iterations, shared, after: 1)
      places = try cloud.neighbourEmbedding(perplexity: perplexity, iterations: iterations) {
        steps.update($0)
        try requireUninterrupted($0, of: iterations, "step")
      }
      steps.finish()
    }
    let trust = try cloud.trustworthiness(
      of: places, neighbours: min(10, (cloud.count - 1) / 2))
    let points = try zip(places, samples).map { place, index in
      EmbeddingFigure.Point(
        x: place[0], y: place[1], label: dataset.label(at: index),
        name: FileSystem.line(dataset.sampleName(at: index)),
        thumbnail: thumbnails
          ? try dataset.sample(at: index).image.resized(shorterSide: 28) : nil)
    }
    try result.write(
      EmbeddingFigure(
        "\(plural(cloud.count, "picture")) of \(dataset.name) by \(name)",
        subtitle:
          "\(model.graph.name), \(method == .pca ? "principal components" : "t-SNE with perplexity \(HumanReadable.quantity(perplexity))"); trustworthiness \(HumanReadable.fixed(trust, digits: 3))",
        axes: axes, points: points, classNames: dataset.classNames))
    if shared.json {
      return try printJSON(
        Result(
          layer: name, pictures: cloud.count, trustworthiness: trust, variance: shares,
          saved: result.output))
    }
    try print(
      "\(plural(cloud.count, "picture")) by \(name): trustworthiness \(HumanReadable.fixed(trust, digits: 3))"
        + (shares.map { ", \(HumanReadable.percent($0.reduce(0, +))) of the variance" } ?? ""))
    try print("saved \(result.output)")
  }
}
