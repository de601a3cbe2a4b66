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

      Of data that the training held a share out of, that share is measured;
      --split 1 takes all.
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

    enum CodingKeys: String, CodingKey {
      case images, top1, top5, loss
      case protocolName = "protocol"
    }
  }

  func validate() throws { try requirePositive(batchSize, "--batch-size") }

  private func load(for model: Model) throws -> any Dataset {
    let source = try data.source()
    if let holdout = data.holdout(seed: shared.seed) {
      return try source.load(.test, holdout: holdout)
    }
    guard !source.hasTestPart, let part = HeldOutPart(of: model), part.isOf(data.data) else {
      return try source.load(.test)
    }
    let dataset = try source.load(.test, holdout: part.holdout)
    shared.note(
      "\(plural(dataset.count, "picture")), the share of \(data.data) that training held out; "
        + "--split 1 takes all")
    return dataset
  }

  /// A model file says its own classes; a network of the zoo is built for those of the data.
  private func evaluatedModel() throws -> Model {
    let source = try ModelSource(file)
    guard case .zoo = source else { return try weights.model(from: source, shared, network) }
    let names = try data.source().load(.test).classNames
    return try weights.model(from: source, shared, network, classNames: names)
  }

  func run() throws {
    let model = try evaluatedModel()
    let dataset = try load(for: model)
    let progress = Progress("evaluating", total: dataset.count, shared)
    let evaluation = try Evaluation(
      of: model, on: dataset, batchSize: batchSize, compute: compute.options(shared),
      loading: loading.options
    ) { progress.update($0) }
    progress.finish()
    let metrics = evaluation.metrics
    if shared.json {
      return try printJSON(
        Result(
          images: metrics.samples, top1: metrics.top1, top5: metrics.top5, loss: metrics.loss,
          protocolName: evaluation.protocolDescription))
    }
    try print(
      """
      \(metrics.samples) pictures, \(evaluation.protocolDescription)
      top-1 accuracy \(HumanReadable.percent(metrics.top1, digits: 2))
      top-5 accuracy \(HumanReadable.percent(metrics.top5, digits: 2))
      loss           \(HumanReadable.fixed(metrics.loss, digits: 4))
      """)
    let confusions = evaluation.worstConfusions(limit: 5)
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
    try print("\n\(table.plainText(width: nil))", terminator: "")
  }
}
