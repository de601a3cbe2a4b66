import ArgumentParser
import ConvNet

/// `convnet recipes`.
struct RecipesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "recipes",
    abstract:
      "List the recipes of trainings, print one with the source of every number, or compare two.",
    discussion: """
      A source is the lecture, the paper of the network, or ours.

      EXAMPLES
        convnet recipes
        convnet recipes inception-v3
        convnet recipes bn-baseline bn-x5
        convnet train --recipe resnet-cifar --data cifar10 --output runs/x
      """)

  @Argument(help: "None for the list, one, or two to compare.") var names: [String] = []
  @OptionGroup var shared: SharedOptions

  func validate() throws {
    guard names.count <= 2 else {
      throw ValidationError("two recipes can be compared, here are \(names.count)")
    }
  }

  func run() throws {
    let recipes = try names.map(RecipeOptions.recipe(named:))
    switch recipes.count {
    case 0: try list()
    case 1: try show(recipes[0])
    default: try compare(recipes[0], recipes[1])
    }
  }

  private func list() throws {
    if shared.json { return try printJSON(Recipe.builtIn.map(RecipeRow.init)) }
    var table = Table([
      .init("name"), .init("network", dispensability: 1), .init("batch", .right, dispensability: 2),
      .init("epochs", .right, dispensability: 2), .init("what it is"),
    ])
    for recipe in Recipe.builtIn {
      table.append([
        recipe.name, recipe.network, "\(recipe.batchSize)", "\(recipe.epochs)", recipe.summary,
      ])
    }
    try Console.write(table)
  }

  private func show(_ recipe: Recipe) throws {
    if shared.json { return try printJSON(RecipeRow(recipe)) }
    try Console.write(wrapping: "\(recipe.name): \(recipe.summary)")
    try print("")
    var table = Table([.init("setting"), .init("value"), .init("from", leastWidth: 24)])
    for number in recipe.numbers {
      table.append([number.name, number.value, number.source.map { "\($0)" } ?? ""])
    }
    try Console.write(table)
  }

  private struct Difference: Encodable {
    var setting: String
    var values: [String?]
  }

  private func compare(_ first: Recipe, _ second: Recipe) throws {
    let differences = first.differences(from: second)
    if shared.json {
      return try printJSON(
        differences.map { Difference(setting: $0.name, values: [$0.value, $0.other]) })
    }
    guard !differences.isEmpty else {
      return try print("\(first.name) and \(second.name) have the same settings")
    }
    var table = Table([.init("setting"), .init(first.name), .init(second.name)])
    for difference in differences {
      table.append([difference.name, difference.value ?? "–", difference.other ?? "–"])
    }
    try Console.write(table)
  }
}

/// A recipe as `--json` has it.
struct RecipeRow: Encodable {
  var name: String
  var summary: String
  var network: String
  var inputSize: Int
  var batchSize: Int
  var epochs: Int
  var optimizer: String
  @Nullable var momentum: Float?
  @Nullable var epsilon: Float?
  @Nullable var weightDecay: Float?
  @Nullable var learningRate: Float?
  var schedule: String
  @Nullable var labelSmoothing: Float?
  var clipping: [String: Float]
  @Nullable var dropout: Float?
  @Nullable var auxiliaryWeight: Float?
  @Nullable var averaging: String?
  var initialization: String
  var augmentation: Augmentation
  /// Every number by its name.
  var settings: [String: String]
  /// Where each is from: `lecture: …`, `paper: …` or `ours: …`.
  var sources: [String: String]

  init(_ recipe: Recipe) {
    name = recipe.name
    summary = recipe.summary
    network = recipe.network
    inputSize = recipe.inputSize
    batchSize = recipe.batchSize
    epochs = recipe.epochs
    optimizer = type(of: recipe.optimizer).name
    momentum = recipe.momentum
    epsilon = recipe.epsilon
    weightDecay = recipe.weightDecay
    learningRate = recipe.learningRate
    schedule = "\(recipe.schedule)"
    labelSmoothing = recipe.labelSmoothing
    clipping = [:]
    for transform in recipe.gradientTransforms {
      if let clipping = transform as? NormClipping { self.clipping["norm"] = clipping.limit }
      if let clipping = transform as? ValueClipping { self.clipping["value"] = clipping.limit }
    }
    dropout = recipe.dropout
    auxiliaryWeight = recipe.auxiliaryWeight
    averaging = recipe.averaging.map { "\($0)" }
    initialization = recipe.initialization
    augmentation = recipe.augmentation
    let numbers = recipe.numbers
    settings = Dictionary(numbers.map { ($0.name, $0.value) }) { first, _ in first }
    sources = Dictionary(
      numbers.compactMap { number in number.source.map { (number.name, "\($0)") } }
    ) { first, _ in first }
  }
}
