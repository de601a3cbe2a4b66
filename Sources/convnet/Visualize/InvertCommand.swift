import ArgumentParser
import ConvNet
import Foundation

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
    try result.require(
      apartFrom: [
        NamedFile.model(file), NamedFile("the picture", picture), NamedFile("--beside", beside),
      ] + weights.read)
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
        panels: panels, columns: 5, side: 168))
    if shared.json { return try printJSON(rows) }
    for row in rows {
      try print(
        "\(row.layer): the values differ by \(HumanReadable.percent(row.distance))"
          + (row.otherDistance.map {
            ", those of the other picture by \(HumanReadable.percent($0))"
          } ?? ""))
    }
    try print("saved \(result.output)")
  }
}
