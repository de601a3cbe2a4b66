import ArgumentParser
import ConvNet
import Foundation

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
    try result.require(
      apartFrom: [NamedFile.model(file), NamedFile("--picture", picture)] + weights.read
        + pictures.data.read)
    let model = try pictures.data.model(file, weights, network, shared)
    let dataset = try pictures.dataset(for: model, shared)
    let preprocessing = try model.requiredPreprocessing()
    var rows: [Row] = []
    var panels: [PictureSheet.Panel] = []
    func add(_ index: Int, _ value: Double, part: (Image) -> Image) throws {
      let sample = try dataset.sample(at: index)
      let name = dataset.classNames.className(sample.label)
      rows.append(Row(picture: dataset.sampleName(at: index), label: name, value: value))
      panels.append(
        .init(
          part(preprocessing.fitted(sample.image)),
          "\(HumanReadable.quantity(value))\n\(name)"))
    }
    let title: String
    if let channel {
      let progress = Progress("computing", total: dataset.count, shared, after: 1)
      Interruption.deferSignals()
      let responses = try model.responses(
        to: dataset, layer: layer, channel: channel, batchSize: pictures.batchSize,
        compute: compute.options(shared), loading: pictures.loading.options
      ) {
        progress.update($0)
        try requireUninterrupted($0, of: dataset.count, "picture")
      }
      progress.finish()
      title =
        layer == nil
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
      let image = try Image(contentsOf: picture)
      let (values, samples) = try pictures.features(
        of: dataset, by: model, layer: name, averaging: true, compute, shared)
      let own = try model.pooledFeatures(
        of: preprocessing.prepared(image), layer: name, compute: compute.options(shared))
      title = "Pictures nearest to one, by \(name)"
      panels.append(.init(preprocessing.fitted(image), "the picture"))
      for neighbour in try PointCloud(values).nearest(to: own, count: count) {
        try add(samples[neighbour.index], neighbour.distance) { $0 }
      }
    } else {
      return
    }
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
