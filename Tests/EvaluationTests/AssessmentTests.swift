import ConvNetEvaluation
import Foundation
import Testing

@Suite("What scores say") struct AssessmentTests {
  private static func add(_ assessment: inout Assessment, _ label: Int, _ numbers: Double...) {
    assessment.add(
      sample: assessment.samples, label: label, probabilities: numbers, loss: -log(numbers[label]))
  }

  @Test("ties are no hits, and what is not finite is no answer")
  func ties() {
    var assessment = Assessment(classes: 3)
    Self.add(&assessment, 0, 0.5, 0.5, 0)
    Self.add(&assessment, 1, 0.5, 0.5, 0)
    Self.add(&assessment, 2, 0.2, 0.2, 0.6)
    Self.add(&assessment, 0, .nan, 0, 0)
    #expect(assessment.hits == [false, false, true, false])
    #expect(assessment.top1 == 0.25 && assessment.top5 == 0.75)
    #expect(assessment.nonFiniteCount == 1)
    #expect(Array(assessment.confusion) == [[0, 1, 0], [1, 0, 0], [0, 0, 1]])
  }

  @Test("top-5 counts the classes that are at least as likely", arguments: [(4, true), (5, false)])
  func top5(better: Int, isHit: Bool) {
    var assessment = Assessment(classes: 10)
    var numbers = [Double](repeating: 0.01, count: 10)
    for index in 0..<better { numbers[index] = 0.2 }
    numbers[9] = 0.1
    assessment.add(sample: 0, label: 9, probabilities: numbers, loss: 1)
    #expect((assessment.top5 == 1) == isHit)
  }

  @Test(
    "Wilson's interval, by the formula in other hands (statsmodels, R)",
    arguments: [
      (10, 100, 0.05522914, 0.17436566), (0, 10, 0, 0.27753280), (10, 10, 0.72246720, 1),
      (1, 3, 0.06149194, 0.79234030),
    ])
  func wilson(count: Int, total: Int, lower: Double, upper: Double) {
    let interval = Assessment.interval(of: count, among: total)
    #expect(abs(interval.lowerBound - lower) < 1e-6 && abs(interval.upperBound - upper) < 1e-6)
  }

  @Test(
    "McNemar's test is the binomial sum",
    arguments: [(0, 0, 1.0), (1, 5, 0.21875), (0, 6, 0.03125), (3, 3, 1)])
  func mcNemar(first: Int, second: Int, expected: Double) {
    #expect(abs(McNemarTest(onlyFirst: first, onlySecond: second).pValue - expected) < 1e-9)
    #expect(abs(McNemarTest(onlyFirst: second, onlySecond: first).pValue - expected) < 1e-9)
  }

  @Test(
    "a probability too small for four digits is told as such, not as zero",
    arguments: [(12, 30, "p = 0.0079"), (2, 30, "p < 0.0001"), (0, 0, "p = 1.0000")])
  func tellingMcNemar(first: Int, second: Int, told: String) {
    #expect(
      "\(McNemarTest(onlyFirst: first, onlySecond: second))"
        == "\(first) and \(second) pictures that only one has right, \(told) (McNemar)")
  }

  @Test("calibration, precision and recall, computed by hand")
  func sums() {
    var assessment = Assessment(classes: 2)
    Self.add(&assessment, 0, 0.9, 0.1)
    Self.add(&assessment, 0, 0.9, 0.1)
    Self.add(&assessment, 1, 0.9, 0.1)
    Self.add(&assessment, 1, 0.4, 0.6)
    // Three of confidence 0.9, of which two are right; one of 0.6, right.
    let expected = (3 * abs(2.0 / 3 - 0.9) + abs(1 - 0.6)) / 4
    #expect(abs(assessment.calibrationError - expected) < 1e-12)
    let scores = assessment.classScores
    #expect(scores[0].precision == 2.0 / 3 && scores[0].recall == 1 && scores[0].f1 == 0.8)
    #expect(scores[1].precision == 1 && scores[1].recall == 0.5)
    #expect(assessment.mistakes.map(\.sample) == [2])
  }

  @Test("the most confident mistakes are kept, in order")
  func mistakes() {
    var assessment = Assessment(classes: 2)
    for index in 0..<200 {
      let confidence = 0.5 + Double(index * 37 % 200 + 1) / 500
      Self.add(&assessment, 0, 1 - confidence, confidence)
    }
    let kept = assessment.mistakes.map(\.confidence)
    #expect(kept.count == Assessment.mistakeLimit && kept == kept.sorted(by: >))
    #expect(abs(kept[0] - 0.9) < 1e-12)
  }

  @Test("a temperature is found that was put in", arguments: [0.5, 1, 3])
  func temperature(scale: Double) throws {
    // Of scores +-2 scaled, as many right as the unscaled probability says.
    let share = 1 / (1 + exp(-2.0))
    let count = 4000
    let rows = [[Float]](repeating: [Float(2 * scale), 0], count: count)
    let labels = (0..<count).map { Double($0 / 2) / Double(count / 2) < share ? 0 : 1 }
    let found = try #require(Temperature(fitting: rows, labels: labels))
    #expect(abs(found.value - scale) < 0.01 * scale)
    #expect(found.lossAfter <= found.lossBefore + 1e-9)
  }
}
