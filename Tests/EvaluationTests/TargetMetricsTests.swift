import ConvNetEvaluation
import ConvNetTestSupport
import Foundation
import Testing

@Suite("Figures of labels and numbers") struct TargetMetricsTests {
  private struct Labels: Decodable {
    var threshold: Float
    var truth: [[Float]]
    var scores: [[Float]]
    var averagePrecision, precision, recall, f1: [Double]
    var meanAveragePrecision, microF1, macroF1: Double
  }

  private struct Numbers: Decodable {
    var truth: [[Float]]
    var answers: [[Float]]
    var meanAbsoluteError, rootMeanSquaredError, determination: [Double]
    var meanDetermination: Double
  }

  private struct Fixture: Decodable {
    var labels: [Labels]
    var numbers: [Numbers]

    init() throws {
      self = try JSONDecoder().decode(
        Self.self, from: Data(fileBytes(fixturePath("targets.json"))))
    }

    init(labels: [Labels], numbers: [Numbers]) { (self.labels, self.numbers) = (labels, numbers) }
  }

  private func isNear(_ values: [Double], _ expected: [Double]) -> Bool {
    values.count == expected.count
      && zip(values, expected).allSatisfy { abs($0 - $1) <= 1e-9 * max(1, abs($1)) }
  }

  @Test("precision, recall, F1 and average precision are scikit-learn's, equal scores included")
  func labels() throws {
    for fixture in try Fixture().labels {
      let count = fixture.truth[0].count
      var metrics = LabelMetrics(count: count, threshold: fixture.threshold)
      for (scores, truth) in zip(fixture.scores, fixture.truth) {
        metrics.add(probabilities: scores.span, targets: truth.span)
      }
      metrics.averagePrecisions = (0..<count).map { label in
        LabelMetrics.averagePrecision(
          of: fixture.scores.map { $0[label] }, fixture.truth.map { $0[label] > 0.5 })
      }
      let own = metrics.labels
      #expect(isNear(own.map(\.precision), fixture.precision))
      #expect(isNear(own.map(\.recall), fixture.recall))
      #expect(isNear(own.map(\.f1), fixture.f1))
      #expect(isNear(own.compactMap(\.averagePrecision), fixture.averagePrecision))
      #expect(
        isNear(
          [metrics.microF1, metrics.macroF1, metrics.meanAveragePrecision ?? -1],
          [fixture.microF1, fixture.macroF1, fixture.meanAveragePrecision]))
      #expect(metrics.samples == fixture.truth.count)
    }
  }

  @Test("MAE, RMSE and R² are scikit-learn's, of numbers far from zero too")
  func numbers() throws {
    for fixture in try Fixture().numbers {
      var metrics = NumberMetrics(count: fixture.truth[0].count)
      for (answers, truth) in zip(fixture.answers, fixture.truth) {
        metrics.add(predictions: answers.span, targets: truth.span)
      }
      let own = metrics.numbers
      #expect(isNear(own.map(\.meanAbsoluteError), fixture.meanAbsoluteError))
      #expect(isNear(own.map(\.rootMeanSquaredError), fixture.rootMeanSquaredError))
      #expect(isNear(own.compactMap(\.determination), fixture.determination))
      #expect(isNear([metrics.meanDetermination ?? -9], [fixture.meanDetermination]))
    }
  }

  @Test("a label that no picture has has no average precision, and does not count in the mean")
  func absentLabel() {
    #expect(LabelMetrics.averagePrecision(of: [0.1, 0.9], [false, false]) == nil)
    var metrics = LabelMetrics(count: 2)
    metrics.averagePrecisions = [nil, 0.5]
    #expect(metrics.meanAveragePrecision == 0.5)
    metrics.averagePrecisions = [nil, nil]
    #expect(metrics.meanAveragePrecision == nil)
    #expect(metrics.labels[0].precision == 0 && metrics.microF1 == 0)
  }

  @Test(
    "R² of a truth that never changes is 1 without an error, else 0; of one picture there is none",
    arguments: [([3, 3], [3, 3], 1), ([3, 3], [3, 4], 0), ([3], [4], nil)]
      as [([Float], [Float], Double?)])
  func constantTruth(truth: [Float], answers: [Float], expected: Double?) {
    var metrics = NumberMetrics(count: 1)
    for (answer, truth) in zip(answers, truth) {
      metrics.add(predictions: [answer].span, targets: [truth].span)
    }
    #expect(metrics.numbers[0].determination == expected)
  }

  @Test("all of it can be written and read again, as a checkpoint within an epoch needs")
  func coding() throws {
    var labels = LabelMetrics(count: 2, threshold: 0.25)
    labels.add(probabilities: [0.3, 0.2].span, targets: [1, 1].span)
    labels.averagePrecisions = [nil, 1]
    var numbers = NumberMetrics(count: 1)
    numbers.add(predictions: [2].span, targets: [3].span)
    for metrics in [TargetMetrics.labels(labels), .numbers(numbers)] {
      let data = try JSONEncoder().encode(metrics)
      #expect(try JSONDecoder().decode(TargetMetrics.self, from: data) == metrics)
    }
  }
}
