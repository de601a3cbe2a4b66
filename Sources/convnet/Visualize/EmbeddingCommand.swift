import ArgumentParser
import ConvNet
import Foundation

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
    try result.require(apartFrom: [NamedFile.model(file)] + weights.read + pictures.data.read)
    let model = try pictures.data.model(file, weights, network, shared)
    let dataset = try pictures.dataset(for: model, usual: 1000, shared)
    // A perplexity above 1 and of a third of the other points at most.
    let least = method == .tSNE ? 5 : 3
    guard dataset.count >= least else {
      throw InsightError.tooFew(
        what: "pictures for \(method.rawValue)", count: dataset.count, least: least)
    }
    let name = layer ?? model.penultimateLayer ?? ""
    let (values, samples) = try pictures.features(
      of: dataset, by: model, layer: name, averaging: true, compute, shared)
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
    // Labels and numbers put pictures in no groups.
    let groups = dataset.targetKind == .classes ? dataset.classNames : ["pictures"]
    try result.write(
      EmbeddingFigure(
        "\(plural(cloud.count, "picture")) of \(dataset.name) by \(name)",
        subtitle:
          "\(model.graph.name), \(method == .pca ? "principal components" : "t-SNE with perplexity \(HumanReadable.quantity(perplexity))"); trustworthiness \(HumanReadable.fixed(trust, digits: 3))",
        axes: axes, points: points, classNames: groups))
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
