import ArgumentParser
import ConvNet
import Foundation

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
    try result.require(apartFrom: [NamedFile.model(file)] + weights.read + NamedFile.data(data))
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
