import ConvNet
import Foundation

/// What is made of every picture's answers at the end, one after another: tables, and a temperature.
struct AnswerTables {
  let evaluation: ProtocolEvaluation
  let dataset: any Dataset
  let kept: KeptEvaluation

  /// Writes the scores of every picture.
  func writePredictions(to path: String) throws {
    let names = evaluation.classNames
    let head = ["picture", "model", "protocol", "label", "predicted", "probability"] + names
    try write(head, to: path) { line in
      try kept.forEachAnswer(of: evaluation) { answer in
        let score = evaluation.scores[answer.score]
        let numbers = answer.probabilities.map { Float($0) }
        let best = answer.predicted
        let fields = [
          FileSystem.line(dataset.sampleName(at: answer.sample)), score.name, score.views,
          names[answer.label], best.map { names[$0] } ?? "",
        ]
        try line(
          fields.map(\.csvField) + [best.map { "\(numbers[$0])" } ?? ""] + numbers.map { "\($0)" })
      }
    }
  }

  /// Of the last score, the most suspect first.
  func suspects() throws -> [LabelSuspicion.Suspect] {
    let last = evaluation.scores.count - 1
    var suspicion = LabelSuspicion(classes: evaluation.classNames.count)
    try kept.forEachAnswer(of: evaluation) { answer in
      guard answer.score == last else { return }
      suspicion.add(label: answer.label, probabilities: answer.probabilities)
    }
    var found: [LabelSuspicion.Suspect] = []
    try kept.forEachAnswer(of: evaluation) { answer in
      guard answer.score == last else { return }
      if let suspect = suspicion.suspect(
        sample: answer.sample, label: answer.label, probabilities: answer.probabilities)
      {
        found.append(suspect)
      }
    }
    return found.sorted { ($0.margin, $1.sample) > ($1.margin, $0.sample) }
  }

  func write(_ suspects: [LabelSuspicion.Suspect], to path: String) throws {
    let names = evaluation.classNames
    let head = ["picture", "label", "suggested", "labelProbability", "probability"]
    try write(head, to: path) { line in
      for suspect in suspects {
        try line(
          [
            FileSystem.line(dataset.sampleName(at: suspect.sample)), names[suspect.label],
            names[suspect.suggested],
          ].map(\.csvField) + ["\(suspect.labelProbability)", "\(suspect.probability)"])
      }
    }
  }

  /// Fitted to the last score.
  func temperature() throws -> Temperature? {
    let last = evaluation.scores.count - 1
    var (logs, labels): ([[Float]], [Int]) = ([], [])
    try kept.forEachAnswer(of: evaluation) { answer in
      guard answer.score == last else { return }
      logs.append(answer.logProbabilities)
      labels.append(answer.label)
    }
    return Temperature(fitting: logs, labels: labels)
  }

  /// A line at a time: a table may be larger than the memory.
  private func write(
    _ head: [String], to path: String, _ body: (_ line: ([String]) throws -> Void) throws -> Void
  ) throws {
    try AtomicFile.write(to: path) { file in
      var text = head.map(\.csvField).joined(separator: ",") + "\n"
      try body { fields in
        text += fields.joined(separator: ",") + "\n"
        guard text.utf8.count >= 1 << 16 else { return }
        try file.write(Array(text.utf8).span.bytes)
        text = ""
      }
      try file.write(Array(text.utf8).span.bytes)
    }
  }
}
