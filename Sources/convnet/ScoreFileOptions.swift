import ArgumentParser
import ConvNet
import Foundation

/// What an evaluation leaves in files.
struct ScoreFileOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A page with scores, calibration, classes, confusion and the most confident mistakes.",
      valueName: "file.html"))
  var report: String?

  @Option(
    help: ArgumentHelp(
      "A table of every class of every score: precision, recall, F1.", valueName: "file.csv"))
  var classesCsv: String?

  @Option(
    help: ArgumentHelp(
      "A table of every picture: its class, the answer, the probability of every class.",
      valueName: "file.csv"))
  var predictions: String?

  @Option(
    help: ArgumentHelp(
      "A sheet with the views of the first picture.", valueName: "file.png"))
  var viewsSheet: String?

  @Flag(help: "Fit a temperature on one half of the pictures, and measure it on the other.")
  var temperature = false

  /// Before hours of work.
  func requireFolders() throws {
    for (path, option) in [
      (report, "--report"), (classesCsv, "--classes-csv"), (predictions, "--predictions"),
      (viewsSheet, "--views-sheet"),
    ] {
      if let path { try requireFolder(of: path, option) }
    }
  }

  /// Draws the views of the first picture, where somebody wants them.
  func drawSheet(
    _ candidate: ProtocolEvaluation.Candidate, _ dataset: any Dataset
  ) throws -> [UInt8]? {
    guard viewsSheet != nil || report != nil, dataset.count > 0,
      let preprocessing = candidate.model.preprocessing
    else { return nil }
    let picture: Image
    do {
      picture = try dataset.sample(at: 0).image
    } catch  where viewsSheet == nil {
      return nil
    }
    var images: [Image] = []
    var labels: [String] = []
    for views in candidate.views {
      for (name, image) in try views.pictures(of: picture, input: preprocessing).prefix(160) {
        let side = max(image.height, image.width)
        images.append(
          side <= 112
            ? image
            : image.resized(
              height: max(1, image.height * 112 / side), width: max(1, image.width * 112 / side)))
        labels.append(name)
      }
    }
    let smallest = images.map { max($0.height, $0.width) }.min() ?? 112
    let sheet = ImageGrid(
      images, columns: min(12, images.count), spacing: 8,
      magnification: max(1, min(3, 112 / smallest)), labels: labels, labelLimit: 18)
    let png = try sheet.image().encodedPNG()
    if let viewsSheet { try AtomicFile.write(png, to: viewsSheet) }
    return png
  }

  func predictionsFile(_ dataset: any Dataset) -> PredictionTable? {
    predictions.map { PredictionTable(path: $0, dataset: dataset) }
  }

  func write(
    _ evaluation: ProtocolEvaluation, _ dataset: any Dataset, sheet: [UInt8]?
  ) throws {
    if let report {
      var page = try EvaluationReport(evaluation, on: dataset)
      page.viewsSheet = sheet
      try page.page.write(to: report)
    }
    if let classesCsv {
      var text = "model,protocol,class,pictures,precision,recall,f1\n"
      for score in evaluation.scores {
        for (name, own) in zip(evaluation.classNames, score.assessment.classScores) {
          let numbers = [own.precision, own.recall, own.f1].map { $0.isNaN ? "" : "\($0)" }
          text +=
            ([score.name, score.views, name].map(csvField) + ["\(own.count)"] + numbers)
            .joined(separator: ",") + "\n"
        }
      }
      try AtomicFile.write(text, to: classesCsv)
    }
  }
}

/// A text as a field of a CSV file.
func csvField(_ text: String) -> String {
  guard text.contains(where: { ",\"\n\r".contains($0) }) else { return text }
  return "\"" + text.replacingOccurrences(of: "\"", with: "\"\"") + "\""
}

/// The scores of every picture, as they come.
struct PredictionTable {
  let path: String
  let dataset: any Dataset
  private var answers: [(sample: Int, label: Int, score: Int, best: Int, probabilities: [Float])] =
    []

  init(path: String, dataset: any Dataset) {
    self.path = path
    self.dataset = dataset
  }

  mutating func add(_ answer: ProtocolEvaluation.Answer) {
    let numbers = answer.probabilities
    let best = numbers.indices.max { numbers[$0] < numbers[$1] } ?? 0
    answers.append(
      (answer.sample, answer.label, answer.score, best, numbers.map { Float($0) }))
  }

  func write(_ evaluation: ProtocolEvaluation) throws {
    let names = evaluation.classNames
    var lines = [
      (["picture", "model", "protocol", "label", "predicted", "probability"] + names).map(csvField)
        .joined(separator: ",")
    ]
    for answer in answers {
      let score = evaluation.scores[answer.score]
      let fields = [
        FileSystem.line(dataset.sampleName(at: answer.sample)), score.name, score.views,
        names[answer.label], names[answer.best],
      ]
      lines.append(
        (fields.map(csvField) + ["\(answer.probabilities[answer.best])"]
          + answer.probabilities.map { "\($0)" }).joined(separator: ","))
    }
    try AtomicFile.write(lines.joined(separator: "\n") + "\n", to: path)
  }
}
