import ArgumentParser
import ConvNet

/// `convnet dataset benchmark`.
struct LoadingCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "benchmark",
    abstract: "Measure how fast samples are read, augmented and put into batches.",
    discussion: """
      Nothing is computed beside it: the rate is what a training could have at most.

      EXAMPLES
        convnet dataset benchmark pictures --augment inception
        convnet dataset benchmark pictures --augment alexnet --normalize imagenet \\
          --input 224x224 --workers 2 --epochs 5 --json
      """)

  @OptionGroup(title: "Augmentation") var augmentation: AugmentationOptions
  @OptionGroup var data: DatasetArgument
  @Option(help: ArgumentHelp("Height and width of the network's input.", valueName: "HxW"))
  var input: ImageSize?
  @Option(help: "Samples of a batch.") var batchSize = 64
  @Option(help: "Times to go through the data, after one that is not measured.") var epochs = 3
  @OptionGroup(title: "Loading") var loading: LoadingArguments
  @OptionGroup var shared: SharedOptions

  private struct Result: Encodable {
    var images: Int
    var imagesPerSecond: Double
    var epochs: [Double]
    var skipped: Int
    var augmentation: Augmentation
  }

  func validate() throws {
    try requirePositive(batchSize, "--batch-size")
    try requirePositive(epochs, "--epochs")
    try input?.require("--input")
  }

  func run() throws {
    let dataset = try data.source().load(.train)
    let shape = dataset.imageShape
    let plain = try Preprocessing(
      height: input?.height ?? shape?[0] ?? 224, width: input?.width ?? shape?[1] ?? 224,
      channels: shape.map { $0[2] == 1 ? 1 : 3 } ?? 3)
    let preprocessing = try (augmentation.normalize ?? .none).applied(
      to: plain, on: dataset, options: loading.options, threads: shared.threadCount)
    var steps = try augmentation.steps() ?? .none
    steps = try steps.resolved(
      on: dataset, preprocessing: preprocessing, options: loading.options,
      threads: shared.threadCount)
    let loader = try BatchLoader(
      dataset, batchSize: batchSize, preprocessing: preprocessing, augmentation: steps,
      shuffleSeed: shared.seed, options: loading.options)
    let benchmark = try LoadingBenchmark(loader, epochs: epochs)
    let result = Result(
      images: benchmark.samples, imagesPerSecond: benchmark.medianImagesPerSecond,
      epochs: benchmark.imagesPerSecond, skipped: loader.skippedCount, augmentation: steps)
    if shared.json { return try printJSON(result) }
    try print(
      """
      \(result.images) pictures to \(plain.height)x\(plain.width), augmentation: \(steps)
      \(HumanReadable.quantity(result.imagesPerSecond)) images/s, the median of \(epochs) epochs
      """)
    if result.skipped > 0 { try print("skipped \(result.skipped) that cannot be read") }
  }
}
