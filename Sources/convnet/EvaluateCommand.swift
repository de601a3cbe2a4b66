import ArgumentParser
import ConvNet
import Foundation

struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measure the accuracy of a model on a data set.",
    discussion: """
      EXAMPLES
        convnet evaluate runs/first/model.safetensors --data fashion-mnist
        convnet evaluate runs/first/model.safetensors --data pictures/val --json
        convnet evaluate lenet5 --weights lenet5.pth --data fashion-mnist
        convnet evaluate vgg.safetensors --data pictures --protocol dense
        convnet evaluate a.safetensors b.safetensors --data pictures \\
          --compare single,10-crop,144-crop --report scores.html
        convnet evaluate a.safetensors --data pictures --scales 256,288 --squares 3 \\
          --crops corners,center,whole --flips --views-sheet views.png

      Several files are measured each by itself, and together as an ensemble: the
      mean of their probabilities. They may differ in input, preparation and order
      of classes.

      A model that tells several labels a picture is measured by mean average
      precision, precision, recall and F1; one that tells numbers by their errors
      and R².

      Of data with pictures that the model was trained on, the others are measured,
      such as the share that training held out; --split 1 takes all. Pictures are
      known by their contents.

      Several processes measure together where `mpirun -n 4 convnet evaluate ...`
      starts them, of a build with MPI (`make mpi`): each its part of the pictures,
      to the same result. The first process writes.
      """)

  @Argument(help: ArgumentHelp("Model files, or a model's name.", valueName: "file"))
  var files: [String]
  @OptionGroup var data: DataOptions
  @OptionGroup(title: "Views of a picture") var protocols: ProtocolOptions
  @OptionGroup(title: "What is written") var writing: ScoreFileOptions
  @Option(
    help: "Views at once. Default: by the network's size, at most 256.")
  var batchSize: Int?
  @Flag(
    help: ArgumentHelp(
      "Go on where the same evaluation was interrupted.",
      discussion: "The same files, data, protocols and --batch-size; outputs may be others."))
  var resume = false
  @Option(
    name: .customLong("threshold"),
    help: ArgumentHelp(
      "Of several labels a picture: the least probability of one that is said to be there. Default: 0.5.",
      valueName: "threshold"))
  var givenThreshold: Float?
  @OptionGroup var compute: InferenceArguments
  @OptionGroup(title: "Loading") var loading: LoadingArguments
  @OptionGroup var weights: WeightsOptions
  @OptionGroup var network: NetworkOptions
  @OptionGroup var shared: SharedOptions

  var threshold: Float { givenThreshold ?? 0.5 }

  /// Confusions that a person is shown, and machines.
  static let confusionLimit = (text: 5, json: 100)
  /// Classes of a whole matrix in JSON: a million numbers.
  static let matrixLimit = 1000

  func validate() throws {
    if let batchSize { try requirePositive(batchSize, "--batch-size") }
    try requireProbability(threshold, "--threshold")
    guard !files.isEmpty else { throw ValidationError("name a model file") }
    guard files.count == 1 || weights.weights == nil else {
      throw ValidationError("--weights is for one model; name model files for an ensemble")
    }
    try writing.requireApart(
      from: files.map { NamedFile.model($0) } + weights.read + data.read)
  }

  /// A model file says its own classes; a network of the zoo is built for those of the data.
  private func evaluatedModel(_ file: String) throws -> Model {
    let source = try ModelSource(file, recognizingFor: shared)
    guard case .zoo = source else { return try weights.model(from: source, shared, network) }
    let known = try data.source().load(.test)
    let names = known.classNames
    // Weights of other classes than the data's say how many there are.
    if network.classes == nil, let path = weights.weights,
      let count = try WeightFile(path).row?.options.classes, count != names.count
    {
      var network = network
      network.classes = count
      return try weights.model(from: source, shared, network)
    }
    var model = try weights.model(from: source, shared, network, classNames: names)
    if model.targetKind == .classes { model.targetKind = known.targetKind }
    return model
  }

  func run() throws {
    try MPIProcesses.run(self, \.shared) { try $0.measure(with: $1) }
  }

  /// - Parameter processes: those that measure together with this one; `nil` where it measures alone.
  private func measure(with processes: MPIProcesses?) throws {
    let isFirst = processes?.isFirst ?? true
    try writing.requireFolders()
    let models = try files.map(evaluatedModel)
    if let model = models.first(where: { $0.targetKind != .classes }) {
      guard processes == nil else { throw TargetsOfSeveral(kind: model.targetKind) }
      return try measureTargets(of: model)
    }
    try requireNoThreshold(givenThreshold, of: files[0], telling: .classes)
    let candidates = try zip(files, models).map { file, model in
      ProtocolEvaluation.Candidate(
        file, model, views: try protocols.views(of: model, among: models))
    }
    let model = candidates[0].model
    let part = try EvaluatedPart(
      of: data.source(), for: model, given: data.holdout(seed: shared.seed),
      threads: shared.threadCount)
    tell(part)
    if protocols.among == .all, part.dataset.classNames.count < model.classCount,
      part.dataset.numbered(as: model.classNames) != nil
    {
      shared.note(
        "the data has \(part.dataset.classNames.count) of the model's \(model.classCount) classes, and answers are sought among all; --among data takes the data's alone"
      )
    }
    try requireReadable([part.dataset], skips: loading.onBad == .skip, shared)
    let sheet = try isFirst ? writing.drawSheet(candidates[0], part.dataset) : nil
    let options = compute.options(shared)
    let progress = Progress("evaluating", total: part.dataset.count, shared)
    Interruption.deferSignals()
    let keeper = try EvaluationKeeper(
      candidates, part.dataset, among: protocols.among, batchSize: batchSize ?? 256, options,
      keepsAnswers: isFirst && writing.needsAnswers, resumes: isFirst && resume)
    let evaluation: ProtocolEvaluation
    do {
      evaluation = try ProtocolEvaluation(
        of: candidates, on: part.dataset, among: protocols.among, batchSize: batchSize ?? 256,
        compute: options, loading: loading.options, processes: processes,
        resuming: keeper.progress
      ) { done in
        progress.update(done)
      } sampleSkipped: {
        shared.note("left out: \($0.reason)")
      } observe: {
        try keeper.add($0)
      } keep: {
        let signal = try processes.map { try $0.signal() } ?? Interruption.signal
        try keeper.keep($0, of: part.dataset.count, stoppingBy: signal, writes: isFirst)
      }
    } catch {
      keeper.leave()
      throw error
    }
    progress.finish()
    guard isFirst else { return }
    let ending = try finish(evaluation, part.dataset, keeper)
    try writing.write(evaluation, part.dataset, sheet: sheet, table: protocols.table?.table)
    if shared.json {
      try printJSON(result(evaluation, part, ending))
    } else {
      try printText(evaluation, part, ending)
    }
    keeper.remove()
    for (place, candidate) in candidates.enumerated() {
      let own = evaluation.scores[place].assessment
      guard own.samples > 0, own.nonFiniteCount == own.samples else { continue }
      throw NoAnswer(
        model: candidate.name, count: own.samples, total: own.samples,
        parameters: candidate.model.nonFiniteParameters)
    }
  }

  /// Says which pictures are measured, and what they lack.
  func tell(_ part: EvaluatedPart) {
    if let note = part.note { shared.note("\(note)\(remedy(of: note))") }
    noteGaps(in: part.dataset, shared)
  }

  /// What option has it otherwise.
  private func remedy(of note: EvaluatedPart.Note) -> String {
    switch note {
    case .choseHeldOut, .choseNotTrainedOn: "; --split 1 takes all"
    case .trainedOn, .unknown: ""
    }
  }

  func name(_ score: ProtocolEvaluation.Score) -> String {
    "\(score.name), \(score.views)"
  }

  /// What all answers together say.
  struct Ending {
    var temperature: Temperature?
    var suspects: [LabelSuspicion.Suspect]?
  }

  /// Makes of the answers what is asked for.
  private func finish(
    _ evaluation: ProtocolEvaluation, _ dataset: any Dataset, _ keeper: EvaluationKeeper
  ) throws -> Ending {
    guard writing.needsAnswers else { return Ending() }
    let tables = AnswerTables(
      evaluation: evaluation, dataset: dataset, kept: try keeper.answers())
    if let path = writing.predictions { try tables.writePredictions(to: path) }
    let suspects = try writing.suspects.map { path in
      let suspects = try tables.suspects()
      try tables.write(suspects, to: path)
      return suspects
    }
    return Ending(
      temperature: writing.temperature ? try tables.temperature() : nil, suspects: suspects)
  }

  private func printText(
    _ evaluation: ProtocolEvaluation, _ part: EvaluatedPart, _ ending: Ending
  ) throws {
    let scores = evaluation.scores
    let score = scores[scores.count - 1]
    let own = score.assessment
    func text(_ share: Double, _ interval: ClosedRange<Double>) -> String {
      "\(HumanReadable.percent(share, digits: 2)) (95 %: "
        + "\(HumanReadable.fixed(100 * interval.lowerBound, digits: 2)) to "
        + "\(HumanReadable.fixed(100 * interval.upperBound, digits: 2)))"
    }
    if let table = protocols.table?.table {
      try Console.write(table.table(with: scores))
      try print("")
    }
    if scores.count > 1 {
      try Console.write(EvaluationReport.table(scores))
      try print("")
      for score in scores {
        try Console.write(wrapping: "\(name(score)): \(score.protocolDescription)", indent: 2)
      }
      for other in scores.dropFirst() {
        let test = McNemarTest(scores[0].assessment, other.assessment)
        try Console.write(
          wrapping: "\(name(scores[0])) beside \(name(other)): \(test)", indent: 2)
      }
      try print("")
    }
    try Console.write(
      wrapping: "\(own.samples) pictures, \(score.protocolDescription)", indent: 2)
    try print("top-1 accuracy \(text(own.top1, own.top1Interval))")
    // Of five classes and fewer, every answer is among the first five.
    if own.confusion.classCount > 5 {
      try print("top-5 accuracy \(text(own.top5, own.top5Interval))")
    }
    try print(
      """
      loss           \(HumanReadable.fixed(own.loss, digits: 4))
      calibration    \(HumanReadable.percent(own.calibrationError, digits: 2)) expected error
      cost           \(plural(score.passes, "forward pass", "forward passes")), \(HumanReadable.quantity(score.multiplyAdds)) multiply-adds a picture
      part           \(part.kind.rawValue)
      """)
    if let temperature = ending.temperature {
      try print(
        "temperature    \(HumanReadable.fixed(temperature.value, digits: 3)), fitted on one half; loss of the other "
          + "\(HumanReadable.fixed(temperature.lossBefore, digits: 4)) to "
          + HumanReadable.fixed(temperature.lossAfter, digits: 4))
    }
    if let suspects = ending.suspects, let path = writing.suspects {
      try print("labels         \(suspects.count) probably wrong, in \(path)")
    }
    if evaluation.skippedCount > 0 {
      try print("left out       \(plural(evaluation.skippedCount, "picture")) that cannot be read")
    }
    if own.nonFiniteCount > 0 {
      try Console.write(
        wrapping:
          "no answer      \(plural(own.nonFiniteCount, "picture")) with scores that are not finite: no hits, not in the loss",
        indent: 15)
    }
    let table = own.confusionTable(evaluation.classNames, limit: Self.confusionLimit.text)
    guard !table.rows.isEmpty else { return }
    try print("")
    try Console.write(table)
  }
}
