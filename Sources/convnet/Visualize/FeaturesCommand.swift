import ArgumentParser
import ConvNet
import Foundation

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

  /// The file that names the pictures of the rows.
  private var list: String { output.dropLast(4) + ".csv" }

  func run() throws {
    guard output.lowercased().hasSuffix(".npy") else {
      throw ValidationError("--output is \(output), must end in .npy")
    }
    try requireFolder(of: output, "--output")
    try OutputFiles.require(
      [NamedFile("--output", output), NamedFile("the list", list)],
      apartFrom: [NamedFile.model(file)] + weights.read + pictures.data.read)
    let model = try pictures.data.model(file, weights, network, shared)
    let dataset = try pictures.dataset(for: model, shared)
    let (values, samples) = try pictures.features(
      of: dataset, by: model, layer: layer, averaging: mean, compute, shared)
    try values.writeNPY(to: output)
    var text = "row,picture,\(dataset.targetKind.noun.one)\n"
    for (row, index) in samples.enumerated() {
      let target = dataset.targetText(at: index)
      text += "\(row),\(dataset.sampleName(at: index).csvField),\(target.csvField)\n"
    }
    try AtomicFile.write(text, to: list)
    let name = layer ?? model.penultimateLayer ?? ""
    if shared.json {
      return try printJSON(
        Result(layer: name, shape: values.shape.dimensions, saved: [output, list]))
    }
    try print("\(name): \(values.shape), saved \(output) and \(list)")
  }
}
