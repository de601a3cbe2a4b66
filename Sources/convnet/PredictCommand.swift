import ArgumentParser
import ConvNet

struct PredictCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict", abstract: "Classify pictures.",
    discussion: """
      The pictures are prepared as the model file says. A network of the zoo needs
      --weights.

      EXAMPLES
        convnet predict runs/first/model.safetensors picture.png
        convnet predict runs/first/model.safetensors *.png --top 3 --json
        convnet predict lenet5 --weights lenet5.pth picture.png
      """)

  @Argument(help: "A model file, or a model's name.") var file: String
  @Argument(help: "Pictures.") var images: [String]
  @Option(help: "Classes to name for each picture.") var top = 3
  @OptionGroup var compute: InferenceArguments
  @OptionGroup var weights: WeightsOptions
  @OptionGroup var network: NetworkOptions
  @OptionGroup var shared: SharedOptions

  private struct Result: Encodable {
    struct Row: Encodable {
      var label: String
      var index: Int
      var probability: Float
    }
    var file: String
    var predictions: [Row]
  }

  func validate() throws {
    guard !images.isEmpty else { throw ValidationError("name at least one picture") }
    try requirePositive(top, "--top")
  }

  func run() throws {
    var options = compute.options(shared)
    options.expectedRuns = images.count
    let classifier = try Classifier(
      weights.model(from: ModelSource(file, isMapped: true), shared, network), batch: 1,
      compute: options)
    var results: [Result] = []
    for path in images {
      let classification = try classifier.classify(Image(contentsOf: path))
      let result = Result(
        file: path,
        predictions: classification.top(top).map {
          .init(label: $0.label, index: $0.index, probability: $0.probability)
        })
      results.append(result)
      guard !shared.json else { continue }
      let text = result.predictions.map {
        "\($0.label) \(HumanReadable.percent(Double($0.probability)))"
      }
      try print("\(path): \(text.joined(separator: ", "))")
    }
    if shared.json { try printJSON(results) }
  }
}
