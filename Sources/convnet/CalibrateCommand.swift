import ArgumentParser
import ConvNet

struct CalibrateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "calibrate-batchnorm",
    abstract: "Estimate the statistics of batch normalization over training data.",
    discussion: """
      A training keeps moving averages of the means and variances of its batches.
      This estimates them anew for the weights as they are now: the means over all
      batches of the data, which should be that of the training. Weights stay as they
      are; `convnet evaluate` says what it brings.

      EXAMPLES
        convnet calibrate-batchnorm runs/first/model.safetensors --data pictures \\
          --output calibrated.safetensors
        convnet calibrate-batchnorm model.safetensors --data pictures --batches 200 \\
          --batch-size 32 --augment inception --output calibrated.safetensors
      """)

  @Argument(help: "A model file.") var file: String
  @OptionGroup var data: DataOptions
  @Option(help: ArgumentHelp("Where to write the model.", valueName: "file.safetensors"))
  var output: String
  @Option(help: "Pictures of a batch; best as many as in the training.") var batchSize = 64
  @Option(help: "Batches at most. Default: all that there are.") var batches: Int?
  @Option(
    help: ArgumentHelp(
      "Random changes to the pictures, as in the training. Default: none.",
      valueName: "name|json"))
  var augment: AugmentationChoice?
  @OptionGroup var compute: ComputeArguments
  @OptionGroup(title: "Loading") var loading: LoadingArguments
  @OptionGroup var shared: SharedOptions

  func validate() throws {
    guard batchSize > 1 else {
      throw ValidationError("--batch-size is \(batchSize), must be at least 2")
    }
    if let batches { try requirePositive(batches, "--batches") }
    try OutputFiles.require(
      [NamedFile("--output", output)], apartFrom: [NamedFile("the model", file)] + data.read)
  }

  func run() throws {
    try requireFolder(of: output, "--output")
    var model = try Model(loading: file)
    let source = try data.source()
    let holdout =
      data.holdout(seed: shared.seed) ?? model.trainingSummary?.pictures?.holdout
    let dataset =
      holdout == nil && !source.hasTestPart
      ? try source.loadWhole() : try source.loadTrainingParts(holdout: holdout).train
    noteGaps(in: dataset, shared)
    try requireReadable([dataset], skips: loading.onBad == .skip, shared)
    let progress = Progress("estimating", total: dataset.count, shared)
    let result = try model.calibrateBatchNormalization(
      on: dataset, batchSize: batchSize, batches: batches,
      augmentation: augment?.resolved() ?? .none, seed: shared.seed,
      compute: compute.options(shared), loading: loading.options
    ) { progress.update($0) }
    progress.finish()
    try model.save(to: output)
    if shared.json { return try printJSON(result) }
    var table = Table([
      .init("normalization"), .init("mean moved by", .right), .init("variance by", .right),
    ])
    let moved = result.layers.sorted { $0.meanShift > $1.meanShift }
    for layer in moved.prefix(8) {
      table.append([
        layer.name, HumanReadable.fixed(layer.meanShift, digits: 3),
        "x \(HumanReadable.fixed(layer.varianceFactor, digits: 3))",
      ])
    }
    try Console.write(table)
    try Console.write(
      wrapping:
        "\(plural(result.layers.count, "normalization")) over \(plural(result.pictures, "picture")) in batches of \(result.batchSize); the largest change of a mean in its deviations, and factor of a variance, are above; saved \(output)"
    )
  }
}
