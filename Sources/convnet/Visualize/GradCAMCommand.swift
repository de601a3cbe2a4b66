import ArgumentParser
import ConvNet

struct GradCAMCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "grad-cam",
    abstract: "Show where in a picture a class is seen: Grad-CAM, guided Grad-CAM, Grad-CAM++.",
    discussion: """
      The channels of a layer are weighted by what the class's score gains with them.

      EXAMPLES
        convnet visualize grad-cam model.safetensors cat.jpg --output cam.svg
        convnet visualize grad-cam model.safetensors cat.jpg --top 3 --plus-plus \\
          --output cam.png
        convnet visualize grad-cam model.safetensors cat.jpg --layer layer3 \\
          --class tabby --sanity-check --output cam.svg
      """)

  @OptionGroup var options: AttributionOptions
  @OptionGroup var layer: LayerOption
  @Flag(help: "Weight the channels as Grad-CAM++ does.") var plusPlus = false
  @Flag(help: "Multiply by guided backpropagation, which shows pixels.") var guided = false

  func run() throws {
    let subject = try options.subject()
    let compute = options.compute.options(options.shared)
    let weighting: CAMWeighting = plusPlus ? .plusPlus : .mean
    let name = layer.layer ?? subject.model.lastSpatialLayer
    let title =
      (guided ? "Guided Grad-CAM" : "Grad-CAM") + (plusPlus ? "++" : "")
      + (name.map { " of \($0)" } ?? "")
    try options.draw(
      subject, title: title, unit: guided ? "gradient times class map" : "class map", layer: name
    ) { model in
      guard guided else {
        return try model.gradCAM(
          of: subject.input, classes: subject.classes, layer: layer.layer, weighting: weighting,
          compute: compute)
      }
      return try model.guidedGradCAM(
        of: subject.input, classes: subject.classes, layer: layer.layer, weighting: weighting,
        compute: compute
      ).map(\.attribution)
    }
  }
}
