import ArgumentParser
import ConvNet

struct OcclusionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "occlusion",
    abstract: "Cover a picture part by part, and show what the class's probability loses.",
    discussion: """
      EXAMPLES
        convnet visualize occlusion model.safetensors cat.jpg --output occlusion.svg
        convnet visualize occlusion model.safetensors cat.jpg --window 32 \\
          --stride 8 --output occlusion.png
      """)

  @OptionGroup var options: AttributionOptions
  @Option(help: "Pixels of a side of the grey square. Default: a sixth of the input.")
  var window: Int?
  @Option(help: "Pixels from one place to the next. Default: half a side.") var stride: Int?

  func validate() throws {
    if let window { try requirePositive(window, "--window") }
    if let stride { try requirePositive(stride, "--stride") }
  }

  func run() throws {
    let subject = try options.subject()
    try options.draw(subject, title: "Occlusion", unit: "probability lost") { model in
      var progress: Progress?
      let attributions = try model.occlusion(
        of: subject.input, classes: subject.classes, side: window, stride: stride,
        compute: options.compute.options(options.shared)
      ) { done, total in
        progress =
          progress
          ?? Progress("covering", unit: "squares", total: total, options.shared, after: 1)
        progress?.update(done)
      }
      progress?.finish()
      return attributions
    }
  }
}
