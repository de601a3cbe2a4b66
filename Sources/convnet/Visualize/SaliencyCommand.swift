import ArgumentParser
import ConvNet

struct SaliencyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "saliency",
    abstract: "Show how fast a class's score changes with each pixel: the gradient.",
    discussion: """
      EXAMPLES
        convnet visualize saliency model.safetensors cat.jpg --output saliency.svg
        convnet visualize saliency model.safetensors cat.jpg --guided \\
          --output guided.png
      """)

  @OptionGroup var options: AttributionOptions
  @Flag(help: "Let rectifiers pass positive gradients alone: guided backpropagation.")
  var guided = false

  func run() throws {
    let subject = try options.subject()
    try options.draw(
      subject, title: guided ? "Guided backpropagation" : "Saliency",
      unit: "largest gradient of a pixel's channels"
    ) { model in
      try model.saliency(
        of: subject.input, classes: subject.classes, rectifiers: guided ? .guided : .derivative,
        compute: options.compute.options(options.shared))
    }
  }
}
