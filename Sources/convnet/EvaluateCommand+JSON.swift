import ConvNet

/// What `--json` prints.
extension EvaluateCommand {
  /// Of one score.
  struct Figures: Encodable {
    var top1: Double
    var top5: Double
    var loss: Double
    /// 95 % intervals of both accuracies.
    var top1Interval: [Double]
    var top5Interval: [Double]
    /// Expected, 0 to 1.
    var calibrationError: Double
    /// Forward passes of a picture.
    var views: Int
    /// Of a picture.
    var multiplyAdds: Double
    var protocolName: String

    enum CodingKeys: String, CodingKey {
      case top1, top5, loss, top1Interval, top5Interval, calibrationError, views, multiplyAdds
      case protocolName = "protocol"
    }

    init(_ score: ProtocolEvaluation.Score) {
      let own = score.assessment
      (top1, top5, loss) = (own.top1, own.top5, own.loss)
      top1Interval = [own.top1Interval.lowerBound, own.top1Interval.upperBound]
      top5Interval = [own.top5Interval.lowerBound, own.top5Interval.upperBound]
      calibrationError = own.calibrationError
      (views, multiplyAdds) = (score.passes, score.multiplyAdds)
      protocolName = score.protocolDescription
    }
  }

  struct Result: Encodable {
    /// Of the last score: the ensemble's, where there are several models.
    var figures: Figures
    var facts: Facts

    /// Both as one object.
    func encode(to encoder: any Encoder) throws {
      try figures.encode(to: encoder)
      try facts.encode(to: encoder)
    }
  }

  struct Facts: Encodable {
    var images: Int
    /// Which part of the data was measured.
    var part: EvaluatedPart.Kind
    /// Of the pictures, those that the model was trained on; absent where that is not known.
    var trainedOn: Int?
    /// Pictures that could not be read and are left out.
    var skipped: Int
    /// Of the pictures, those whose scores are not finite.
    var nonFinite: Int
    /// What was mostly taken for what, the most frequent first.
    var confusions: [Confusion]
    /// Pictures of each class that were taken for each: a row a class, in the order of `classes`; of no more than
    /// ``EvaluateCommand/matrixLimit``.
    var confusionMatrix: [[Int]]?
    /// Labels that are probably wrong, where it was asked for.
    var suspects: Int?
    /// Of every class, in order.
    var classes: [ClassRow]
    /// The temperature, where it was asked for.
    var temperature: TemperatureRow?
    /// Every score, where there are several.
    var scores: [ScoreRow]?
    /// The published table, where one was asked for.
    var table: TableResult?
    /// Each score beside the first: whether the difference is more than chance.
    var comparisons: [ComparisonRow]?
  }

  struct Confusion: Encodable {
    var truth: String
    var takenFor: String
    var count: Int
    /// Of the pictures of the class, 0 to 1.
    var share: Double
  }

  struct ClassRow: Encodable {
    var name: String
    var count: Int
    var precision: Double
    var recall: Double
    var f1: Double
  }

  struct TemperatureRow: Encodable {
    var value: Double
    var lossBefore: Double
    var lossAfter: Double
  }

  struct ScoreRow: Encodable {
    var names: Names
    var figures: Figures

    struct Names: Encodable {
      var model: String
      /// Of the protocol.
      var name: String
    }

    func encode(to encoder: any Encoder) throws {
      try names.encode(to: encoder)
      try figures.encode(to: encoder)
    }
  }

  /// Published errors beside measured ones.
  struct TableResult: Encodable {
    struct Row: Encodable {
      /// What the row is of, and its numbers, by the names of the columns.
      var labels: [String: String]
      var published: [String: Double]
      var measured: [Measured]
    }
    struct Measured: Encodable {
      var model: String
      var name: String
      /// In per cent.
      var top1Error: Double
      var top5Error: Double
    }
    var name: String
    var title: String
    var source: String
    var rows: [Row]
    /// Scores that stand in no row.
    var others: [Measured]

    init(_ table: PublishedTable, _ scores: [ProtocolEvaluation.Score]) {
      func measured(_ score: ProtocolEvaluation.Score) -> Measured {
        Measured(
          model: score.name, name: score.views, top1Error: 100 * (1 - score.assessment.top1),
          top5Error: 100 * (1 - score.assessment.top5))
      }
      let entries = table.entries(of: scores)
      (name, title, source) = (table.name, table.title, table.source)
      rows = table.rows.enumerated().map { place, row in
        var published: [String: Double] = [:]
        for (column, number) in zip(table.columns, row.numbers) { published[column] = number }
        return Row(
          labels: Dictionary(zip(table.labels, row.labels)) { first, _ in first },
          published: published,
          measured: entries.filter { $0.row == place }.map { measured(scores[$0.score]) })
      }
      let used = Set(entries.map(\.score))
      others = scores.indices.filter { !used.contains($0) }.map { measured(scores[$0]) }
    }
  }

  struct ComparisonRow: Encodable {
    var first: String
    var second: String
    var onlyFirst: Int
    var onlySecond: Int
    var pValue: Double
  }

  func result(
    _ evaluation: ProtocolEvaluation, _ part: EvaluatedPart, _ ending: Ending
  ) -> Result {
    let scores = evaluation.scores
    let score = scores[scores.count - 1]
    let own = score.assessment
    let several = scores.count == 1 ? nil : scores
    return Result(
      figures: Figures(score),
      facts: Facts(
        images: own.samples, part: part.kind, trainedOn: part.trainedOn,
        skipped: evaluation.skippedCount, nonFinite: own.nonFiniteCount,
        confusions: own.worstConfusions(evaluation.classNames, limit: Self.confusionLimit.json)
          .map {
            Confusion(
              truth: $0.label, takenFor: $0.predicted, count: $0.count, share: $0.share)
          },
        confusionMatrix: own.confusion.classCount <= Self.matrixLimit
          ? Array(own.confusion) : nil, suspects: ending.suspects?.count,
        classes: zip(evaluation.classNames, own.classScores).map {
          ClassRow(
            name: $0, count: $1.count, precision: $1.precision, recall: $1.recall, f1: $1.f1)
        },
        temperature: ending.temperature.map {
          TemperatureRow(
            value: $0.value, lossBefore: $0.lossBefore, lossAfter: $0.lossAfter)
        },
        scores: several?.map {
          ScoreRow(names: .init(model: $0.name, name: $0.views), figures: Figures($0))
        },
        table: protocols.table.map { TableResult($0.table, scores) },
        comparisons: several?.dropFirst().map {
          let test = McNemarTest(scores[0].assessment, $0.assessment)
          return ComparisonRow(
            first: name(scores[0]), second: name($0), onlyFirst: test.onlyFirst,
            onlySecond: test.onlySecond, pValue: test.pValue)
        }))
  }
}
