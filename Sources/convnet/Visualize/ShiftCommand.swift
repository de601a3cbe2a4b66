import ArgumentParser
import ConvNet

struct ShiftCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "shift",
    abstract: "Draw how convolution moves along with its input, and pooling hardly changes.",
    discussion: """
      \(ConvolvedHelp.kernelForms)

      EXAMPLES
        convnet visualize shift --output s.svg
        convnet visualize shift --signal 0,1,0,2,0,0 --kernel 1,2,1 --window 3 \\
          --by 1 --output s.svg
        convnet visualize shift --picture cat.jpg --kernel sobel --by 8 \\
          --output s.png
      """)

  @Option(help: ConvolvedHelp.signal) var signal = NumberList([0, 2, 1, 2, 9, 1, 2, 7, 2, 1, 0, 0])
  @Option(help: ConvolvedHelp.picture) var picture: String?
  @Option(help: ConvolvedHelp.kernel(usual: "Default: -1,2,-1; of a picture sobel-x."))
  var kernel: String?
  @Option(help: "Numbers, or pixels of a side, under a window of the pooling.") var window = 3
  @Option(help: "Positions to move by.") var by = 1
  @OptionGroup var result: PictureOutput
  @OptionGroup var shared: SharedOptions

  private struct Result: Encodable {
    /// Of a signal the shares of the numbers that changed; of a picture the mean change through the mean magnitude.
    var input: Double
    var convolved: Double
    var pooled: Double
    /// Of the results of the convolution that could be those from before further on, the share that are.
    var moved: Double
    var saved: String
  }

  func validate() throws {
    if picture == nil, let kernel { _ = try NumberList.kernel(kernel) }
  }

  func run() throws {
    try result.require(apartFrom: [NamedFile("--picture", picture)])
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
      let numbers = try NumberList.kernel(kernel ?? "-1,2,-1")
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
    if picture == nil {
      try print(
        "changed: \(HumanReadable.percent(shares.input)) of the input, \(HumanReadable.percent(shares.convolved)) after the convolution, \(HumanReadable.percent(shares.pooled)) after pooling"
      )
    } else {
      try print(
        "mean change / mean magnitude: \(HumanReadable.fixed(shares.input, digits: 2)) of the input, \(HumanReadable.fixed(shares.convolved, digits: 2)) after the convolution, \(HumanReadable.fixed(shares.pooled, digits: 2)) after pooling"
      )
    }
    try print(
      "\(HumanReadable.percent(shares.moved)) of the convolution's results are those from before, \(by) further on"
    )
    try print("saved \(result.output)")
  }
}
