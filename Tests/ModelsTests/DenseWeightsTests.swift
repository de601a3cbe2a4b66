import ConvNetEngine
import ConvNetInference
import ConvNetLayers
import ConvNetTensors
import ConvNetTestSupport
import ConvNetTraining
import Testing

@Suite("Models with dense weights of fewer bits") struct DenseWeightsTests {
  /// The bounds that users are told, on a network of the form of AlexNet's end.
  @Test(
    "logits lie near those of float32, and nearly all inputs get the same class",
    arguments: bounds)
  func logits(weights: ComputeOptions.DenseWeights, bound: Float) throws {
    let model = Model(
      Network("three", input: .features(700)) {
        Dense(512)
        ReLU()
        Dense(300)
        ReLU()
        Dense(10)
      }, seed: 4)
    let inputs = Tensor.random([200, 700], seed: 5, in: 0..<1)
    let exact = try model.run(inputs, compute: ComputeOptions()).elements
    let rounded = try model.run(inputs, compute: ComputeOptions(denseWeights: weights)).elements
    let largest = exact.map(abs).max() ?? 1
    let difference = zip(exact, rounded).map { abs($0 - $1) }.max() ?? 0
    #expect(difference < bound * largest && difference > 0)
    let same = (0..<200).count { largestPlace(exact, $0) == largestPlace(rounded, $0) }
    #expect(same >= 190)
  }

  private static let bounds: [(ComputeOptions.DenseWeights, Float)] = [
    (.bfloat16, 0.01), (.int8, 0.02),
  ]

  private func largestPlace(_ logits: [Float], _ row: Int) -> Int? {
    (row * 10..<(row + 1) * 10).max { logits[$0] < logits[$1] }
  }
}
