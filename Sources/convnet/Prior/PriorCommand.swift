import ArgumentParser
import ConvNet

/// `convnet prior`.
struct PriorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prior",
    abstract: "Repair a picture with a network that knows no other: the deep image prior.",
    discussion: """
      A network with parameters that begin at random is fitted to the one picture,
      and takes up what is natural long before noise.

      EXAMPLES
        convnet prior denoise noisy.png --output clean.png
        convnet prior inpaint scratched.png --mask known.png --output whole.png
        convnet prior superresolve small.png --factor 4 --output large.png
        convnet prior restore picture.png --missing 0.5 --output restored.png
        convnet prior flash dark.png --flash lit.png --output clean.png
      """,
    subcommands: [
      PriorDenoiseCommand.self, PriorInpaintCommand.self, PriorSuperresolveCommand.self,
      PriorRestoreCommand.self, PriorFlashCommand.self,
    ])
}

struct PriorDenoiseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "denoise",
    abstract: "Take the noise out of a picture.",
    discussion: """
      It stops where the outputs begin to follow the noise: where --patience steps
      bring no smaller variance of the last --window outputs.

      EXAMPLES
        convnet prior denoise noisy.png --output clean.png
        convnet prior denoise noisy.png --reference clean.png --strip strip.png \\
          --animation fit.png --output result.png
      """)

  @Argument(help: "The picture.") var picture: String
  @OptionGroup var fit: PriorOptions

  func validate() throws { try fit.requireApart(from: [NamedFile("the picture", picture)]) }

  func run() throws {
    let observed = try Image(contentsOf: picture)
    try fit.run(
      .denoising(observed), .denoising, of: picture, purpose: "denoised", baseline: "the noisy one")
  }
}

struct PriorInpaintCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inpaint",
    abstract: "Fill in pixels that are missing.",
    discussion: """
      EXAMPLES
        convnet prior inpaint text.png --mask known.png --output clean.png
        convnet prior inpaint hole.png --mask known.png --large-holes \\
          --output whole.png
      """)

  @Argument(help: "The picture.") var picture: String
  @Option(
    help: ArgumentHelp(
      "A picture of the same size: white where a pixel is known, black where it is missing.",
      valueName: "file"))
  var mask: String
  @Flag(help: "The mask is the other way round: white is missing.") var invertMask = false
  @Flag(help: "For large holes: a mesh grid as the input, and no ways across.")
  var largeHoles = false
  @OptionGroup var fit: PriorOptions

  func validate() throws {
    try fit.requireApart(from: [NamedFile("the picture", picture), NamedFile("--mask", mask)])
  }

  func run() throws {
    let observed = try Image(contentsOf: picture)
    // Without alpha, which has no other way round.
    var known = try Image(contentsOf: mask).converted(toChannels: 1)
    if invertMask {
      known.withMutablePixels { pixels in
        for index in pixels.indices { pixels[index] = 255 - pixels[index] }
      }
    }
    let problem = try PriorProblem.inpainting(observed, mask: known)
    guard problem.known?.contains(false) == true else {
      throw InsightError.setting(
        name: invertMask ? "the inverted mask" : "the mask", value: "white everywhere",
        requirement: "black where a pixel is missing")
    }
    try fit.run(
      problem, largeHoles ? .largeHoles : .inpainting, of: picture,
      purpose: "filled in", baseline: "with black holes")
  }
}

struct PriorSuperresolveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "superresolve",
    abstract: "Make a picture larger.",
    discussion: """
      Found is a large picture of which Lanczos's filter makes the small one.

      EXAMPLES
        convnet prior superresolve small.png --output large.png
        convnet prior superresolve small.png --factor 8 --reference original.png \\
          --output large.png
      """)

  @Argument(help: "The small picture.") var picture: String
  @Option(help: "How much larger each side becomes, from 2 to 16.") var factor = 4
  @OptionGroup var fit: PriorOptions

  func validate() throws { try fit.requireApart(from: [NamedFile("the picture", picture)]) }

  func run() throws {
    let observed = try Image(contentsOf: picture)
    try fit.run(
      .superResolution(observed, factor: factor), .superResolution(factor: factor), of: picture,
      purpose: "enlarged", baseline: "bicubic")
  }
}

struct PriorRestoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "restore",
    abstract: "Restore a picture from a part of its pixels.",
    discussion: """
      The picture is whole: a share of its pixels, drawn by the seed, is hidden from
      the network, and the result is compared with it.

      EXAMPLES
        convnet prior restore picture.png --output restored.png
        convnet prior restore picture.png --missing 0.9 --seed 3 --output restored.png
      """)

  @Argument(help: "The picture.") var picture: String
  @Option(help: ArgumentHelp("The share of the pixels that is hidden.", valueName: "share"))
  var missing = 0.5
  @OptionGroup var fit: PriorOptions

  func validate() throws { try fit.requireApart(from: [NamedFile("the picture", picture)]) }

  func run() throws {
    let whole = try Image(contentsOf: picture)
    try fit.run(
      .restoration(of: whole, hiding: missing, seed: fit.shared.seed), .restoration, of: picture,
      purpose: "restored", baseline: "with black holes", reference: whole)
  }
}

struct PriorFlashCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "flash",
    abstract: "Take the noise out of a picture in bad light, by one with a flash.",
    discussion: """
      The picture with a flash is the network's input; the colors of the light are
      those of the picture without.

      EXAMPLES
        convnet prior flash dark.png --flash lit.png --output clean.png
      """)

  @Argument(help: "The picture without a flash.") var picture: String
  @Option(
    help: ArgumentHelp("The same scene with a flash, of the same size.", valueName: "file"))
  var flash: String
  @OptionGroup var fit: PriorOptions

  func validate() throws {
    try fit.requireApart(from: [NamedFile("the picture", picture), NamedFile("--flash", flash)])
  }

  func run() throws {
    let observed = try Image(contentsOf: picture)
    let guide = try Image(contentsOf: flash)
    guard guide.height == observed.height, guide.width == observed.width else {
      throw InsightError.extents(
        what: "\(flash), the picture with a flash of \(picture),",
        actual: [guide.width, guide.height], expected: [observed.width, observed.height])
    }
    try fit.run(
      .denoising(observed), .flash, of: picture, purpose: "with the light of the picture",
      baseline: "the noisy one", guide: guide)
  }
}
