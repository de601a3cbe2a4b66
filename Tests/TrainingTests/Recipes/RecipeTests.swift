import ConvNetFiles
import ConvNetGraphs
import ConvNetImages
import ConvNetLayers
import ConvNetModels
import ConvNetTraining
import Foundation
import Testing

@Suite("Recipes") struct RecipeTests {
  private func value(_ recipe: String, _ name: String) throws -> String? {
    try Recipe.named(recipe).numbers.first { $0.name == name }?.value
  }

  /// What the lecture's slides state of trainings, by recipe: the networks' pages, and that of batch normalization.
  private static let lecture: [(recipe: String, numbers: [String: String])] = [
    (
      "alexnet",
      [
        "batchSize": "128", "optimizer.momentum": "0.9", "optimizer.weightDecay": "0.0005",
        "optimizer": "sgd", "schedule": "plateau", "schedule.rate": "0.01",
        "schedule.factor": "0.1",
        "dropout": "0.5", "inputSize": "224",
      ]
    ),
    (
      "vgg",
      [
        "batchSize": "256", "optimizer.momentum": "0.9", "optimizer.weightDecay": "0.0005",
        "schedule": "plateau", "schedule.rate": "0.01", "schedule.factor": "0.1", "dropout": "0.5",
        "inputSize": "224",
      ]
    ),
    (
      "googlenet",
      [
        "optimizer": "sgd", "optimizer.momentum": "0.9", "schedule": "stepDecay",
        "schedule.factor": "0.96", "schedule.interval": "8", "dropout": "0.4", "inputSize": "224",
      ]
    ),
    (
      "inception-v3",
      [
        "batchSize": "32", "epochs": "100", "optimizer": "rmsprop", "optimizer.squareDecay": "0.9",
        "optimizer.epsilon": "1", "schedule.rate": "0.045", "schedule.factor": "0.94",
        "schedule.interval": "2", "normClipping.limit": "2", "objective.labelSmoothing": "0.1",
        "inputSize": "299",
      ]
    ),
    (
      "resnet",
      [
        "batchSize": "256", "optimizer.momentum": "0.9", "optimizer.weightDecay": "0.0001",
        "schedule": "plateau", "schedule.rate": "0.1", "schedule.factor": "0.1", "dropout": "0",
      ]
    ),
    ("resnet-cifar", ["optimizer.momentum": "0.9", "optimizer.weightDecay": "0.0001"]),
  ]

  @Test("every number that the lecture states is in the recipe, and marked as the lecture's")
  func lecture() throws {
    for (name, numbers) in Self.lecture {
      let recipe = try Recipe.named(name)
      for (number, expected) in numbers {
        #expect(try value(name, number) == expected, "\(name), \(number)")
        // The paper says what the 0.9 averages, and the size that the lecture leaves out.
        let isOfPaper =
          number == "optimizer.squareDecay" || (name == "resnet" && number == "inputSize")
        #expect(
          recipe.source(of: number)?.authority == (isOfPaper ? .paper : .lecture),
          "\(name), \(number)")
      }
    }
    #expect(
      try Recipe.named("vgg").augmentation.steps.contains(.shorterSide(from: 256, to: 512)))
    #expect(
      try Recipe.named("alexnet").augmentation.steps.contains(
        .shorterSide(from: 256, to: 256, square: true)))
  }

  @Test("batch normalization's variants differ as the lecture's page says, and in nothing else")
  func batchNormalized() throws {
    let base = try Recipe.named("bn-baseline")
    for (name, factor) in [("bn-x5", 5), ("bn-x30", 30), ("bn-x5-sigmoid", 5)] as [(String, Float)]
    {
      let recipe = try Recipe.named(name)
      #expect(abs(try #require(recipe.learningRate) / (factor * 0.0015) - 1) < 1e-5)
      #expect(
        abs(try #require(base.weightDecay) / (try #require(recipe.weightDecay)) - 5) < 1e-4)
      #expect(recipe.dropout == 0 && base.dropout == 0.4)
      // A sixth of the time, by whole epochs.
      let (fast, slow) = (recipe.schedule, base.schedule)
      func rate(_ schedule: any LearningRateSchedule, _ epoch: Int) -> Float {
        schedule.learningRate(at: TrainingPoint(epoch: epoch))
      }
      #expect(abs(rate(fast, 8) / rate(fast, 0) - rate(slow, 48) / rate(slow, 0)) < 1e-5)
      let names = Set(recipe.differences(from: base).map { $0.name.split(separator: ".")[0] })
      #expect(
        names.subtracting(["optimizer", "schedule", "dropout", "augmentation", "epochs"])
          == (name == "bn-x5-sigmoid" ? ["network"] : []))
    }
    #expect(base.learningRate == 0.0015)
  }

  @Test("every number of every recipe has a source", arguments: Recipe.builtIn)
  func sources(recipe: Recipe) throws {
    for number in recipe.numbers {
      #expect(number.source.map { !$0.note.isEmpty } == true, "\(recipe.name), \(number.name)")
    }
    // None that is of no number.
    let names = recipe.numbers.map(\.name)
    for name in recipe.sources.keys {
      #expect(
        names.contains { $0 == name || $0.hasPrefix(name + ".") } || name == "auxiliaryWeight",
        "\(recipe.name), \(name)")
    }
  }

  @Test(
    "every recipe is of a network of the zoo, valid, and written and read again",
    arguments: Recipe.builtIn)
  func valid(recipe: Recipe) throws {
    try recipe.validate()
    let entry = try #require(ModelRegistry[recipe.network])
    #expect(entry.defaults.height == recipe.inputSize)
    let read = try JSONDecoder().decode(Recipe.self, from: JSONEncoder().encode(recipe))
    #expect(read == recipe && read.numbers == recipe.numbers)
    #expect(read.differences(from: recipe).isEmpty)
  }

  @Test(
    "a recipe changes its network's dropout and auxiliary weight, and says what it finds no place for"
  )
  func network() throws {
    func graph(_ recipe: Recipe, on name: String) throws -> Graph {
      var options = try #require(ModelRegistry[name]).defaults
      recipe.apply(to: &options)
      return try #require(ModelRegistry[name]).build(options).graph()
    }
    var recipe = try Recipe.named("bn-baseline")
    let baseline = try graph(recipe, on: "bn-inception")
    #expect(recipe.unapplied(to: baseline).isEmpty)
    recipe.dropout = 0.25
    recipe.auxiliaryWeight = 0.125
    for name in ["googlenet", "bn-inception", "inception-v3"] {
      #expect(recipe.unapplied(to: try graph(recipe, on: name)).isEmpty, "\(name)")
    }
    recipe.auxiliaryWeight = nil
    for name in ["alexnet", "alexnet-torchvision", "vgg-a", "vgg11-bn"] {
      #expect(recipe.unapplied(to: try graph(recipe, on: name)).isEmpty, "\(name)")
    }
    recipe.auxiliaryWeight = 0.3
    let notes = recipe.unapplied(to: try graph(recipe, on: "resnet20"))
    #expect(notes.count == 2 && notes[0].contains("dropout") && notes[1].contains("auxiliary"))
  }

  @Test("numbers are changed by name, and what a part does not have is refused")
  func changes() throws {
    var recipe = try Recipe.named("resnet-cifar-110")
    try recipe.set("learningRate", to: 0.2)
    try recipe.set("optimizer.momentum", to: 0.5)
    #expect(recipe.learningRate == 0.2 && recipe.momentum == 0.5)
    #expect(
      recipe.schedule as? LowBeginning<Milestones>
        == LowBeginning(before: Milestones(from: 0.2, at: [32_000, 48_000], time: .steps)))
    #expect(recipe.source(of: "optimizer.momentum")?.authority == .ours)
    recipe.optimizer = Adam()
    #expect(throws: TrainingError.self) { try recipe.set("optimizer.momentum", to: 0.5) }
    #expect(throws: TrainingError.self) { try recipe.set("nothing", to: 0.5) }
    recipe.warmUp(2)
    recipe.warmUp(3)
    #expect((recipe.schedule as? WarmUp<LowBeginning<Milestones>>)?.length == 3)
    recipe.replace(NormClipping(limit: 1))
    recipe.accumulate(4)
    recipe.replace(NormClipping(limit: 2))
    #expect(
      recipe.gradientTransforms.map { "\($0)" }
        == ["gradients of 4 batches together", "gradients of a norm up to 2.0"])
    #expect(
      try JSONDecoder().decode(Recipe.self, from: JSONEncoder().encode(recipe)) == recipe)
  }

  @Test("a schedule that lasts as long as the training still does in another number of epochs")
  func length() throws {
    var recipe = try Recipe.named("fast")
    try recipe.last(4)
    #expect(recipe.epochs == 4 && (recipe.schedule as? OneCycle)?.length == 4)
  }

  @Test("pictures of another size or of one channel are changed accordingly, and it is said")
  func pictures() throws {
    var recipe = try Recipe.named("vgg")
    #expect(recipe.fit(height: 224, width: 224, channels: 3).isEmpty)
    let notes = recipe.fit(height: 28, width: 28, channels: 1)
    #expect(notes.count == 2)
    #expect(
      recipe.augmentation
        == [.shorterSide(from: 32, to: 64), .randomCrop(), .horizontalReflection()])
  }

  @Test("changes of saturation say that grey pictures stay, and a network's missing parts are told")
  func unapplied() throws {
    var recipe = try Recipe.named("inception-v3")
    let notes = recipe.fit(height: 28, width: 28, channels: 1)
    #expect(notes.contains { $0.contains("saturation") })
    var colored = try Recipe.named("inception-v3")
    #expect(colored.fit(height: 299, width: 299, channels: 3).isEmpty)
    let lenet = try Model(
      validating: lenet5(ModelOptions(height: 28, width: 28, channels: 1, classes: 10)))
    let missing = recipe.unapplied(to: lenet.graph)
    #expect(missing.count == 2 && missing[0].contains("0.2") && missing[1].contains("0.4"))
  }

  @Test("ResNets on CIFAR hold a tenth out, and files keep that")
  func heldOut() throws {
    for name in ["resnet-cifar", "resnet-cifar-110"] {
      let recipe = try Recipe.named(name)
      #expect(recipe.heldOutShare == 0.1)
      #expect(recipe.source(of: "heldOutShare")?.authority == .paper)
      let read = try JSONDecoder().decode(Recipe.self, from: JSONEncoder().encode(recipe))
      #expect(read.heldOutShare == 0.1)
    }
    var recipe = try Recipe.named("fast")
    #expect(recipe.heldOutShare == nil)
    recipe.heldOutShare = 1
    #expect(throws: TrainingError.self) { try recipe.validate() }
  }

  @Test("a field that cannot be read is named, with the values that it may have")
  func unreadableFields() throws {
    for (text, says) in [
      (#"{"epsilonPlace": "above"}"#, ["epsilonPlace", "insideRoot", "outsideRoot"]),
      (#"{"velocity": "none"}"#, ["velocity"]),
      (#"{"epsilon": "small"}"#, ["epsilon", "a number, such as"]),
    ] {
      let optimizer: any Optimizer = .rmsProp()
      let error = #expect(throws: TrainingError.self) { _ = try optimizer.changed(byJSON: text) }
      for word in says { #expect(error?.description.contains(word) == true, "\(error as Any)") }
      #expect(error?.description.contains("DecodingError") == false)
    }
  }

  @Test("a name that is none is refused with those that are near")
  func unknown() {
    let error = #expect(throws: TrainingError.self) { try Recipe.named("inception-v4") }
    #expect(error.map { "\($0)".contains("inception-v3") } == true)
  }

  @Test(
    "a schedule that lasts as long as the training still does after another number of epochs, also behind a warm-up"
  )
  func innermostLength() throws {
    func lasting(_ schedule: any LearningRateSchedule) throws -> String {
      var recipe = try Recipe.named("fast")
      recipe.epochs = 10
      recipe.schedule = schedule
      try recipe.last(30)
      #expect(recipe.epochs == 30)
      return "\(recipe.schedule)"
    }
    func words(_ schedule: any LearningRateSchedule) -> String { "\(schedule)" }
    #expect(try lasting(.cosine(from: 1, length: 10)) == words(.cosine(from: 1, length: 30)))
    #expect(
      try lasting(CosineDecay(from: 1, length: 10).warmedUp(2))
        == words(CosineDecay(from: 1, length: 30).warmedUp(2)))
    // A warm-up is as long as before, also one of as many epochs.
    #expect(
      try lasting(ConstantRate(1).warmedUp(10)) == words(ConstantRate(1).warmedUp(10)))
    #expect(try lasting(.cosine(from: 1, length: 5)) == words(.cosine(from: 1, length: 5)))
    #expect(
      try lasting(.cosine(from: 1, length: 10, time: .steps))
        == words(.cosine(from: 1, length: 10, time: .steps)))
  }
}
