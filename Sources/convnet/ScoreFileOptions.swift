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
      "A table of how often each class was taken for each, a line a class of every score.",
      valueName: "file.csv"))
  var confusionCsv: String?

  @Option(
    help: ArgumentHelp(
      "A table of every picture: its class, the answer, the probability of every class.",
      valueName: "file.csv"))
  var predictions: String?

  @Option(
    help: ArgumentHelp(
      "A table of the labels that are probably wrong, the most suspect first.",
      discussion: "By the last score. Of pictures that the model was trained on it says nothing.",
      valueName: "file.csv"))
  var suspects: String?

  @Option(
    help: ArgumentHelp(
      "A sheet with the views of the first picture.", valueName: "file.png"))
  var viewsSheet: String?

  @Flag(help: "Fit a temperature on one half of the pictures, and measure it on the other.")
  var temperature = false

  /// Whether every picture's answers are needed once more at the end.
  var needsAnswers: Bool { predictions != nil || suspects != nil || temperature }

  private var files: [NamedFile] {
    [
      NamedFile("--report", report), NamedFile("--classes-csv", classesCsv),
      NamedFile("--confusion-csv", confusionCsv), NamedFile("--predictions", predictions),
      NamedFile("--suspects", suspects), NamedFile("--views-sheet", viewsSheet),
    ]
  }

  /// Before hours of work.
  func requireFolders() throws {
    for file in files {
      if let path = file.path { try requireFolder(of: path, file.name) }
    }
  }

  /// - Parameter inputs: what the evaluation reads.
  func requireApart(from inputs: [NamedFile]) throws {
    try OutputFiles.require(files, apartFrom: inputs)
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

  func write(
    _ evaluation: ProtocolEvaluation, _ dataset: any Dataset, sheet: [UInt8]?,
    table: PublishedTable?
  ) throws {
    if let report {
      var page = try EvaluationReport(evaluation, on: dataset)
      page.viewsSheet = sheet
      page.publishedTable = table
      try page.page.write(to: report)
    }
    if let classesCsv {
      var text = "model,protocol,class,pictures,precision,recall,f1\n"
      for score in evaluation.scores {
        for (name, own) in zip(evaluation.classNames, score.assessment.classScores) {
          let numbers = [own.precision, own.recall, own.f1].map { $0.isNaN ? "" : "\($0)" }
          text +=
            ([score.name, score.views, name].map(\.csvField) + ["\(own.count)"] + numbers)
            .joined(separator: ",") + "\n"
        }
      }
      try AtomicFile.write(text, to: classesCsv)
    }
    if let confusionCsv {
      let names = evaluation.classNames.map(\.csvField)
      var text = "model,protocol,truth,\(names.joined(separator: ","))\n"
      for score in evaluation.scores {
        let start = "\(score.name.csvField),\(score.views.csvField)"
        for (name, row) in zip(names, score.assessment.confusion) {
          text += "\(start),\(name),\(row.map(String.init).joined(separator: ","))\n"
        }
      }
      try AtomicFile.write(text, to: confusionCsv)
    }
  }
}
