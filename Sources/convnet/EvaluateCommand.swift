import ArgumentParser
import ConvNet

struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate", abstract: "Measure the accuracy of a model on a data set.",
    discussion: """
      EXAMPLES
        convnet evaluate runs/first/model.safetensors --data fashion-mnist
        convnet evaluate runs/first/model.safetensors --data pictures/val --json
        convnet evaluate lenet5 --weights lenet5.pth --data fashion-mnist

      Of data with pictures that the model was trained on, the others are measured,
      such as the share that training held out; --split 1 takes all. Pictures are
      known by their contents.
      """)

  @Argument(help: "A model file, or a model's name.") var file: String
  @OptionGroup var data: DataOptions
  @Option(help: "Examples at once.") var batchSize = 256
  @OptionGroup var compute: InferenceArguments
  @OptionGroup(title: "Loading") var loading: LoadingArguments
  @OptionGroup var weights: WeightsOptions
  @OptionGroup var network: NetworkOptions
  @OptionGroup var shared: SharedOptions

  private struct Result: Encodable {
    var images: Int
    var top1: Double
    var top5: Double
    var loss: Double
    var protocolName: String
    /// Which part of the data was measured.
    var part: EvaluatedPart.Kind
    /// Of the pictures, those that the model was trained on; absent where that is not known.
    var trainedOn: Int?
    /// Pictures that could not be read and are left out.
    var skipped: Int
    /// Of the pictures, those whose scores are not finite.
    var nonFinite: Int
    /// What was mostly taken for what, the most frequent first.
    var confusions: [Confusion]

    enum CodingKeys: String, CodingKey {
      case images, top1, top5, loss, part, trainedOn, skipped, nonFinite, confusions
      case protocolName = "protocol"
    }
  }

  private struct Confusion: Encodable {
    var truth: String
    var takenFor: String
    var count: Int
    /// Of the pictures of the class, 0 to 1.
    var share: Double
  }

  /// Confusions that a person is shown, and machines.
  private static let confusionLimit = (text: 5, json: 100)

  func validate() throws { try requirePositive(batchSize, "--batch-size") }

  /// A model file says its own classes; a network of the zoo is built for those of the data.
  private func evaluatedModel() throws -> Model {
    let source = try ModelSource(file, recognizingFor: shared)
    guard case .zoo = source else { return try weights.model(from: source, shared, network) }
    let names = try data.source().load(.test).classNames
    return try weights.model(from: source, shared, network, classNames: names)
  }

  func run() throws {
    let model = try evaluatedModel()
    let part = try EvaluatedPart(
      of: data.source(), for: model, given: data.holdout(seed: shared.seed),
      threads: shared.threadCount)
    if let note = part.note { shared.note("\(note)\(remedy(of: note))") }
    noteGaps(in: part.dataset, shared)
    try requireReadable([part.dataset], skips: loading.onBad == .skip, shared)
    let progress = Progress("evaluating", total: part.dataset.count, shared)
    let evaluation = try Evaluation(
      of: model, on: part.dataset, batchSize: batchSize, compute: compute.options(shared),
      loading: loading.options
    ) {
      progress.update($0)
    } sampleSkipped: {
      shared.note("left out: \($0.reason)")
    }
    progress.finish()
    let metrics = evaluation.metrics
    if shared.json {
      try printJSON(
        Result(
          images: metrics.samples, top1: metrics.top1, top5: metrics.top5, loss: metrics.loss,
          protocolName: evaluation.protocolDescription, part: part.kind,
          trainedOn: part.trainedOn, skipped: metrics.skippedCount,
          nonFinite: metrics.nonFiniteCount,
          confusions: evaluation.worstConfusions(limit: Self.confusionLimit.json).map {
            Confusion(
              truth: $0.label, takenFor: $0.predicted, count: $0.count, share: $0.share)
          }))
    } else {
      try printText(evaluation, part)
    }
    guard metrics.samples > 0, metrics.nonFiniteCount == metrics.samples else { return }
    throw NoAnswer(
      model: file, count: metrics.samples, total: metrics.samples,
      parameters: model.nonFiniteParameters)
  }

  /// What option has it otherwise.
  private func remedy(of note: EvaluatedPart.Note) -> String {
    switch note {
    case .choseHeldOut, .choseNotTrainedOn: "; --split 1 takes all"
    case .trainedOn, .unknown: ""
    }
  }

  private func printText(_ evaluation: Evaluation, _ part: EvaluatedPart) throws {
    let metrics = evaluation.metrics
    try print(
      """
      \(metrics.samples) pictures, \(evaluation.protocolDescription)
      top-1 accuracy \(HumanReadable.percent(metrics.top1, digits: 2))
      top-5 accuracy \(HumanReadable.percent(metrics.top5, digits: 2))
      loss           \(HumanReadable.fixed(metrics.loss, digits: 4))
      part           \(part.kind.rawValue)
      """)
    if metrics.skippedCount > 0 {
      try print("left out       \(plural(metrics.skippedCount, "picture")) that cannot be read")
    }
    if metrics.nonFiniteCount > 0 {
      try Console.write(
        wrapping:
          "no answer      \(plural(metrics.nonFiniteCount, "picture")) with scores that are not finite: no hits, not in the loss",
        indent: 15)
    }
    let confusions = evaluation.worstConfusions(limit: Self.confusionLimit.text)
    guard !confusions.isEmpty else { return }
    var table = Table([
      .init("truth"), .init("taken for"), .init("pictures", .right), .init("share", .right),
    ])
    for confusion in confusions {
      table.append([
        confusion.label, confusion.predicted, "\(confusion.count)",
        HumanReadable.percent(confusion.share),
      ])
    }
    try print("")
    try Console.write(table)
  }
}
