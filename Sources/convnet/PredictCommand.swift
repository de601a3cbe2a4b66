import ArgumentParser
import ConvNet

/// A network's scores are not finite.
struct NoAnswer: ReadableError {
  var model: String
  var count: Int
  var total: Int
  var parameters: [NonFiniteParameter]
  var description: String {
    let reason =
      parameters.isEmpty
      ? "its scores are not finite"
      : "not finite are \(parameters.prefix(3).map(\.description).joined(separator: ", "))"
        + (parameters.count > 3 ? " and numbers of \(parameters.count - 3) more" : "")
        + "; use another file"
    return "\(model) has no answer for \(count) of \(plural(total, "picture")): \(reason)"
  }
}

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
    /// None where the network's scores are not finite.
    var predictions: [Row]
    /// Scores that are not finite, where there are any.
    var nonFinite: Int?
  }

  func validate() throws {
    guard !images.isEmpty else { throw ValidationError("name at least one picture") }
    try requirePositive(top, "--top")
  }

  func run() throws {
    var options = compute.options(shared)
    options.expectedRuns = images.count
    let classifier = try Classifier(
      weights.model(
        from: ModelSource(file, isMapped: true, recognizingFor: shared), shared, network), batch: 1,
      compute: options)
    var results: [Result] = []
    var unanswered = 0
    for path in images {
      let classification = try classifier.classify(Image(contentsOf: path))
      let result = Result(
        file: path,
        predictions: classification.top(top).map {
          .init(label: $0.label, index: $0.index, probability: $0.probability)
        },
        nonFinite: classification.nonFiniteCount > 0 ? classification.nonFiniteCount : nil)
      if result.nonFinite != nil { unanswered += 1 }
      results.append(result)
      guard !shared.json else { continue }
      if let count = result.nonFinite {
        try print(
          "\(path): no answer, \(count) of \(classification.probabilities.count) scores are not finite"
        )
        continue
      }
      let text = result.predictions.map {
        "\($0.label) \(HumanReadable.percent(Double($0.probability)))"
      }
      try print("\(path): \(text.joined(separator: ", "))")
    }
    if shared.json { try printJSON(results) }
    guard unanswered > 0 else { return }
    // Of a mapped file not all was looked at when it was opened.
    let model = try? Model(loading: file, isMapped: true)
    throw NoAnswer(
      model: file, count: unanswered, total: images.count,
      parameters: model?.nonFiniteParameters ?? [])
  }
}
