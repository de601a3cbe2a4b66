public import ArgumentParser
public import ConvNet

extension ConvolutionSteps.Border: ExpressibleByArgument {}

struct ConvolveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convolve",
    abstract:
      "Draw convolution beside cross-correlation, of a signal step by step or of a picture.",
    discussion: """
      \(ConvolvedHelp.kernelForms)

      EXAMPLES
        convnet visualize convolve --signal 1,2,3,4,5 --kernel 1,0,-1 --output c.svg
        convnet visualize convolve --signal 0,0,1,0,0 --kernel 1,2,3 --border full \\
          --output c.svg
        convnet visualize convolve --picture cat.jpg --kernel sobel \\
          --output edges.png
        convnet visualize convolve --picture cat.jpg \\
          --kernel '0,-1,0;-1,4,-1;0,-1,0' --output laplace.png
      """)

  @Option(help: ConvolvedHelp.signal) var signal: NumberList?
  @Option(help: ConvolvedHelp.picture) var picture: String?
  @Option(help: ConvolvedHelp.kernel()) var kernel: String
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
    if picture == nil { _ = try NumberList.kernel(kernel) }
  }

  func run() throws {
    try result.require(apartFrom: [NamedFile("--picture", picture)])
    if let picture { return try run(picture: picture) }
    guard let signal else { return }
    let steps = try ConvolutionSteps(
      signal: signal.values, kernel: NumberList.kernel(kernel).values, border: border ?? .valid)
    try result.write(steps)
    if shared.json {
      return try printJSON(
        Result(
          convolution: steps.convolution, crossCorrelation: steps.crossCorrelation,
          saved: result.output))
    }
    func text(_ values: [Double]) -> String {
      values.map(HumanReadable.plain).joined(separator: ", ")
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
      "\(kernel.name): convolution and cross-correlation differ by at most \(HumanReadable.plain(filtered.largestDifference)), of brightness from 0 to 255"
    )
    try print("saved \(result.output)")
  }
}
