import ConvNetEvaluation
import Foundation
import Testing

@Suite("Confusion matrix") struct ConfusionMatrixTests {
  private static func counted(_ pairs: [(Int, Int)], classes: Int) -> ConfusionMatrix {
    var matrix = ConfusionMatrix(classCount: classes)
    for (label, predicted) in pairs { matrix.add(label: label, predicted: predicted) }
    return matrix
  }

  @Test("rows are classes, columns what they were taken for")
  func rows() {
    let matrix = Self.counted([(0, 1), (0, 1), (2, 2), (1, 0)], classes: 3)
    #expect(Array(matrix) == [[0, 2, 0], [1, 0, 0], [0, 0, 1]])
    #expect(matrix == Self.counted([(2, 2), (0, 1), (1, 0), (0, 1)], classes: 3))
    #expect(matrix != Self.counted([(0, 1), (2, 2), (1, 0)], classes: 3))
    #expect(ConfusionMatrix(classCount: 0).isEmpty)
  }

  @Test("of a billion classes what occurred is kept and told, and nothing else")
  func many() throws {
    let last = (1 << 31) - 1
    let matrix = Self.counted([(last, 0), (5, last), (last, 0), (7, 7)], classes: 1 << 31)
    let data = try JSONEncoder().encode(matrix)
    #expect(data.count < 200)
    #expect(try JSONDecoder().decode(ConfusionMatrix.self, from: data) == matrix)
  }

  @Test(
    "scores of classes and confusions of many classes take no time for those that did not occur")
  func assessment() {
    let classes = 100_000
    var assessment = Assessment(classes: classes)
    var probabilities = [Double](repeating: 0, count: classes)
    for (sample, (label, predicted)) in [(3, 3), (3, 9), (3, 9), (8, 3)].enumerated() {
      probabilities[predicted] = 1
      assessment.add(sample: sample, label: label, probabilities: probabilities, loss: 1)
      probabilities[predicted] = 0
    }
    let scores = assessment.classScores
    #expect(scores.count == classes)
    #expect(scores[3].count == 3 && scores[3].precision == 0.5 && scores[3].recall == 1.0 / 3)
    #expect(scores[9].precision == 0 && scores[9].recall.isNaN && scores[9].f1 == 0)
    #expect(scores[10].f1.isNaN)
    let worst = assessment.worstConfusions((0..<classes).map(String.init), limit: 5)
    #expect(worst.map(\.label) == ["3", "8"] && worst.map(\.predicted) == ["9", "3"])
    #expect(worst.map(\.count) == [2, 1] && worst.map(\.share) == [2.0 / 3, 1])
  }

  @Test(
    "what no evaluation can have counted is refused",
    arguments: [
      #"{"classCount": -1, "pairs": []}"#, #"{"classCount": 4294967296, "pairs": []}"#,
      #"{"classCount": 3, "pairs": [0, 1]}"#, #"{"classCount": 3, "pairs": [0, 3, 1]}"#,
      #"{"classCount": 3, "pairs": [-1, 0, 1]}"#, #"{"classCount": 3, "pairs": [0, 1, 0]}"#,
      #"{"classCount": 3, "pairs": [0, 1, 9223372036854775807]}"#,
      #"{"classCount": 3, "pairs": [0, 1, 2, 0, 1, 2]}"#,
    ])
  func damaged(text: String) {
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(ConfusionMatrix.self, from: Data(text.utf8))
    }
  }
}
