import ArgumentParser
import ConvNet
import Foundation

struct PredictCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict", abstract: "Tell the classes, labels or numbers of pictures.",
    discussion: """
      The pictures are prepared as the model file says. A network of the zoo needs
      --weights. Of a folder, all pictures in it and below are taken; a pattern in
      quotation marks may have *, ?, [a-z], and ** for any number of folders; - is
      a picture on standard input. A picture that cannot be read is told, and the
      others are classified; the exit status is then 1.

      EXAMPLES
        convnet predict runs/first/model.safetensors picture.png
        convnet predict runs/first/model.safetensors pictures 'scans/**/*.jpg' --json
        curl https://example.org/a.jpg | convnet predict model.safetensors -
        find . -name '*.png' | convnet predict model.safetensors --from-file -
        convnet predict lenet5 --weights lenet5.pth picture.png
        convnet predict tags.safetensors photos --threshold 0.3
        convnet predict ages.safetensors portraits --csv > ages.csv

      Of several labels a picture, those of at least --threshold are told; of numbers
      the numbers, in the unit of the data that the model was trained on. --csv prints
      a line a picture with the probability of every label, or every number.
      """)

  @Argument(help: "A model file, or a model's name.") var file: String
  @Argument(help: "Pictures, folders of pictures, patterns; - for standard input.")
  var images: [String] = []
  @Option(
    help: ArgumentHelp(
      "A list of pictures and folders, one a line or each ended by a zero; - for standard input.",
      discussion: "Paths are relative to the current directory.", valueName: "file"))
  var fromFile: [String] = []
  @Option(
    help: ArgumentHelp(
      "Classes to name for each picture. Default: 3; of labels all that are there.",
      valueName: "count"))
  var top: Int?
  @Option(
    name: .customLong("threshold"),
    help: ArgumentHelp(
      "Of several labels a picture: the least probability of one that is said to be there. Default: 0.5.",
      valueName: "threshold"))
  var givenThreshold: Float?
  @Flag(help: "Print a table for machines, a line a picture.") var csv = false
  @Option(help: "Pictures at once. Default: by the network's size, at most 64.")
  var batchSize: Int?
  @OptionGroup var compute: InferenceArguments
  @OptionGroup var weights: WeightsOptions
  @OptionGroup var network: NetworkOptions
  @OptionGroup var shared: SharedOptions

  private var threshold: Float { givenThreshold ?? 0.5 }

  private struct Row: Encodable {
    struct Prediction: Encodable {
      var label: String
      var index: Int
      /// Of classes and labels.
      var probability: Float?
      /// Of numbers.
      var value: Float?
    }
    var file: String
    /// None where the network's scores are not finite, or there is an error.
    var predictions: [Prediction] = []
    /// Scores that are not finite, where there are any.
    var nonFinite: Int?
    /// Why the picture could not be read.
    var error: String?
  }

  func validate() throws {
    guard !images.isEmpty || !fromFile.isEmpty else {
      throw ValidationError("name at least one picture")
    }
    guard (images + fromFile).count(where: { $0 == "-" }) <= 1 else {
      throw ValidationError("standard input (-) can be read once")
    }
    if let top { try requirePositive(top, "--top") }
    try requireProbability(threshold, "--threshold")
    guard !csv || !shared.json else {
      throw ValidationError("--csv and --json are two forms of the same; give one of them")
    }
    if let batchSize { try requirePositive(batchSize, "--batch-size") }
  }

  /// - Returns: the pictures, and the place of the one on standard input.
  private func pictures() throws -> (list: PictureList, standardInput: Int?) {
    var list = PictureList()
    var standardInput: Int?
    for name in images {
      if name == "-" {
        standardInput = list.count
        list.add(try FileBuffer.contents(ofStream: name), name: "standard input")
      } else if FileBuffer.isStream(name) {
        list.add(try FileBuffer.contents(ofStream: name), name: name)
      } else {
        list.add(finding: name)
      }
    }
    for name in fromFile {
      let text = try FileBuffer.contents(ofStream: name)
      guard TextLines.areLikely(text) else { throw NoList(path: name) }
      list.add(list: text)
    }
    return (list, standardInput)
  }

  func run() throws {
    let model = try weights.model(
      from: ModelSource(file, isMapped: true, recognizingFor: shared), shared, network)
    try requireNoThreshold(givenThreshold, of: file, telling: model.targetKind)
    let (pictures, standardInput) = try pictures()
    guard pictures.count > 0 else {
      throw ValidationError("\(fromFile.joined(separator: ", ")): names no picture")
    }
    if !pictures.passedOver.isEmpty {
      let kinds = pictures.passedOver.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
      shared.note("passed over: \(kinds.joined(separator: ", "))")
    }
    // Between the lines of results on a terminal there is no room for a bar.
    let progress = Progress(
      "classifying", total: pictures.count, shared,
      isShown: !TerminalDevice.standardOutput.isTerminal, after: 1)
    Interruption.deferSignals()
    var rows = JSONRows()
    if csv { try print(header(model)) }
    var (done, unanswered, unreadable) = (0, 0, [String]())
    do {
      try model.classify(
        pictures, batchSize: batchSize, compute: compute.options(shared),
        loading: LoadingOptions(workers: min(pictures.count, shared.threadCount))
      ) { index, outcome in
        var row = Row(file: index == standardInput ? "-" : pictures.name(at: index))
        switch outcome {
        case .success(let classification):
          if classification.nonFiniteCount > 0 {
            unanswered += 1
            row.nonFinite = classification.nonFiniteCount
          }
          row.predictions = predictions(classification)
          if csv {
            try print(line(row.file, classification, of: model))
          } else if !shared.json {
            try print(text(row, classification))
          }
        case .failure(let error):
          let text = "\(error)" + (suggestion(for: error.name).map { "; \($0)" } ?? "")
          row.error = text
          unreadable.append(FileSystem.line(text))
          // The only one is the error of the command.
          if pictures.count > 1 { Console.tell(FileSystem.line(text) + "\n") }
          if csv { try print(line(row.file, nil, of: model)) }
        }
        if shared.json { try rows.print(row) }
        done += 1
        progress.update(done)
        if let signal = Interruption.signal {
          throw Interrupted(
            signal: signal, outcome: "\(done) of \(plural(pictures.count, "picture")) were done")
        }
      }
    } catch let error as FileError where error.path == Console.outputPath {
      throw error
    } catch {
      // What was printed so far is to be a whole.
      if shared.json, !rows.isEmpty { try rows.finish() }
      throw error
    }
    progress.finish()
    if shared.json { try rows.finish() }
    if let first = unreadable.first {
      throw UnreadablePictures(count: unreadable.count, total: pictures.count, first: first)
    }
    guard unanswered > 0 else { return }
    // Of a mapped file not all was looked at when it was opened.
    let whole = try? Model(loading: file, isMapped: true)
    throw NoAnswer(
      model: file, count: unanswered, total: pictures.count,
      parameters: whole?.nonFiniteParameters ?? [])
  }

  /// What is told of a picture.
  private func predictions(_ classification: Classification) -> [Row.Prediction] {
    let told: [Classification.RankedClass]
    switch classification.targetKind {
    case .classes: told = classification.top(top ?? 3)
    case .labels: told = Array(classification.labels(from: threshold).prefix(top ?? .max))
    case .numbers:
      return classification.namedNumbers.map {
        .init(label: $0.label, index: $0.index, value: $0.value)
      }
    }
    return told.map { .init(label: $0.label, index: $0.index, probability: $0.probability) }
  }

  private func text(_ row: Row, _ classification: Classification) -> String {
    let name = FileSystem.line(row.file)
    if let count = row.nonFinite {
      let all = max(classification.probabilities.count, classification.numbers.count)
      return "\(name): no answer, \(count) of \(all) scores are not finite"
    }
    if classification.targetKind == .labels, row.predictions.isEmpty {
      let best = classification.top(1).first.map { ", the likeliest \($0)" } ?? ""
      return
        "\(name): no label from \(HumanReadable.percent(Double(threshold), digits: 0)) on\(best)"
    }
    let text = row.predictions.map { told in
      told.value.map { "\(told.label) \(HumanReadable.quantity(Double($0)))" }
        ?? "\(told.label) \(HumanReadable.percent(Double(told.probability ?? 0)))"
    }
    return "\(name): \(text.joined(separator: ", "))"
  }

  // MARK: As a table

  /// The names of the columns.
  private func header(_ model: Model) -> String {
    let names = (0..<model.classCount).map { place in
      model.classNames.indices.contains(place) ? model.classNames[place] : "\(place)"
    }
    let columns = model.targetKind == .classes ? ["label", "probability"] + names : names
    return (["file"] + columns).map(\.csvField).joined(separator: ",")
  }

  /// The line of a picture; without a classification, and where there is no answer, its fields are empty.
  private func line(_ file: String, _ classification: Classification?, of model: Model) -> String {
    let name = FileSystem.line(file).csvField
    guard let classification, classification.nonFiniteCount == 0 else {
      let count = model.classCount + (model.targetKind == .classes ? 2 : 0)
      return name + String(repeating: ",", count: count)
    }
    var fields = [name]
    if classification.targetKind == .classes {
      let best = classification.top(1).first
      fields += [(best?.label ?? "").csvField, best.map { "\($0.probability)" } ?? ""]
    }
    fields += (classification.probabilities + classification.numbers).map { "\($0)" }
    return fields.joined(separator: ",")
  }
}

/// Refuses the least probability of a label where none are told.
func requireNoThreshold(_ given: Float?, of file: String, telling kind: TargetKind) throws {
  guard given != nil, kind != .labels else { return }
  throw ValidationError(
    "--threshold is for models that tell labels, and \(file) tells \(kind.rawValue); leave it out")
}

/// Something else stands where a list was asked for.
struct NoList: ReadableError {
  var path: String
  var description: String {
    "\(path) is not a text; --from-file takes a list of pictures, one a line"
  }
}

/// Pictures among others that cannot be read.
struct UnreadablePictures: ReadableError {
  var count: Int
  var total: Int
  /// What is wrong with the first.
  var first: String
  var description: String {
    total == 1
      ? first
      : "\(count) of \(plural(total, "picture")) could not be read, as said above; remove or replace "
        + (count == 1 ? "it" : "them")
  }
}

/// A network's scores are not finite.
struct NoAnswer: ReadableError {
  var model: String
  var count: Int
  var total: Int
  var parameters: [NonFiniteParameter]
  var description: String {
    let reason =
      parameters.isEmpty
      ? "its scores are not finite"
      : "not finite are \(parameters.prefix(3).map(\.description).joined(separator: ", "))"
        + (parameters.count > 3 ? " and numbers of \(parameters.count - 3) more" : "")
        + "; use another file"
    return "\(model) has no answer for \(count) of \(plural(total, "picture")): \(reason)"
  }
}
