import ConvNetDatasets
import ConvNetEngine
import ConvNetEvaluation
import ConvNetGraphs
import ConvNetImages
import ConvNetInference
import ConvNetLayers
import ConvNetModels
import ConvNetReports
import ConvNetTensors
import ConvNetTestSupport
import ConvNetTraining
import Foundation
import Testing

@Suite("Experiments") struct ExperimentTests {
  private static let one = ComputeOptions(threads: 1)

  /// Two rows of a small network: one that learns, one that hardly does.
  private static func experiment(rates: [Float] = [0.05, 0.0001]) -> Experiment {
    Experiment(
      "rates", question: "Which rate is better?", source: "nothing", full: .init(epochs: 3),
      quick: .init(epochs: 1),
      rows: rates.map { rate in
        .init(
          "rate \(rate)",
          Recipe(
            "r", summary: "", network: "small", batchSize: 16, epochs: 3,
            optimizer: .sgd(momentum: 0.9), schedule: .cosine(from: rate, length: 3), inputSize: 8)
        ) { smallNetwork(classes: $0.classes, extent: $0.height) }
      },
      measures: [.testError, .steps(toBestOf: "rate \(rates[0])"), .parameters],
      figures: [.curves(.testError), .bars(.testError, name: "bars")])
  }

  private static func data(_ count: Int, seed: UInt64) throws -> IDXDataset {
    try syntheticData(count: count, extent: 8, seed: seed)
  }

  @Test("every row is trained with every seed, and what is there is not trained again")
  func runs() throws {
    let experiment = Self.experiment()
    let (train, test) = (try Self.data(96, seed: 1), try Self.data(48, seed: 2))
    var results = ExperimentResults(
      of: experiment, scale: .init(epochs: 2, pictures: 64, testPictures: 24))
    var ended: [String] = []
    func run(_ experiment: Experiment, seeds: ClosedRange<UInt64>) throws {
      try experiment.run(&results, on: train, testing: test, seeds: seeds, compute: Self.one) {
        _ in
        []
      } ended: { results, model in
        let run = try #require(results.runs.last)
        ended.append("\(run.row) \(run.seed)")
        #expect(model.trainingSummary?.epochs == 2)
      }
    }
    try run(experiment, seeds: 1...1)
    #expect(ended == ["rate 0.05 1", "rate 0.0001 1"])
    for run in results.runs {
      #expect(run.history.map(\.training.samples) == [64, 64])
      #expect(run.history.map { $0.validation?.samples } == [24, 24])
      #expect(run.recipe.epochs == 2 && run.history.last?.step == 8)
      // A schedule that lasts as long as the training still does.
      #expect((run.recipe.schedule as? CosineDecay)?.length == 2)
    }
    let first = results
    try run(experiment, seeds: 1...2)
    #expect(ended.dropFirst(2) == ["rate 0.05 2", "rate 0.0001 2"])
    #expect(results.runs.prefix(2) == first.runs[...])
    // Another recipe of a row makes its trainings those of another experiment.
    var changed = experiment
    changed.rows[1].recipe.batchSize = 32
    try run(changed, seeds: 1...1)
    #expect(ended.dropFirst(4) == ["rate 0.0001 1"] && results.runs.count == 4)
    #expect(results["rate 0.0001", 1]?.recipe.batchSize == 32)
  }

  @Test("results are the bytes of the training alone")
  func sameAsTrainer() throws {
    let experiment = Self.experiment(rates: [0.05])
    let (train, test) = (try Self.data(64, seed: 1), try Self.data(24, seed: 2))
    var results = ExperimentResults(of: experiment, scale: experiment.full)
    var trained: Model?
    try experiment.run(
      &results, on: train, testing: test, seeds: [5], compute: Self.one, ended: { trained = $1 })
    let run = try #require(results.runs.first)
    var model = Model(smallNetwork(), seed: 5, classNames: train.classNames)
    try run.recipe.trainer(seed: 5, compute: Self.one)
      .fit(&model, on: train, validating: test, epochs: 3)
    #expect(trained?.parameters == model.parameters)
  }

  @Test("a scale with batches for statistics changes what is tested, not what is learnt")
  func freshStatistics() throws {
    let experiment = Self.experiment(rates: [0.05])
    let (train, test) = (try Self.data(64, seed: 1), try Self.data(40, seed: 2))
    func trained(batches: Int?) throws -> (run: ExperimentResults.Run, model: Model) {
      var results = ExperimentResults(
        of: experiment, scale: .init(epochs: 2, statisticsBatches: batches))
      var trained: Model?
      try experiment.run(
        &results, on: train, testing: test, seeds: [5], compute: Self.one, ended: { trained = $1 })
      return (try #require(results.runs.first), try #require(trained))
    }
    let moving = try trained(batches: nil)
    let fresh = try trained(batches: 3)
    #expect(moving.run.recipe.averaging == nil)
    #expect(
      fresh.run.recipe.averaging as? ExponentialAverage
        == .exponential(
          decay: 0, statisticsBatches: 3))
    let different = moving.model.parameters.filter { fresh.model.parameters[$0.key] != $0.value }
    #expect(
      Set(different.keys) == Set(moving.model.parameters.keys.filter { $0.contains("running_") }))
    #expect(
      fresh.run.history.map(\.training.loss) == moving.run.history.map(\.training.loss))
    #expect(
      fresh.run.history.map { $0.validation?.loss }
        != moving.run.history.map { $0.validation?.loss })
  }

  @Test("a network without batch normalization is tested as it is, whatever the scale says")
  func noStatistics() throws {
    var experiment = Self.experiment(rates: [0.05])
    experiment.rows[0].network = { options in
      Network("plain", input: .image(height: options.height, width: options.width, channels: 1)) {
        Flatten()
        Dense(options.classes)
      }
    }
    let data = try Self.data(32, seed: 1)
    var results = ExperimentResults(of: experiment, scale: .init(epochs: 1, statisticsBatches: 3))
    try experiment.run(&results, on: data, testing: data, seeds: [1], compute: Self.one)
    #expect(results.runs.first?.recipe.averaging == nil)
  }

  @Test("a training whose numbers are no longer finite is a result, and the next goes on")
  func diverged() throws {
    let experiment = Self.experiment(rates: [1e30, 0.01])
    let data = try Self.data(32, seed: 1)
    var results = ExperimentResults(of: experiment, scale: experiment.quick)
    try experiment.run(&results, on: data, testing: data, seeds: [1], compute: Self.one)
    #expect(results.runs[0].failure?.contains("not finite") == true)
    #expect(results.runs[1].failure == nil && results.runs[1].history.count == 1)
    let table = results.table(of: experiment)
    #expect(table.rows[0][1] == "diverged" && table.rows[0].last == "1, 1 diverged")
  }

  @Test("what ends a training otherwise ends the experiment, and keeps what is finished")
  func stopped() throws {
    struct Stop: TrainingLogger {
      var asksToStop: Bool
    }
    let experiment = Self.experiment()
    let data = try Self.data(32, seed: 1)
    var results = ExperimentResults(of: experiment, scale: experiment.quick)
    #expect(throws: TrainingError.stopped(epoch: 1)) {
      try experiment.run(
        &results, on: data, testing: data, seeds: [1], compute: Self.one,
        loggers: { [Stop(asksToStop: $0.row.name == "rate 0.0001")] })
    }
    #expect(results.runs.map(\.row) == ["rate 0.05"])
  }

  @Test("several models of a row are an ensemble, whose error is that of the mean of probabilities")
  func ensembles() throws {
    let experiment = Self.experiment(rates: [0.02])
    let (train, test) = (try Self.data(64, seed: 1), try Self.data(40, seed: 2))
    var results = ExperimentResults(
      of: experiment, scale: .init(epochs: 1, testPictures: 40))
    var models: [UInt64: Model] = [:]
    try experiment.run(
      &results, on: train, testing: test, seeds: 1...3, compute: Self.one
    ) { _ in
      []
    } ended: { results, model in
      models[try #require(results.runs.last).seed] = model
    }
    // Not measured where a model is missing.
    try experiment.measureEnsembles(&results, on: test, compute: Self.one) { _, seed in
      seed == 2 ? nil : models[seed]
    }
    #expect(results.ensembles.isEmpty)
    try experiment.measureEnsembles(&results, on: test, compute: Self.one) { models[$1] }
    let ensemble = try #require(results.ensembles.first)
    #expect(ensemble.seeds == [1, 2, 3])

    var wrong = 0
    for index in 0..<test.count {
      let sample = test.sample(at: index)
      var sums = [Double](repeating: 0, count: 4)
      for model in models.values {
        let pixels = try #require(model.preprocessing).prepared(sample.image)
        let logits = try model.run(pixels).elements.map { exp(Double($0)) }
        for place in 0..<4 { sums[place] += logits[place] / logits.reduce(0, +) }
      }
      if sums.firstIndex(of: sums.max() ?? 0) != sample.label { wrong += 1 }
    }
    #expect(abs(ensemble.testError - 100 * Double(wrong) / 40) < 1e-9)
  }

  @Test("what was trained and tested on some pictures is not gone on with on others")
  func otherPictures() throws {
    let experiment = Self.experiment(rates: [0.02])
    let (train, test) = (try Self.data(32, seed: 1), try Self.data(16, seed: 2))
    let others = try Self.data(32, seed: 3)
    var results = ExperimentResults(of: experiment, scale: experiment.quick)
    try experiment.run(&results, on: train, testing: test, seeds: [1], compute: Self.one)
    let kept = results
    for (part, training, testing) in [
      ("training data", others, test), ("test data", train, others),
    ] {
      let error = #expect(throws: TrainingError.self) {
        try experiment.run(
          &results, on: training, testing: testing, seeds: [1, 2], compute: Self.one)
      }
      let text = error?.description ?? ""
      #expect(text.hasPrefix("\(part) of an experiment that goes on is 32 pictures of fingerprint"))
      #expect(text.contains("go on with the same data"))
    }
    #expect(throws: TrainingError.self) {
      try experiment.measureEnsembles(&results, on: others, compute: Self.one) { _, _ in nil }
    }
    #expect(results == kept)
    try experiment.run(&results, on: train, testing: test, seeds: [1], compute: Self.one)
    #expect(results == kept)
  }

  @Test("results of a version that did not keep their pictures are gone on with")
  func unknownPictures() throws {
    let directory = try TemporaryDirectory()
    let experiment = Self.experiment(rates: [0.02])
    let (train, test) = (try Self.data(32, seed: 1), try Self.data(16, seed: 2))
    var results = ExperimentResults(of: experiment, scale: experiment.quick)
    try experiment.run(&results, on: train, testing: test, seeds: [1], compute: Self.one)
    let kept = results
    (results.trainingData, results.testData) = (nil, nil)
    try results.save(to: directory.file("results.json"))
    let text = String(decoding: try fileBytes(directory.file("results.json")), as: UTF8.self)
    #expect(!text.contains("trainingData") && !text.contains("testData"))
    var old = try ExperimentResults(loading: directory.file("results.json"))
    #expect(old == results)
    try old.requireFit(for: kept)
    try experiment.run(&old, on: train, testing: test, seeds: [1], compute: Self.one)
    #expect(old == kept)
  }

  @Test("as many epochs are trained as fit into the seconds, by the measured rate")
  func seconds() throws {
    let experiment = Self.experiment(rates: [0.02])
    let data = try Self.data(64, seed: 1)
    var results = ExperimentResults(of: experiment, scale: .init(epochs: 1, seconds: 0.2))
    try experiment.run(&results, on: data, testing: data, seeds: [1], compute: Self.one)
    let run = results.runs[0]
    #expect(run.history.count == run.recipe.epochs && run.history.count > 1)
    // What is there stays, whatever the rate is now.
    try experiment.run(&results, on: data, testing: data, seeds: [1], compute: Self.one)
    #expect(results.runs == [run])
  }
}

@Suite("Results of experiments") struct ExperimentResultsTests {
  private static func metrics(right: Int, of count: Int) -> ClassificationMetrics {
    var metrics = ClassificationMetrics()
    for index in 0..<count {
      let scores: [Float] = index < right ? [1, 0] : [0, 1]
      metrics.add(scores: scores.span, labels: ([0] as [Int32]).span, meanLoss: 0.5)
    }
    return metrics
  }

  /// Of ten training and ten test pictures, an epoch of five steps and two seconds each.
  private static func run(
    _ row: String, seed: UInt64 = 1, right: [Int], training: Int = 8, failure: String? = nil
  ) -> ExperimentResults.Run {
    ExperimentResults.Run(
      row: row, seed: seed, network: "n", parameterCount: 1500, recipe: Recipe.builtIn[0],
      threads: 1,
      history: right.enumerated().map { place, right in
        EpochReport(
          epoch: place + 1, step: 5 * (place + 1), learningRate: 0.1,
          training: metrics(right: training, of: 10), validation: metrics(right: right, of: 10),
          seconds: 2, dataWaitSeconds: 0, skippedCount: 0, endTime: 0)
      }, notes: ["no dropout"], failure: failure)
  }

  private static let experiment = Experiment(
    "e", question: "Which?", source: "a figure", full: .init(epochs: 3),
    quick: .init(epochs: 1, pictures: 10),
    rows: ["a", "b|c"].map { name in
      .init(name, Recipe.builtIn[0], network: { lenet5($0) })
    },
    measures: [
      .testError, .bestTestError, .trainingError, .steps(toBestOf: "a"),
      .seconds(toAccuracy: 0.8), .seconds, .rate, .parameters,
    ],
    figures: [
      .curves(.testError), .curves(.trainingError, over: .seconds),
      .bars(.testError, name: "bars"), .curves(.testError, of: ["b|c"], as: "one"),
    ])

  private static var results: ExperimentResults {
    var results = ExperimentResults(of: experiment, scale: experiment.quick)
    results.runs = [
      run("a", right: [6, 8, 7]), run("b|c", right: [8, 9, 9], training: 9),
      run("a", seed: 2, right: [5, 5, 5]), run("b|c", seed: 2, right: [4, 5, 9], training: 9),
    ]
    return results
  }

  @Test("the table has the mean of each measure and the deviation between seeds, as by hand")
  func table() {
    let table = Self.results.table(of: Self.experiment)
    #expect(table.rows[0].prefix(2) == ["a", "40.00 ± 14.14"])
    #expect(table.rows[0][2...3] == ["35.00 ± 21.21", "20.00 ± 0.00"])
    // Its own best after steps 10 and 5; of two trainings one has 80 %.
    #expect(table.rows[0][4...5] == ["8 ± 4", "4.0 (1 of 2)"])
    #expect(table.rows[0][6...] == ["6.0 ± 0.0", "5 ± 0", "2 ± 0", "2"])
    // The first reaches 80 % after 5 steps, the second 50 % after 10.
    #expect(table.rows[1][4] == "8 ± 4")
    var one = Self.results
    one.runs.removeAll { $0.seed == 2 }
    one.runs[1] = Self.run("b|c", right: [1, 2, 3])
    #expect(one.table(of: Self.experiment).rows[0][1] == "30.00")
    #expect(one.table(of: Self.experiment).rows[1][4...5] == ["not reached", "not reached"])
  }

  @Test("curves go through the means of the seeds, as far as all came")
  func curves() throws {
    var results = Self.results
    results.runs[2].history.removeLast()
    let plot = try #require(
      Self.experiment.figures[0].draw(results, Self.experiment) as? LinePlot)
    #expect(plot.series.map(\.name) == ["a", "b|c"])
    #expect(plot.series[0].points == [.init(1, 45), .init(2, 35)])
    #expect(plot.series[1].points.map(\.y).map { $0.rounded() } == [40, 30, 10])
    let timed = try #require(
      Self.experiment.figures[1].draw(results, Self.experiment) as? LinePlot)
    #expect(timed.series[1].points.map(\.x) == [2, 4, 6])
    let bars = try #require(Self.experiment.figures[2].draw(results, Self.experiment) as? BarPlot)
    #expect(bars.bars[1].text == "10.00 ± 0.00")
    let one = try #require(Self.experiment.figures[3].draw(results, Self.experiment) as? LinePlot)
    #expect(one.series == [plot.series[1]] && Self.experiment.figures[3].name == "one")
  }

  @Test("written and read again they are the same, and others are not gone on with")
  func files() throws {
    let directory = try TemporaryDirectory()
    var results = Self.results
    results.ensembles = [.init(row: "a", seeds: [1, 2], testError: 20)]
    results.runs[0].failure = "not finite"
    let folder = ExperimentFolder(directory.file("runs/out"))
    try folder.create()
    try folder.write(results, of: Self.experiment)
    #expect(try ExperimentResults(loading: folder.resultsPath) == results)
    for figure in Self.experiment.figures {
      let svg = try String(
        contentsOfFile: folder.figurePath(figure, of: Self.experiment), encoding: .utf8)
      #expect(svg.contains("<svg") && !svg.contains("nan"))
    }
    let page = try String(contentsOfFile: folder.reportPath, encoding: .utf8)
    #expect(page.contains("Which?") && page.contains("no dropout"))
    for change in [
      { $0.scale.epochs = 2 }, { $0.scale.pictures = nil }, { $0.scale.testPictures = 5 },
      { $0.scale.inputSize = 5 }, { $0.scale.seconds = 5 }, { $0.data = "mnist" },
      { $0.experiment = "f" },
    ] as [(inout ExperimentResults) -> Void] {
      var other = results
      change(&other)
      #expect(throws: TrainingError.self) { try results.requireFit(for: other) }
    }
    try results.requireFit(for: Self.results)
    try "[]".write(toFile: folder.resultsPath, atomically: true, encoding: .utf8)
    #expect(throws: (any Error).self) { try ExperimentResults(loading: folder.resultsPath) }
  }

  @Test("a line of CSV is an epoch, and a section of Markdown has table, figures and settings")
  func text() {
    let lines = Self.results.csv.split(separator: "\n")
    #expect(lines.count == 1 + 4 * 3)
    #expect(lines[2] == "a,1,2,10,0.1,0.5,0.19999999999999996,0.5,0.19999999999999996,2.0")
    let section = Self.results.section(of: Self.experiment, facts: [("Machine", "M")])
    for text in [
      "## e\n", "| b\\|c | 10.00 ± 0.00 |", "![e: test error](e-test-error.svg)",
      "![e](e-bars.svg)", "10 pictures to train on", "Seeds: 1, 2.", "Machine: M.",
      "a: no dropout.",
    ] {
      #expect(section.contains(text), "\(text) in \(section)")
    }
  }
}

@Suite("The lecture's experiments") struct BuiltInExperimentTests {
  private static func options(_ scale: Experiment.Scale, side: Int, channels: Int) -> ModelOptions {
    ModelOptions(
      height: scale.inputSize ?? side, width: scale.inputSize ?? side, channels: channels,
      classes: 10)
  }

  @Test(
    "every row is a network for grey and for colored pictures, with a recipe for any scale",
    arguments: Experiment.builtIn)
  func rows(experiment: Experiment) throws {
    #expect(Set(experiment.rows.map(\.name)).count == experiment.rows.count)
    // They are the names of files.
    #expect(Set(experiment.figures.map(\.name)).count == experiment.figures.count)
    for row in experiment.rows {
      for scale in [experiment.quick, experiment.full] {
        var recipe = row.recipe
        try recipe.last(scale.epochs)
        for (side, channels) in [(28, 1), (32, 3)] {
          var options = Self.options(scale, side: side, channels: channels)
          recipe.apply(to: &options)
          let graph = try row.network(options).graph()
          try graph.verify()
          #expect(recipe.unapplied(to: graph).isEmpty, "\(experiment.name), \(row.name)")
          _ = recipe.fit(height: options.height, width: options.width, channels: channels)
          try recipe.validate()
        }
      }
    }
  }

  @Test("names are unique, and one that is none is refused with those that are near")
  func names() throws {
    let names = Experiment.builtIn.map(\.name)
    #expect(Set(names).count == names.count)
    #expect(try Experiment.named("degradation").rows.count == 8)
    let error = #expect(throws: TrainingError.self) { try Experiment.named("degredation") }
    #expect(error?.description.contains("degradation") == true)
    let vgg = try Experiment.named("vgg")
    #expect(try vgg.selecting(rows: ["A-LRN", "A"]).rows.map(\.name) == ["A", "A-LRN"])
    #expect(throws: TrainingError.self) { try vgg.selecting(rows: ["F"]) }
  }

  @Test("rows differ in what their experiment asks, and in nothing else")
  func differences() throws {
    func differing(_ name: String) throws -> Set<String> {
      let rows = try Experiment.named(name).rows
      return Set(
        rows.dropFirst().flatMap { row in
          row.recipe.differences(from: rows[0].recipe).map { "\($0.name.split(separator: ".")[0])" }
        })
    }
    for name in ["degradation", "shortcuts", "activations", "heads", "vgg"] {
      #expect(try differing(name).isEmpty, "\(name)")
    }
    #expect(try differing("auxiliary") == ["auxiliaryWeight"])
    #expect(try differing("normalization-grid") == ["optimizer", "dropout"])
    #expect(
      try differing("regularizers") == ["optimizer", "dropout", "objective", "augmentation"])
    #expect(try differing("vgg-sides") == ["augmentation"])
    #expect(try differing("inception-steps") == ["optimizer", "objective"])
    let grid = try Experiment.named("normalization-grid").rows
    #expect(
      Set(grid.map { "\($0.recipe.dropout ?? 0) \($0.recipe.weightDecay ?? 0)" }).count == 6
        && grid.count == 12)
  }

  @Test("the first convolution of Inception-v2 is of 7x7 until it is factorized")
  func stem() throws {
    let rows = try Experiment.named("inception-steps").rows
    let options = Self.options(.init(epochs: 1, inputSize: 299), side: 299, channels: 3)
    let graphs = try rows.map { try $0.network(options).graph() }
    let shapes = graphs.map { graph in graph.parameters.first.map { graph[$0].shape } }
    #expect(shapes[..<3].allSatisfy { $0 == [64, 3, 7, 7] })
    #expect(shapes[3...].allSatisfy { $0 == [32, 3, 3, 3] })
    // The grids behind the stem are the same.
    let outputs = graphs.map { graph in
      graph.operations.first { $0.name.hasPrefix("Conv2d_4b") }.map { graph[$0.outputs[0]].shape }
    }
    #expect(outputs.allSatisfy { $0 == [1, 288, 35, 35] })
  }
}
