import ArgumentParser
import ConvNet
import Foundation

struct LandscapeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "landscape",
    abstract: "Draw the loss around a network's parameters, along random directions.",
    discussion: """
      Directions are as long as the weights, filter by filter. Beside the picture, a
      file with .csv as its ending has the numbers; it is written as the work goes
      on, and --resume goes on with it. Several processes share the points where
      `mpirun -n 4 convnet visualize landscape ...` starts them (built with MPI), to
      the same numbers.

      EXAMPLES
        convnet visualize landscape model.safetensors --data fashion-mnist \\
          --output l.svg
        convnet visualize landscape resnet56.safetensors --data cifar10 --points 51 \\
          --pictures 1000 --output resnet56.svg --resume
        convnet visualize landscape model.safetensors --data fashion-mnist \\
          --dimensions 1 --points 101 --output line.svg
      """)

  @Argument(help: "A model file, or a model's name.") var file: String
  @OptionGroup var data: DataOptions
  @Option(help: "1 for a curve, 2 for contours and a surface.") var dimensions = 2
  @Option(help: "Points along each direction, an odd number.") var points = 21
  @Option(help: ArgumentHelp("How far to go, in lengths of the weights.", valueName: "x"))
  var reach = 1.0
  @Option(help: "Pictures whose mean loss is taken.") var pictures = 500
  @Flag(help: "Go on with the numbers that are there.") var resume = false
  @OptionGroup var result: PictureOutput
  @OptionGroup var weights: WeightsOptions
  @OptionGroup var network: NetworkOptions
  @OptionGroup var compute: ComputeArguments
  @OptionGroup var shared: SharedOptions

  private struct Result: Encodable {
    var name: String
    var points: Int
    /// In the middle, and the largest.
    var center: Double?
    var largest: Double?
    var saved: [String]
  }

  func validate() throws {
    try requirePositive(pictures, "--pictures")
    guard reach > 0, reach <= 100 else {
      throw ValidationError("--reach is \(reach), must be above 0, at most 100")
    }
    guard 1...2 ~= dimensions else {
      throw ValidationError("--dimensions is \(dimensions), must be 1 or 2")
    }
    guard 3...401 ~= points, points % 2 == 1 else {
      throw ValidationError("--points is \(points), must be an odd number from 3 to 401")
    }
  }

  private var csvPath: String { result.output.dropLast(4) + ".csv" }

  func run() throws {
    try MPIProcesses.run(self, \.shared) { try $0.measure(with: $1) }
  }

  /// - Parameter processes: those that measure together with this one; `nil` where it measures alone.
  private func measure(with processes: MPIProcesses?) throws {
    let isFirst = processes?.isFirst ?? true
    try result.require(apartFrom: [NamedFile.model(file)] + weights.read + data.read)
    try OutputFiles.require([NamedFile("the table", csvPath)], apartFrom: data.read)
    guard resume || !isFirst || !FileSystem.exists(csvPath) else {
      throw UsedFile(path: csvPath, content: "losses", option: "--output")
    }
    let model = try data.model(file, weights, network, shared)
    let dataset = try data.pictures(for: model, limit: pictures, shared)
    let count = dataset.count
    // What tells the pictures from others, and how the network is given them.
    var hash = FNVHash()
    hash.combine(DatasetFingerprint(of: dataset).digest.utf8)
    hash.combine(try jsonLine(model.requiredPreprocessing()).utf8)
    let setting =
      "\(model.graph.name), weights \(model.weightFingerprint), \(count) pictures of \(dataset.name), fingerprint \(hash.digits), seed \(shared.seed), reach \(reach), \(points) points"
    var landscape = try LossLandscape(
      name: model.graph.name, reach: reach, points: points, dimensions: dimensions,
      setting: setting)
    if resume, isFirst, FileSystem.exists(csvPath) {
      try landscape.take(
        csv: String(decoding: FileBuffer.contents(ofStream: csvPath), as: UTF8.self))
    }
    var function = try LossAtParameters(
      of: model, on: model.batches(of: dataset, batchSize: min(100, count)),
      compute: compute.options(shared))
    let directions = (0..<dimensions).map {
      FilterNormalizedDirection(of: model, seed: shared.seed, index: $0)
    }
    // The points of this run alone: those before took other time.
    let begun = landscape.measured
    let progress = Progress(
      "measuring", unit: "points", total: landscape.count - begun, shared)
    Interruption.deferSignals()
    var written = ProcessInfo.processInfo.systemUptime
    try landscape.measure(&function, along: directions, with: processes) { now in
      progress.update(now.measured - begun)
      let time = ProcessInfo.processInfo.systemUptime
      let signal = try processes.map { try $0.signal() } ?? Interruption.signal
      if isFirst, time - written > 10 || signal != nil {
        try AtomicFile.write(now.csv, to: csvPath)
        written = time
      }
      if let signal {
        throw Interrupted(
          signal: signal,
          outcome: "\(now.measured) of \(now.count) points are in \(csvPath); --resume goes on")
      }
    }
    progress.finish()
    guard isFirst else { return }
    try AtomicFile.write(landscape.csv, to: csvPath)
    try result.write(LandscapeFigure(landscape))
    // Far from the middle a loss may be none.
    let losses = landscape.losses.joined().compactMap { $0 }.filter { !$0.isNaN }
    let row = Result(
      name: landscape.name, points: landscape.count, center: landscape.center,
      largest: losses.max(), saved: [result.output, csvPath])
    if shared.json { return try printJSON(row) }
    try print(
      "\(row.name): loss \(HumanReadable.quantity(row.center ?? .nan)) in the middle, \(HumanReadable.quantity(row.largest ?? .nan)) at most of \(row.points) points"
    )
    try print("saved \(row.saved.joined(separator: ", "))")
  }
}
