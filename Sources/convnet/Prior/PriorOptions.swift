import ArgumentParser
import ConvNet

/// What all ways to repair a picture take.
struct PriorOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Where to write the picture: a name that ends in .png.", valueName: "file"))
  var output: String
  @Option(
    help: ArgumentHelp(
      "The true picture, to tell how near the result comes to it.", valueName: "file"))
  var reference: String?

  @Option(help: "Steps at most.") var iterations: Int?
  @Option(
    help: "Steps without a smaller variance of the outputs after which to stop; 0 for never.")
  var patience: Int?
  @Option(help: "Outputs whose variance is taken.") var window = 100
  @Option(help: ArgumentHelp("Adam's rate.", valueName: "x")) var learningRate: Double?
  @Option(
    help: ArgumentHelp(
      "The standard deviation of what is added to the network's input at each step.",
      valueName: "x"))
  var perturbation: Double?
  @Option(
    help: ArgumentHelp(
      "The weight of the old average of the outputs, from 0 to below 1.", valueName: "x"))
  var averaging: Double?

  @Option(help: "Scales of the network.") var scales: Int?
  @Option(help: "Channels at each scale, down and up.") var channels: Int?
  @Option(help: "Channels of the ways across; 0 for none.") var across: Int?

  @Option(
    help: ArgumentHelp(
      "Draw what became of the picture step by step: a name that ends in .svg or .png.",
      valueName: "file"))
  var strip: String?
  @Option(
    help: ArgumentHelp(
      "The same as an animation: a name that ends in .png. With --resume it has the steps from there on.",
      valueName: "file"))
  var animation: String?
  @Option(
    help: ArgumentHelp(
      "A folder for the pictures on the way: after 1, 2, 5, 10, 20, 50 steps and so on.",
      valueName: "folder"))
  var snapshots: String?
  @Option(
    help: ArgumentHelp(
      "Write loss, variance and likeness of every step as a table, which --resume goes on with.",
      valueName: "file"))
  var csv: String?

  @Option(
    help: ArgumentHelp(
      "Where to keep the state of the fit: every minute, at the end, and where it is stopped.",
      valueName: "file"))
  var checkpoint: String?
  @Flag(help: "Go on with the state in --checkpoint.") var resume = false

  @OptionGroup var compute: ComputeArguments
  @OptionGroup var shared: SharedOptions

  func validate() throws {
    for (name, option) in [(output, "--output"), (animation, "--animation")] {
      guard name?.lowercased().hasSuffix(".png") ?? true else {
        throw ValidationError("\(option) is \(name ?? ""), must end in .png")
      }
    }
    guard !resume || checkpoint != nil else {
      throw ValidationError("--resume goes on with the state in --checkpoint; name it")
    }
    if let iterations { try requirePositive(iterations, "--iterations") }
    guard patience ?? 0 >= 0 else { throw ValidationError("--patience must not be below 0") }
    guard 2...10_000 ~= window else {
      throw ValidationError("--window is \(window), must be from 2 to 10000")
    }
    guard 1...8 ~= scales ?? 5 else {
      throw ValidationError("--scales is \(scales ?? 0), must be from 1 to 8")
    }
    guard 1...1024 ~= channels ?? 128, 0...1024 ~= across ?? 0 else {
      throw ValidationError("--channels is from 1 to 1024, --across from 0 to 1024")
    }
  }

  /// - Parameter inputs: what the task reads; the checkpoint, which a fit goes on with, is none.
  func requireApart(from inputs: [NamedFile]) throws {
    var outputs = [
      NamedFile("--output", output), NamedFile("--strip", strip),
      NamedFile("--animation", animation), NamedFile("--csv", csv),
      NamedFile("--checkpoint", checkpoint),
    ]
    if let snapshots {
      outputs += PriorFit.shownIterations(to: 1_000_000).map {
        NamedFile("--snapshots", PriorFit.path(of: $0, in: snapshots))
      }
    }
    try OutputFiles.require(outputs, apartFrom: inputs + [NamedFile("--reference", reference)])
  }

  /// The usual settings of a task, with what the options change.
  func settings(_ usual: PriorSettings) -> PriorSettings {
    var settings = usual
    var network = usual.network
    if scales != nil || channels != nil || across != nil {
      let count = scales ?? network.down.count
      let across = across ?? network.skip.first ?? 4
      network = PriorNetwork(
        down: [Int](repeating: channels ?? network.down.first ?? 128, count: count),
        skip: [Int](repeating: across, count: count), downKernel: network.downKernel,
        upKernel: network.upKernel, upsampling: network.upsampling,
        inputChannels: network.inputChannels)
    }
    settings.network = network
    if let iterations { settings.iterations = iterations }
    if let learningRate { settings.learningRate = Float(learningRate) }
    if let perturbation { settings.perturbation = Float(perturbation) }
    if let averaging { settings.averaging = Float(averaging) }
    settings.seed = shared.seed
    let patience = patience ?? usual.stopping?.patience ?? 0
    settings.stopping =
      patience > 0 ? OverfittingRule(window: window, patience: patience) : nil
    return settings
  }

  /// Looks at all names before there is work to lose.
  func requirePlaces() throws {
    try requireFolder(of: output, "--output")
    if let strip {
      try FigureFormat.require(strip)
      try requireFolder(of: strip, "--strip")
    }
    for (path, option) in [
      (animation, "--animation"), (csv, "--csv"), (checkpoint, "--checkpoint"),
    ] {
      if let path { try requireFolder(of: path, option) }
    }
    if let checkpoint, !resume, FileSystem.exists(checkpoint) {
      throw UsedFile(path: checkpoint, content: "a fit", option: "--checkpoint")
    }
    if let snapshots { try createOutputFolder(snapshots) }
  }

  /// Fits a network to a picture, and writes what is asked for.
  ///
  /// - Parameters:
  ///   - baseline: what there is without a network, in words.
  ///   - whole: the true picture, where the task has it.
  func run(
    _ problem: PriorProblem, _ usual: PriorSettings, of picture: String, purpose: String,
    baseline: String, reference whole: Image? = nil, guide: Image? = nil
  ) throws {
    try requirePlaces()
    let truth = try reference.map { try Image(contentsOf: $0) } ?? whole
    if let truth {
      // Refused before there is work to lose.
      _ = try PictureSimilarity(problem.baseline, truth)
      if let reference, (truth.channels == 1) != (problem.channels == 1) {
        shared.note(
          truth.channels == 1
            ? "\(reference) is grey and the picture in color: each color is compared with the grey"
            : "\(reference) is in color and the picture grey: its brightness is compared")
      }
    }
    let begun = try resume ? checkpoint.map { try PriorCheckpoint(contentsOf: $0) } : nil
    let table = try begun.flatMap { try keptTable(of: $0) } ?? PriorTable()
    let prior = try DeepImagePrior(
      problem, settings: settings(usual), guide: guide, resuming: begun,
      compute: compute.options(shared))
    try PriorFit(
      prior, options: self, subject: pictureName(picture), purpose: purpose, baseline: baseline,
      truth: truth, begun: begun, table: table
    ).run()
  }

  /// The rows that --csv has of a fit that is gone on with; `nil` where there is no such file.
  private func keptTable(of begun: PriorCheckpoint) throws -> PriorTable? {
    guard let csv, FileSystem.isFile(csv) else { return nil }
    return try PriorTable(contentsOf: csv, upTo: begun.iteration, loss: begun.loss)
  }
}
