public import ArgumentParser
public import ConvNet

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
    help: ArgumentHelp(
      "Positions from one element of the kernel or window to the next.", valueName: "n|RxC"))
  var dilation = Extents(1)
  @Option(
    help: ArgumentHelp(
      "valid, none; same, so that the output has ceil(input / stride) positions; a number for all sides; or before+after. Default: valid.",
      valueName: "padding"))
  var padding: PaddingArgument?
  @Option(
    help: ArgumentHelp(
      "Positions that a transposed convolution adds behind: below the stride, or below the dilation.",
      valueName: "n|RxC"))
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
