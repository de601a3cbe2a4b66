public import ArgumentParser
public import ConvNet

/// `5` or `5x7` on the command line: one number for both axes, or rows and columns.
struct Extents: ExpressibleByArgument {
  var rows: Int
  var columns: Int

  init(_ both: Int) { (rows, columns) = (both, both) }

  init?(argument: String) {
    let parts = argument.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
    guard parts.count == 1 || parts.count == 2, let rows = parts[0], let columns = parts.last ?? nil
    else { return nil }
    (self.rows, self.columns) = (rows, columns)
  }

  var defaultValueDescription: String { rows == columns ? "\(rows)" : "\(rows)x\(columns)" }
}

/// `same`, `valid` or a number on the command line.
struct PaddingArgument: ExpressibleByArgument {
  var padding: Padding

  init?(argument: String) {
    switch argument {
    case "same": padding = .same
    case "valid": padding = .valid
    default:
      let parts = argument.split(separator: "+").map { Int($0) }
      if parts.count == 2, let before = parts[0], let after = parts[1] {
        let sides = Padding.Sides(before: before, after: after)
        padding = .explicit([sides, sides])
      } else if let amount = Int(argument) {
        padding = .symmetric(amount)
      } else {
        return nil
      }
    }
  }
}

/// `1,2,-3` on the command line.
struct NumberList: ExpressibleByArgument {
  var values: [Double]

  init(_ values: [Double]) { self.values = values }

  init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
      .map { Double(String($0.drop { $0 == " " })) }
    guard !parts.contains(where: { $0 == nil }) else { return nil }
    values = parts.compactMap { $0 }
  }

  var defaultValueDescription: String {
    values.map { HumanReadable.quantity($0) }.joined(separator: ",")
  }
}

extension WindowKind: ExpressibleByArgument {}

struct ArithmeticCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "arithmetic",
    abstract: "Draw how a kernel or window slides over an input, and work out the output's size.",
    discussion: """
      Sizes are one number for both axes, or rows x columns: 5, 5x7. Without --output
      the sizes are printed alone.

      EXAMPLES
        convnet visualize arithmetic --input 5 --kernel 3 --stride 2 --padding same \\
          --output a.svg
        convnet visualize arithmetic --kind transposed --input 3 --kernel 3 \\
          --stride 2 --padding 1 --animated --output t.svg
        convnet visualize arithmetic --input 224 --kernel 7 --stride 2 --padding 3
      """)

  @Option(
    help: ArgumentHelp(
      "What slides over the input.",
      valueName: WindowKind.allCases.map(\.rawValue).joined(separator: "|")))
  var kind = WindowKind.convolution
  @Option(help: ArgumentHelp("Extents of the input.", valueName: "n|RxC")) var input: Extents
  @Option(help: ArgumentHelp("Extents of the kernel or window.", valueName: "n|RxC"))
  var kernel: Extents
  @Option(help: ArgumentHelp("Positions from one window to the next.", valueName: "n|RxC"))
  var stride = Extents(1)
  @Option(
    help: ArgumentHelp("Positions from one element of the kernel to the next.", valueName: "n|RxC"))
  var dilation = Extents(1)
  @Option(
    help: ArgumentHelp(
      "valid, none; same, so that the output has ceil(input / stride) positions; a number for all sides; or before+after. Default: valid.",
      valueName: "padding"))
  var padding: PaddingArgument?
  @Option(
    help: ArgumentHelp("Positions that a transposed convolution adds behind.", valueName: "n|RxC"))
  var outputPadding = Extents(0)
  @Flag(help: "Let the last window of a pooling reach beyond the padded input.")
  var ceilMode = false
  @Flag(help: "One picture that goes through the positions, in place of one for each.")
  var animated = false
  @Option(
    help: ArgumentHelp(
      "Where to write the diagram: a name that ends in .svg or .png.", valueName: "file"))
  var output: String?
  @OptionGroup var shared: SharedOptions

  private struct Result: Encodable {
    var kind: WindowKind
    /// Rows and columns.
    var output: [Int]
    var formulas: [String]
    var before: [Int]
    var after: [Int]
    var saved: String?
  }

  func run() throws {
    if let output {
      try FigureFormat.require(output)
      try requireFolder(of: output, "--output")
    }
    func axis(_ index: Int, _ extent: KeyPath<Extents, Int>) throws -> AxisArithmetic {
      try AxisArithmetic(
        kind, input: input[keyPath: extent], kernel: kernel[keyPath: extent],
        stride: stride[keyPath: extent], dilation: dilation[keyPath: extent],
        padding: padding?.padding ?? .valid, axis: index,
        outputPadding: outputPadding[keyPath: extent], roundsUp: ceilMode)
    }
    let (rows, columns) = try (axis(0, \.rows), axis(1, \.columns))
    let formulas =
      rows == columns
      ? ["output = \(rows.formula)"] : ["height = \(rows.formula)", "width = \(columns.formula)"]
    if let output {
      try ArithmeticFigure(rows: rows, columns: columns, isAnimated: animated)
        .writeFile(to: output)
    }
    if shared.json {
      return try printJSON(
        Result(
          kind: kind, output: [rows.output, columns.output], formulas: formulas,
          before: [rows.before, columns.before], after: [rows.after, columns.after], saved: output))
    }
    for formula in formulas { try print(formula) }
    if let output { try print("saved \(output)") }
  }
}

extension ConvolutionSteps.Border: ExpressibleByArgument {}

struct ConvolveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convolve",
    abstract:
      "Draw convolution beside cross-correlation, of a signal step by step or of a picture.",
    discussion: """
      A kernel is numbers with commas between them, and of a picture with semicolons
      between rows; or one by name: \(PictureKernel.names.joined(separator: ", ")).

      EXAMPLES
        convnet visualize convolve --signal 1,2,3,4,5 --kernel 1,0,-1 --output c.svg
        convnet visualize convolve --signal 0,0,1,0,0 --kernel 1,2,3 --border full \\
          --output c.svg
        convnet visualize convolve --picture cat.jpg --kernel sobel \\
          --output edges.png
        convnet visualize convolve --picture cat.jpg \\
          --kernel '0,-1,0;-1,4,-1;0,-1,0' --output laplace.png
      """)

  @Option(help: ArgumentHelp("The signal: numbers with commas.", valueName: "x"))
  var signal: NumberList?
  @Option(help: ArgumentHelp("A picture in place of a signal.", valueName: "file"))
  var picture: String?
  @Option(help: ArgumentHelp("The kernel: numbers, or a name.", valueName: "w"))
  var kernel: String
  @Option(
    help: ArgumentHelp(
      "Zeros around the signal: valid, none; same, the result is as long as the signal; full, each overlap counts. Default: valid.",
      valueName: "valid|same|full"))
  var border: ConvolutionSteps.Border?
  @OptionGroup var result: PictureOutput
  @OptionGroup var shared: SharedOptions

  private struct Result: Encodable {
    var convolution: [Double]?
    var crossCorrelation: [Double]?
    /// The largest difference of the two, of pictures.
    var largestDifference: Double?
    var saved: String
  }

  func validate() throws {
    guard (signal == nil) != (picture == nil) else {
      throw ValidationError("give a --signal or a --picture, one of them")
    }
    if picture != nil, border != nil {
      throw ValidationError("--border is of a --signal; around a picture there are its edge pixels")
    }
  }

  func run() throws {
    try result.require()
    if let picture { return try run(picture: picture) }
    guard let signal else { return }
    guard let numbers = NumberList(argument: kernel) else {
      throw ValidationError("--kernel is \(kernel), must be numbers with commas: 1,0,-1")
    }
    let steps = try ConvolutionSteps(
      signal: signal.values, kernel: numbers.values, border: border ?? .valid)
    try result.write(steps)
    if shared.json {
      return try printJSON(
        Result(
          convolution: steps.convolution, crossCorrelation: steps.crossCorrelation,
          saved: result.output))
    }
    func text(_ values: [Double]) -> String {
      values.map(HumanReadable.quantity).joined(separator: ", ")
    }
    try print("convolution        \(text(steps.convolution))")
    try print("cross-correlation  \(text(steps.crossCorrelation))")
    try print("saved \(result.output)")
  }

  private func run(picture: String) throws {
    let kernel = try PictureKernel(parsing: kernel)
    let image = try Image(contentsOf: picture)
    let filtered = kernel.filter(image)
    try result.write(
      PictureSheet(filtered, kernel: kernel, name: pictureName(picture)))
    if shared.json {
      return try printJSON(
        Result(largestDifference: filtered.largestDifference, saved: result.output))
    }
    try print(
      "\(kernel.name): convolution and cross-correlation differ by at most \(HumanReadable.quantity(filtered.largestDifference)) of 255"
    )
    try print("saved \(result.output)")
  }
}

struct NormalizationCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "normalization",
    abstract: "Draw which numbers of a batch share a mean: batch, layer, instance, group.",
    discussion: """
      EXAMPLES
        convnet visualize normalization --output n.svg
        convnet visualize normalization --examples 4 --channels 8 --groups 4 \\
          --output n.svg
      """)

  @Option(help: "Examples of the batch.") var examples = 6
  @Option(help: "Channels.") var channels = 6
  @Option(help: "Rows and columns of a channel.") var positions = 6
  @Option(help: "Groups of channels of group normalization.") var groups = 2
  @OptionGroup var result: PictureOutput
  @OptionGroup var shared: SharedOptions

  private struct Row: Encodable {
    var name: String
    var axes: String
    var statistics: Int
  }

  func run() throws {
    try result.require()
    let figure = try NormalizationFigure(
      examples: examples, channels: channels, side: positions, groups: groups)
    try result.write(figure)
    let rows = figure.kinds.map { kind in
      Row(
        name: kind.name, axes: kind.axes,
        statistics: kind.statistics(examples: examples, channels: channels))
    }
    if shared.json { return try printJSON(rows) }
    for row in rows {
      try print("\(row.name): over \(row.axes), \(plural(row.statistics, "mean"))")
    }
    try print("saved \(result.output)")
  }
}

struct ShiftCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "shift",
    abstract: "Draw how convolution moves along with its input, and pooling hardly changes.",
    discussion: """
      EXAMPLES
        convnet visualize shift --output s.svg
        convnet visualize shift --signal 0,1,0,2,0,0 --kernel 1,2,1 --window 3 \\
          --by 1 --output s.svg
        convnet visualize shift --picture cat.jpg --kernel sobel --by 8 \\
          --output s.png
      """)

  @Option(help: ArgumentHelp("The signal: numbers with commas.", valueName: "x"))
  var signal = NumberList([0, 2, 1, 2, 9, 1, 2, 7, 2, 1, 0, 0])
  @Option(help: ArgumentHelp("A picture in place of a signal.", valueName: "file"))
  var picture: String?
  @Option(help: ArgumentHelp("The kernel: numbers, or a name. Default: -1,2,-1.", valueName: "w"))
  var kernel: String?
  @Option(help: "Numbers, or pixels of a side, under a window of the pooling.") var window = 3
  @Option(help: "Positions to move by.") var by = 1
  @OptionGroup var result: PictureOutput
  @OptionGroup var shared: SharedOptions

  private struct Result: Encodable {
    /// The shares that changed.
    var input: Double
    var convolved: Double
    var pooled: Double
    /// Of the results of the convolution that could be those from before further on, the share that are.
    var moved: Double
    var saved: String
  }

  func run() throws {
    try result.require()
    let shares: Result
    if let picture {
      let kernel = try PictureKernel(parsing: kernel ?? "sobel-x")
      let study = try PictureShift(
        Image(contentsOf: picture), kernel: kernel, window: window, shift: by)
      try result.write(PictureSheet(study, name: pictureName(picture)))
      shares = Result(
        input: study.changed.input, convolved: study.changed.convolved,
        pooled: study.changed.pooled, moved: study.moved, saved: result.output)
    } else {
      guard let numbers = NumberList(argument: kernel ?? "-1,2,-1") else {
        throw ValidationError("--kernel is \(kernel ?? ""), must be numbers with commas: 1,2,1")
      }
      let figure = try ShiftFigure(
        signal: signal.values, kernel: numbers.values, window: window, shift: by)
      try result.write(figure)
      let count = Double(signal.values.count)
      shares = Result(
        input: Double(figure.changed.input) / count,
        convolved: Double(figure.changed.convolved) / count,
        pooled: Double(figure.changed.pooled) / count,
        moved: Double(figure.moved.equal) / Double(figure.moved.of), saved: result.output)
    }
    if shared.json { return try printJSON(shares) }
    try print(
      "changed: \(HumanReadable.percent(shares.input)) of the input, \(HumanReadable.percent(shares.convolved)) after the convolution, \(HumanReadable.percent(shares.pooled)) after pooling"
    )
    try print(
      "\(HumanReadable.percent(shares.moved)) of the convolution's results are those from before, \(by) further on"
    )
    try print("saved \(result.output)")
  }
}

struct ReceptiveFieldCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "receptive-field",
    abstract: "Draw what a position of a layer sees of a picture, in theory and by gradients.",
    discussion: """
      EXAMPLES
        convnet visualize receptive-field resnet18 --layer layer2 --output field.svg
        convnet visualize receptive-field model.safetensors --picture cat.jpg \\
          --position 3,3 --output field.png
      """)

  @Argument(help: "A model file, or a model's name.") var file: String
  @OptionGroup var layer: LayerOption
  @Option(
    help: ArgumentHelp("Row and column of the layer. Default: the middle.", valueName: "row,column")
  )
  var position: String?
  @Option(help: ArgumentHelp("A picture to draw it over.", valueName: "file")) var picture: String?
  @Option(help: "Batches of eight random inputs whose gradients are taken.") var batches = 4
  @OptionGroup var result: PictureOutput
  @OptionGroup var network: NetworkOptions
  @OptionGroup var compute: ComputeArguments
  @OptionGroup var shared: SharedOptions

  private struct Result: Encodable {
    var layer: String
    var position: [Int]
    /// First and last row and column, in theory.
    var rows: [Int]
    var columns: [Int]
    var size: [Int]
    var stride: [Int]
    /// As found.
    var measuredRows: [Int]
    var measuredColumns: [Int]
    var effectiveSide: Int
    var saved: String
  }

  func validate() throws { try requirePositive(batches, "--batches") }

  func run() throws {
    try result.require()
    var place: [Int]?
    if let position {
      let numbers = position.split(separator: ",").map { Int($0) ?? -1 }
      guard numbers.count == 2, numbers.allSatisfy({ $0 >= 0 }) else {
        throw ValidationError("--position is \(position), must be row,column: 3,3")
      }
      place = numbers
    }
    let model = try network.model(
      from: ModelSource(file, isMapped: true), seed: shared.seed)
    let field = try model.receptiveField(of: layer.layer, at: place)
    let measured = try model.measured(
      field, rounds: batches, seed: shared.seed, compute: compute.options(shared))
    let image =
      try picture.map {
        try model.preprocessing?.fitted(Image(contentsOf: $0)) ?? Image(contentsOf: $0)
      } ?? Image(height: field.input[0], width: field.input[1], color: .init(grey: 230))
    try result.write(
      PictureSheet(
        receptiveField: field, measured: measured, picture: image, model: model.graph.name))
    let row = Result(
      layer: field.layer, position: field.position,
      rows: [field.rows.lowerBound, field.rows.upperBound],
      columns: [field.columns.lowerBound, field.columns.upperBound], size: field.size,
      stride: field.strides, measuredRows: [measured.rows.lowerBound, measured.rows.upperBound],
      measuredColumns: [measured.columns.lowerBound, measured.columns.upperBound],
      effectiveSide: measured.effectiveSide(), saved: result.output)
    if shared.json { return try printJSON(row) }
    try print(
      "\(row.layer) at \(row.position[0]), \(row.position[1]) sees \(row.size[0])x\(row.size[1]) pixels: rows \(row.rows[0]) to \(row.rows[1]), columns \(row.columns[0]) to \(row.columns[1]); the next position \(row.stride[0]) further on"
    )
    try print(
      "by gradients: rows \(row.measuredRows[0]) to \(row.measuredRows[1]), columns \(row.measuredColumns[0]) to \(row.measuredColumns[1]); 95 % of them within about \(row.effectiveSide) pixels"
    )
    try print("saved \(result.output)")
  }
}

struct NetworkCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "network",
    abstract: "Draw the architecture of a network, a block as one box.",
    discussion: """
      EXAMPLES
        convnet visualize network resnet34 --output resnet34.svg
        convnet visualize network googlenet --expand inception3a \\
          --output googlenet.svg
        convnet visualize network resnet20 --expand all --output resnet20.svg
      """)

  @Argument(help: "A model's name, or a model file.") var file: String
  @Option(
    help: ArgumentHelp(
      "A block to draw layer by layer; several may be given; all for each of them.",
      valueName: "name|all"))
  var expand: [String] = []
  @Flag(help: "Draw the classifiers at the side, which training has.") var auxiliary = false
  @OptionGroup var result: PictureOutput
  @OptionGroup var network: NetworkOptions
  @OptionGroup var shared: SharedOptions

  private struct Result: Encodable {
    var name: String
    var boxes: Int
    var blocks: [String]
    var saved: String
  }

  func run() throws {
    try result.require()
    let model = try network.model(
      from: ModelSource(file, isMapped: true), isDescription: true, seed: shared.seed)
    let drawing = try NetworkDrawing(
      of: model, expanding: expand.filter { $0 != "all" }, expandsAll: expand.contains("all"),
      hasAuxiliaryClassifiers: auxiliary)
    try result.write(NetworkFigure(drawing))
    if shared.json {
      return try printJSON(
        Result(
          name: drawing.name, boxes: drawing.boxes.count, blocks: drawing.blocks,
          saved: result.output))
    }
    try print(
      "\(drawing.name): \(plural(drawing.boxes.count, "box", "boxes")), \(plural(drawing.blocks.count, "block"))"
    )
    try print("saved \(result.output)")
  }
}
