import ArgumentParser
import ConvNet
import Foundation

struct FiltersCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "filters",
    abstract: "Show the kernels of the first layer, and the Gabor functions nearest to them.",
    discussion: """
      Kernels in color are compared by the direction in which they vary most. A file
      of weights without a network needs the name of the tensor as --layer.

      EXAMPLES
        convnet visualize filters model.safetensors --output filters.png
        convnet visualize filters alexnet --weights alexnet.pth --gabor \\
          --statistics gabor.svg --csv gabor.csv --output filters.svg
        convnet visualize filters weights.pth --layer stem.weight --gabor \\
          --output f.svg
      """)

  @Argument(help: "A model file, a model's name, or a file of weights.") var file: String
  @Option(
    help: ArgumentHelp(
      "A convolution by name, or a tensor of a file of weights. Default: the first that reads the input.",
      valueName: "name"))
  var layer: String?
  @Flag(help: "Fit a Gabor function to each.") var gabor = false
  @Option(help: "Kernels to show at most.") var count = 96
  @Option(
    help: ArgumentHelp(
      "Where to draw directions and shapes of the functions: .svg or .png.", valueName: "file"))
  var statistics: String?
  @Option(help: ArgumentHelp("Where to write a row for each kernel.", valueName: "file"))
  var csv: String?
  @OptionGroup var result: PictureOutput
  @OptionGroup var weights: WeightsOptions
  @OptionGroup var network: NetworkOptions
  @OptionGroup var shared: SharedOptions

  private struct Result: Encodable {
    var name: String
    var filters: Int
    /// Those of which a Gabor function explains 70 % of the variance, and those of which a bell without a wave does.
    var gaborFunctions: Int?
    var bells: Int?
    var medianExplained: Double?
    var medianBandwidthOctaves: Double?
    var medianAspect: Double?
    /// By the direction of the wave, in eight parts of half a turn.
    var orientations: [Int]?
    /// By half octaves up to 3, wider, and of bands that reach to a frequency of zero.
    var bandwidths: [Int]?
    var saved: [String]
  }

  func validate() throws {
    guard 1...1024 ~= count else {
      throw ValidationError("--count is \(count), must be from 1 to 1024")
    }
  }

  private var isFitting: Bool { gabor || statistics != nil || csv != nil }

  private func filters(
    progress: (_ done: Int, _ total: Int) throws -> Void
  ) throws -> FirstLayerFilters {
    if let layer, weights.weights == nil, try ModelSource.isBareWeights(file) {
      let contents = try WeightFile(file)
      guard contents[layer] != nil else {
        throw UnknownName(
          kind: "tensor", name: layer, known: contents.entries.map(\.name),
          advice: "`convnet summary \(file)` lists those of the file")
      }
      return try FirstLayerFilters(
        contents.tensor(named: layer), name: "\(layer) of \(pictureName(file))",
        fitting: isFitting, progress: progress)
    }
    let model = try weights.model(
      from: ModelSource(file, recognizingFor: shared), shared, network)
    return try FirstLayerFilters(of: model, layer: layer, fitting: isFitting, progress: progress)
  }

  func run() throws {
    try result.require()
    try OutputFiles.require(
      [
        NamedFile("--output", result.output), NamedFile("--statistics", statistics),
        NamedFile("--csv", csv),
      ], apartFrom: [NamedFile.model(file)] + weights.read)
    if let statistics { try FigureFormat.require(statistics) }
    for (path, option) in [(statistics, "--statistics"), (csv, "--csv")] {
      if let path { try requireFolder(of: path, option) }
    }
    Interruption.deferSignals()
    var progress: Progress?
    let filters = try filters { done, total in
      progress = progress ?? Progress("fitting", unit: "kernels", total: total, shared, after: 1)
      progress?.update(done)
      try requireUninterrupted(done, of: total, "kernel")
    }
    progress?.finish()
    var saved = [result.output]
    try result.write(filters.sheet(limit: count))
    let figure = filters.statistics()
    if let statistics {
      try figure.writeFile(to: statistics)
      saved.append(statistics)
    }
    if let csv {
      try AtomicFile.write(filters.csv, to: csv)
      saved.append(csv)
    }
    let explained = filters.filters.compactMap { $0.fit?.explained }.sorted()
    let row = Result(
      name: filters.name, filters: filters.filters.count,
      gaborFunctions: explained.isEmpty ? nil : figure.fits.count,
      bells: explained.isEmpty ? nil : figure.bellCount,
      medianExplained: explained.isEmpty ? nil : explained[explained.count / 2],
      medianBandwidthOctaves: figure.medianBandwidth, medianAspect: figure.medianAspect,
      orientations: explained.isEmpty ? nil : figure.orientationCounts,
      bandwidths: explained.isEmpty ? nil : figure.bandwidthCounts, saved: saved)
    if shared.json { return try printJSON(row) }
    try print("\(plural(row.filters, "kernel")) of \(row.name)")
    if isFitting, !filters.areLargeEnough {
      try print(
        "no Gabor function is fitted: it has \(GaborFit.parameterCount) parameters, and a kernel no more numbers"
      )
    }
    if let median = row.medianExplained {
      try print(
        "the functions nearest to them explain \(HumanReadable.percent(median)) of the variance in the median"
      )
      try print("\(figure.title), \(figure.summary)")
    }
    try print("saved \(saved.joined(separator: ", "))")
  }
}
