import CKernels
import ConvNetDatasets
import ConvNetEvaluation
import ConvNetImages
import ConvNetTensors
import ConvNetTraining
import Testing

/// A sum in one single-precision accumulator stops growing at 2^24: none of these does.
@Suite("Long sums") struct LongSumTests {
  private static let count = 20_000_000

  @Test("the mean loss and the share of hits of millions of samples")
  func metrics() {
    let part = 1_000_000
    // Three of four are right.
    let scores = (0..<2 * part).map { Float($0 % 2) }
    let labels = (0..<part).map { Int32($0 % 4 == 0 ? 0 : 1) }
    var metrics = ClassificationMetrics()
    for _ in 0..<Self.count / part {
      metrics.add(scores: scores.span, labels: labels.span, meanLoss: 1.1)
    }
    #expect(metrics.samples == Self.count && metrics.top1 == 0.75)
    #expect(abs(metrics.loss - 1.1) < 1e-9)
  }

  @Test("the length of a gradient")
  func norm() {
    let gradient = [Float](repeating: 1.5, count: Self.count)
    let sum = ck_sum_of_squares(gradient, gradient.count)
    #expect(abs(sum / (2.25 * Double(Self.count)) - 1) < 1e-12)
  }

  @Test("mean and deviation of data")
  func statistics() throws {
    // Two values beside each other: the mean is two hundred and fifty deviations from zero.
    let (count, extent) = (100, 500)
    let pixels = (0..<count * extent * extent).map { UInt8(250 + 2 * ($0 % 2)) }
    let dataset = try IDXDataset(
      name: "d", images: Tensor(pixels, shape: [count, extent, extent]),
      labels: Tensor([UInt8](repeating: 0, count: count)), classNames: ["a", "b"])
    let statistics = try DatasetStatistics(
      of: dataset,
      preprocessing: Preprocessing(height: extent, width: extent, channels: 1), workers: 2)
    #expect(abs(statistics.mean[0] * 255 / 251 - 1) < 1e-6)
    #expect(abs(statistics.deviation[0] * 255 - 1) < 1e-5)
    #expect(
      statistics.meanPicture.values.indices.allSatisfy {
        abs(statistics.meanPicture.values[$0] * 255 - Float(250 + 2 * ($0 % 2))) < 1e-4
      })
  }
}
