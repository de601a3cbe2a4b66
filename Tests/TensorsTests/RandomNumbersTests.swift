import ConvNetTensors
import Testing

@Suite("Random numbers")
struct RandomNumbersTests {
  /// The known answers that the authors of Random123 publish with it.
  static let knownAnswers: [(SIMD4<UInt32>, SIMD2<UInt32>, SIMD4<UInt32>)] = [
    (
      .zero, .zero,
      SIMD4(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8)
    ),
    (
      SIMD4(repeating: .max), SIMD2(repeating: .max),
      SIMD4(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd)
    ),
    (
      SIMD4(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344),
      SIMD2(0xa409_3822, 0x299f_31d0),
      SIMD4(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1)
    ),
  ]

  @Test("Philox4x32-10 gives the published answers", arguments: 0..<3)
  func philoxKnownAnswers(index: Int) {
    let (counter, key, expected) = Self.knownAnswers[index]
    #expect(philox(counter: counter, key: key) == expected)
  }

  @Test("A copy replays the same numbers, another purpose draws others")
  func streams() {
    let key = RandomKey(seed: 7, purpose: .shuffling, epoch: 2, index: 3)
    var first = RandomNumbers(key)
    _ = first.next()
    var copy = first
    #expect((0..<9).map { _ in first.next() } == (0..<9).map { _ in copy.next() })

    var shuffling = RandomNumbers(key)
    var dropout = RandomNumbers(RandomKey(seed: 7, purpose: .dropout, epoch: 2, index: 3))
    #expect(shuffling.next() != dropout.next())
  }

  @Test(
    "Numbers that are drawn at once are those that are drawn one by one",
    arguments: [0, 1, 17, 1000])
  func atOnce(count: Int) {
    let key = RandomKey(seed: 0x1234_5678_9abc_def0, purpose: .initialization, epoch: 3, index: 5)
    var numbers = RandomNumbers(key)
    let normal = Tensor(shape: [count]) {
      RandomNumbers.drawNormal(key, deviation: 0.1, into: &$0)
    }
    #expect(normal.elements(of: Float.self) == (0..<count).map { _ in 0.1 * numbers.normal() })
    numbers = RandomNumbers(key)
    let uniform = Tensor(shape: [count]) {
      RandomNumbers.drawUniform(key, in: -0.3..<0.2, into: &$0)
    }
    #expect(
      uniform.elements(of: Float.self) == (0..<count).map { _ in numbers.uniform(in: -0.3..<0.2) })
  }

  @Test("Uniform and normal numbers have the moments of their distributions")
  func moments() {
    var numbers = RandomNumbers(RandomKey(seed: 1, purpose: .input))
    let count = 200_000
    let uniform = (0..<count).map { _ in Double(numbers.uniform()) }
    #expect(uniform.allSatisfy { 0 <= $0 && $0 < 1 })
    // Five standard errors of the mean: sqrt(1/12/n) and 1/sqrt(n).
    #expect(abs(uniform.reduce(0, +) / Double(count) - 0.5) < 5 * 0.00065)
    let normal = (0..<count).map { _ in Double(numbers.normal()) }
    #expect(abs(normal.reduce(0, +) / Double(count)) < 5 * 0.00224)
    let variance = normal.reduce(0) { $0 + $1 * $1 } / Double(count)
    #expect(abs(variance - 1) < 5 * 0.0032)
  }
}
