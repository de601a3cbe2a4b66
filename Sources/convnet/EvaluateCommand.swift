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
      """)

  @Argument(help: "A model file, or a model's name.") var file: String
  @OptionGroup var data: DataOptions
  @Option(help: "Examples at once.") var batchSize = 256
  @OptionGroup var compute: ComputeArguments
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

  func run() throws {
    let source = try ModelSource(file)
    let dataset = try data.load(.test)
    let model = try weights.model(
      from: source, shared, network, classNames: dataset.classNames)
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
    print(
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
    print("\n\(table.plainText(width: nil))", terminator: "")
  }
}
