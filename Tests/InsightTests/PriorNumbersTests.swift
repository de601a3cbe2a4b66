import ConvNetFormats
import ConvNetImages
import ConvNetInsight
import ConvNetTensors
import ConvNetTestSupport
import Foundation
import Testing

@Suite("Numbers of the deep image prior: variances, likeness, noise") struct PriorNumbersTests {
  @Test("the variance of a window is that of its outputs, also after many of them")
  func variance() {
    let (window, count) = (5, 40)
    var variance = OutputVariance(window: window, count: count)
    var numbers = RandomNumbers(RandomKey(seed: 4, purpose: .input))
    var outputs: [[Float]] = []
    for step in 0..<23 {
      outputs.append((0..<count).map { _ in numbers.uniform() })
      let output = outputs[step]
      let actual = variance.append(output.span)
      guard step >= window - 1 else {
        #expect(actual == nil)
        continue
      }
      let last = outputs.suffix(window)
      let expected =
        (0..<count).reduce(0.0) { sum, index in
          let values = last.map { Double($0[index]) }
          let mean = values.reduce(0, +) / Double(window)
          return sum + values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(window)
        } / Double(count)
      #expect(abs((actual ?? 0) / expected - 1) < 1e-4)
    }
  }

  // scikit-image 0.25: peak_signal_noise_ratio, structural_similarity with gaussian_weights, sigma 1.5,
  // use_sample_covariance=False, data_range=1: Fixtures/make_prior_fixtures.py.
  @Test("likeness is scikit-image's")
  func likeness() throws {
    let fixture = try Safetensors(contentsOf: fixturePath("prior.safetensors"))
    for name in ["color", "grey"] {
      let likeness = try PictureSimilarity(
        Image(fixture.tensor(named: "likeness/\(name)/a")),
        Image(fixture.tensor(named: "likeness/\(name)/b")))
      let expected = try fixture.tensor(named: "likeness/\(name)/values").elements
      #expect(abs(likeness.peakSignalToNoise - Double(expected[0])) < 1e-4)
      #expect(abs(try #require(likeness.structuralSimilarity) - Double(expected[1])) < 1e-5)
    }
    let small = Image(height: 4, width: 20, color: .white)
    #expect(try PictureSimilarity(small, small).structuralSimilarity == nil)
    #expect(try PictureSimilarity(small, small).peakSignalToNoise == .infinity)
  }

  @Test("what is added to the input is normal, keyed by the step, and the same on any threads")
  func perturbation() {
    let count = 200_001
    func noise(step: Int, threads: Int, seed: UInt64 = 5) -> [Float] {
      var result = [Float](repeating: .nan, count: count)
      var span = result.mutableSpan
      NormalQuantiles.perturb(
        &span, [Float](repeating: 1, count: count), deviation: 2, seed: seed, step: step,
        threads: threads)
      return result.map { ($0 - 1) / 2 }
    }
    let first = noise(step: 3, threads: 1)
    #expect(first == noise(step: 3, threads: 2) && first == noise(step: 3, threads: 3))
    for other in [noise(step: 4, threads: 1), noise(step: 3, threads: 1, seed: 6)] {
      #expect(first.indices.count { first[$0] == other[$0] } < count / 100)
    }
    func moment(_ power: Int) -> Double {
      first.reduce(0.0) { $0 + pow(Double($1), Double(power)) } / Double(count)
    }
    // Five standard errors.
    let error = 5 / Double(count).squareRoot()
    #expect(abs(moment(1)) < error && abs(moment(2) - 1) < error * 2.0.squareRoot())
    #expect(
      abs(moment(3)) < error * 15.0.squareRoot() && abs(moment(4) - 3) < error * 96.0.squareRoot())
    // The largest difference of the distribution functions.
    let sorted = first.sorted()
    let distance = sorted.indices.reduce(0.0) {
      max(
        $0,
        abs(0.5 * erfc(-Double(sorted[$1]) / 2.0.squareRoot()) - (Double($1) + 0.5) / Double(count))
      )
    }
    #expect(distance < 1.95 / Double(count).squareRoot())
  }
}
