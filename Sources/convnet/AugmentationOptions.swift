public import ArgumentParser
public import ConvNet
import Foundation

/// What is done to training pictures.
struct AugmentationOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Random changes to training pictures: a name, a JSON list of steps, or list.",
      discussion:
        "list prints the names. A step is {\"randomCrop\": {\"padding\": 4}} or its name.",
      valueName: "name|json|list"))
  var augment: AugmentationChoice?

  @Option(
    help: ArgumentHelp(
      "Values around zero: imagenet, or measured on the data, colors or picture; none as they are.",
      discussion: """
        colors: mean and deviation of each channel. picture: the mean picture. Default: what the \
        file of --model or --init says, else none.
        """))
  var normalize: Normalization?

  /// Answered before anything else is asked for.
  func validate() throws {
    guard augment?.isList == true else { return }
    // What stands after it is not parsed yet.
    let isJSON = CommandLine.arguments.contains("--json")
    throw CleanExit.message(try isJSON ? AugmentationsCommand.json : AugmentationsCommand.listing)
  }
}

extension AugmentationOptions {
  /// What was asked for; `nil` where nothing was.
  ///
  /// - Throws: ``AugmentationError``, or ``UnknownName`` with the nearest presets.
  func steps() throws -> Augmentation? { try augment?.resolved() }
}

/// A preset's name or a list of steps in JSON.
struct AugmentationChoice: ExpressibleByArgument {
  var augmentation: Augmentation
  var isList = false

  init(_ augmentation: Augmentation) {
    self.augmentation = augmentation
  }

  init?(argument: String) {
    self.init(.none)
    if argument == "list" {
      isList = true
    } else if let augmentation = Augmentation(preset: argument) {
      self.augmentation = augmentation
    } else {
      pending = argument
    }
  }

  /// Neither a preset nor list: JSON, if anything.
  private var pending: String?

  /// - Throws: ``AugmentationError``, or ``UnknownName`` with the nearest presets.
  func resolved() throws -> Augmentation {
    guard let pending else { return augmentation }
    guard pending.contains(where: { "[{\"".contains($0) }) else {
      throw UnknownName(
        kind: "augmentation", name: pending, known: Augmentation.presets.map(\.name),
        advice: "`convnet augmentations` lists the names")
    }
    return try Augmentation(json: pending)
  }

  var defaultValueDescription: String { "none" }
}

extension Normalization: ExpressibleByArgument {}

/// `convnet augmentations`.
struct AugmentationsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "augmentations", abstract: "List the augmentations that are known by name.",
    discussion: """
      Each is a list of steps, which --json prints; such a list, changed as you like,
      can stand wherever a name can.

      EXAMPLES
        convnet augmentations
        convnet train --model resnet18 --data pictures --output runs/x \\
          --augment inception
        convnet train --model resnet20 --data cifar10 --output runs/y \\
          --augment '[{"randomCrop": {"padding": 4}}, "horizontalReflection"]'
      """)

  @OptionGroup var shared: SharedOptions

  private struct Row: Encodable {
    var name: String
    var summary: String
    var steps: Augmentation
  }

  static var listing: String {
    var table = Table([.init("name"), .init("what it is")])
    for preset in Augmentation.presets { table.append([preset.name, preset.summary]) }
    return table.plainText(width: TerminalDevice.standardOutput.width)
  }

  static var json: String {
    get throws {
      try jsonLine(
        Augmentation.presets.map {
          Row(name: $0.name, summary: $0.summary, steps: $0.augmentation)
        })
    }
  }

  func run() throws {
    guard shared.json else { return try print(Self.listing, terminator: "") }
    try print(Self.json)
  }
}
