import ConvNet
import ConvNetTestSupport
import Foundation
import Testing

@Suite("Recipes on the command line") struct RecipeCommandTests {
  @Test("the list has every recipe")
  func list() throws {
    let run = try convnet("recipes")
    #expect(run.status == 0 && run.errors.isEmpty)
    for recipe in Recipe.builtIn { #expect(run.output.contains("\n\(recipe.name) ")) }
    #expect((try convnet("recipes", "--json").json() as? [Any])?.count == Recipe.builtIn.count)
  }

  @Test(
    "one recipe has its numbers and their sources, as a table and as JSON with the documented keys")
  func one() throws {
    let table = try convnet("recipes", "inception-v3").output
    for text in ["0.045", "299", "rmsprop", "lecture: ", "paper: ", "ours: "] {
      #expect(table.contains(text), "\(text)")
    }
    let object = try #require(
      try convnet("recipes", "inception-v3", "--json").json() as? [String: Any])
    for recipe in Recipe.builtIn {
      let row = try #require(
        try convnet("recipes", recipe.name, "--json").json() as? [String: Any])
      for key in [
        "name", "network", "batchSize", "optimizer", "momentum", "epsilon", "weightDecay",
        "learningRate", "schedule", "labelSmoothing", "clipping", "dropout", "augmentation",
        "sources",
      ] {
        #expect(row[key] != nil, "\(recipe.name), \(key)")
      }
    }
    #expect(object["batchSize"] as? Int == 32 && object["epsilon"] as? Double == 1)
    #expect((object["clipping"] as? [String: Double])?["norm"] == 2)
    let alexNet = try convnet("recipes", "alexnet", "--json").json() as? [String: Any]
    #expect(alexNet?["dropout"] as? Double == 0.5)
  }

  @Test("two recipes are compared by what differs")
  func two() throws {
    let run = try convnet("recipes", "bn-x5", "bn-x30")
    #expect(run.output.contains("schedule.rate") && run.output.contains("0.0075"))
    #expect(!run.output.contains("batchSize"))
    #expect(try convnet("recipes", "vgg", "vgg").output.contains("same settings"))
  }

  @Test("a name that is none is refused with those that are near")
  func unknown() throws {
    let directory = try TemporaryDirectory()
    try writeClasses(["dark": 30, "light": 200], to: directory.file("pictures"))
    for (arguments, text) in [
      (["recipes", "inception-v4"], "inception-v3"),
      (["--recipe", "resnet-cifer"], "resnet-cifar"), (["--optimizer", "adm"], "adam"),
      (["--schedule", "cosin"], "cosine"), (["--warm-up", "9", "--epochs", "2"], "warm-up"),
      (["--optimizer", "adamw", "--momentum", "0.5"], "momentum"),
      (["--optimizer", "{\"rmsprop\": {\"epsilom\": 1}}"], "epsilon"),
    ] {
      let run =
        arguments[0] == "recipes"
        ? try Invocation(arguments)
        : try trainShortly(directory, arguments + ["--quiet"])
      #expect(try run.failure().contains(text), "\(arguments)")
    }
  }

  @Test(
    "what is asked of a network that has no place for it is refused",
    arguments: [
      ("--dropout", "lenet5 has no dropout; leave out --dropout"),
      (
        "--stochastic-depth",
        "lenet5 has no residual blocks that can be left out; leave out --stochastic-depth"
      ),
      (
        "--auxiliary-weight", "lenet5 has no auxiliary classifiers; leave out --auxiliary-weight"
      ),
    ])
  func withoutPlace(option: String, says: String) throws {
    let directory = try TemporaryDirectory()
    try writeClasses(["dark": 30, "light": 200], to: directory.file("pictures"))
    let more = ["--epochs", "1", "--quiet", option]
    #expect(try trainShortly(directory, more + ["0.9"]).failure() == says)
    #expect(try directory.contents() == ["pictures"])
    // That there is none is as the network has it.
    let none = try trainShortly(directory, more + ["0"])
    #expect(none.status == 0, "\(none.errors)")
  }

  @Test("what a network of a file has already is not changed by an option")
  func ownDepth() throws {
    let directory = try TemporaryDirectory()
    try writeClasses(["dark": 30, "light": 200], to: directory.file("pictures"))
    func train(_ model: String, _ depth: String, output: String) throws -> Invocation {
      try Invocation(
        [
          "train", "--model", model, "--data", "pictures", "--output", output, "--epochs", "1",
          "--batch-size", "4", "--threads", "1", "--quiet", "--stochastic-depth", depth,
        ], in: directory.path)
    }
    let first = try train("resnet20", "0.5", output: "first")
    #expect(first.status == 0, "\(first.errors)")
    let file = "first/model.safetensors"
    let same = try train(file, "0.5", output: "same")
    #expect(same.status == 0, "\(same.errors)")
    for depth in ["0.2", "0"] {
      let line = try train(file, depth, output: "other").failure()
      #expect(line.contains("as its file says, at 0.5; leave out --stochastic-depth"), "\(line)")
    }
  }

  @Test("a training by a recipe, changed by options, goes on as it began")
  func training() throws {
    let directory = try TemporaryDirectory()
    try writeClasses(["dark": 30, "light": 200], to: directory.file("pictures"))
    let options = [
      "--recipe", "alexnet", "--optimizer", "nesterov", "--schedule", "cosine", "--warm-up", "0.5",
      "--label-smoothing", "0.1", "--clip-norm", "1", "--accumulate", "2", "--average-weights",
      "0.9",
    ]
    let whole = try trainShortly(directory, options + ["--epochs", "2"], output: "whole")
    #expect(whole.status == 0, "\(whole.errors)")
    // LeNet has no place for dropout, and grey pictures none for colors.
    #expect(whole.errors.contains("has no dropout"))
    let model = try Model(loading: directory.file("whole/model.safetensors"))
    let summary = try #require(model.trainingSummary)
    #expect(summary.notes["recipe"]?.hasPrefix("alexnet with ") == true)
    #expect(summary.optimizer?.contains("Nesterov") == true)
    #expect(summary.schedule?.contains("warm-up") == true)
    let same = try trainShortly(
      directory, ["--resume", "--clip-norm", "1", "--epochs", "3"], output: "whole")
    #expect(same.status == 0 && !same.errors.contains("normClipping"), "\(same.errors)")
    let other = try trainShortly(
      directory, ["--resume", "--clip-norm", "2", "--epochs", "4"], output: "whole")
    #expect(other.status == 0 && other.errors.contains("normClipping.limit"), "\(other.errors)")
  }
}
