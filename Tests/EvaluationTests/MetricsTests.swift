import ConvNetEvaluation
import ConvNetTensors
import ConvNetTestSupport
import Testing

@Suite("Metrics") struct MetricsTests {
  private func metrics(_ scores: [[Float]], _ labels: [Int32], loss: Double = 0)
    -> ClassificationMetrics
  {
    var metrics = ClassificationMetrics()
    let scores = scores.flatMap(\.self)
    metrics.add(scores: scores.span, labels: labels.span, meanLoss: loss)
    return metrics
  }

  @Test("the label with the highest score is right, with the five highest right among five")
  func ranks() {
    let descending: [Float] = [7, 6, 5, 4, 3, 2, 1]
    for label in 0..<7 {
      let one = metrics([descending], [Int32(label)])
      #expect(one.top1 == (label == 0 ? 1 : 0))
      #expect(one.top5 == (label < 5 ? 1 : 0))
    }
  }

  @Test("constant scores are right nowhere")
  func ties() {
    let constant = [[Float]](repeating: [Float](repeating: 0.1, count: 10), count: 10)
    let all = metrics(constant, (0..<10).map { Int32($0) })
    #expect(all.top1 == 0 && all.top5 == 0)
    #expect(metrics([[0.1, 0.1, 0.1, 0.1, 0.1]], [2]).top5 == 1)
  }

  @Test("a tie is no hit, whichever of its classes is the label", arguments: [Int32(1), 2])
  func tieOfTwo(label: Int32) {
    #expect(metrics([[0, 3, 3]], [label]).top1 == 0)
    #expect(metrics([[0, 3, 3]], [label]).top5 == 1)
  }

  @Test(
    "metrics of batches and what scores say of pictures follow one rule",
    arguments: [
      [0.5, 0.5, 0], [0, 0.5, 0.5], [0.25, 0.25, 0.5], [1, 1, 1], [.nan, 1, 0], [3, 2, 1],
    ] as [[Float]], 0..<3)
  func oneRule(scores: [Float], label: Int) {
    let one = metrics([scores], [Int32(label)])
    var assessment = Assessment(classes: 3)
    assessment.add(sample: 0, label: label, probabilities: scores.map(Double.init), loss: 1)
    #expect(one.top1 == assessment.top1 && one.top5 == assessment.top5)
    #expect(one.nonFiniteCount == assessment.nonFiniteCount)
    let rank = ScoreRank(of: label, in: scores.span)
    #expect(rank.isHit == (one.top1 == 1))
    if rank.isFinite {
      #expect(rank.isHit == (rank.predicted == label))
      #expect(assessment.confusion[label][rank.predicted] == 1)
      #expect(scores[rank.predicted] == scores.max())
    }
  }

  @Test(
    "where a score is not finite there is no answer: no hit, counted, and no part of the loss",
    arguments: [[Float.nan, 1], [1, .nan], [.nan, .nan], [.infinity, 0], [1, -.infinity]],
    [Int32(0), 1])
  func notANumber(scores: [Float], label: Int32) {
    var one = metrics([scores], [label], loss: .nan)
    #expect(one.top1 == 0 && one.top5 == 0)
    #expect(one.samples == 1 && one.nonFiniteCount == 1 && one.loss.isNaN)
    let (more, labels): ([Float], [Int32]) = ([0, 3, 3, 0], [1, 1])
    one.add(scores: more.span, labels: labels.span, meanLoss: 2)
    #expect(one.samples == 3 && one.nonFiniteCount == 1 && one.loss == 2)
    #expect(one.top1 == Double(1) / 3)
  }

  @Test("batches of any sizes give the same sums")
  func batches() {
    let scores = Tensor.random([24, 3], seed: 3).elements
    let labels = (0..<24).map { Int32($0 % 3) }
    // Losses that are sums of powers of two, so that the order of additions does not matter.
    let losses = (0..<24).map { Double($0 % 8) / 4 }
    func sum(_ sizes: [Int]) -> ClassificationMetrics {
      var metrics = ClassificationMetrics()
      var start = 0
      for size in sizes {
        let rows = start..<start + size
        // Named: as part of the call the compiler fails at them without optimization.
        let own = Array(scores[rows.lowerBound * 3..<rows.upperBound * 3])
        let ownLabels = Array(labels[rows])
        metrics.add(
          scores: own.span, labels: ownLabels.span,
          meanLoss: losses[rows].reduce(0, +) / Double(size))
        start += size
      }
      return metrics
    }
    let whole = sum([24])
    #expect(whole.samples == 24)
    #expect(whole.loss == losses.reduce(0, +) / 24)
    #expect(sum([8, 16]) == whole)
    #expect(sum([16, 4, 4]) == whole)
    #expect(sum([Int](repeating: 1, count: 24)) == whole)
  }

  @Test("no samples are no division by zero")
  func empty() {
    let none = ClassificationMetrics()
    #expect(none.samples == 0 && none.top1 == 0 && none.top5 == 0 && none.loss == 0)
  }
}
