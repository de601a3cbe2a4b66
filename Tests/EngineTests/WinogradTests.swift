import CKernels
import ConvNetGraphs
import ConvNetTensors
import ConvNetTestSupport
import Testing

/// The kernels of Winograd's algorithm against sums of products in double precision, in the three directions: tiles that hang
/// over every edge, blocks of channels that make no pair, every way to divide the work, and each set of instructions.
@Suite struct WinogradTests {
  @Test("the result is the sum of products, with bias, addend and activation", arguments: cases)
  func forward(_ geometry: WinogradGeometry) {
    let data = WinogradData(geometry, seed: 1)
    for (bias, addend, rectifies) in [
      (false, false, false), (true, false, true), (true, true, true), (false, true, false),
    ] {
      var expected = data.result
      let plane = geometry.outHeight * geometry.outWidth
      for index in expected.indices {
        if bias { expected[index] += Double(data.bias[index / plane % geometry.outChannels]) }
        if addend { expected[index] += Double(data.outputGradient[index]) }
        if rectifies { expected[index] = max(0, expected[index]) }
      }
      let actual = data.forward(
        bias: bias ? data.bias : nil, addend: addend ? data.outputGradient : nil,
        rectifies: rectifies)
      #expect(relativeError(actual, expected) < bound(geometry))
    }
  }

  @Test("the gradient by the input is the transposed convolution", arguments: cases)
  func inputGradient(_ geometry: WinogradGeometry) {
    let data = WinogradData(geometry, seed: 2)
    #expect(relativeError(data.runInputGradient(), data.inputGradient) < bound(geometry))
  }

  @Test("the gradients by weights and bias are the sums over all tiles", arguments: cases)
  func parameterGradients(_ geometry: WinogradGeometry) {
    let data = WinogradData(geometry, seed: 3)
    let (weights, bias) = data.runParameterGradients(hasBias: true)
    #expect(relativeError(weights, data.weightGradient) < bound(geometry))
    #expect(relativeError(bias, data.biasGradient) < 1e-5)
    #expect(data.runParameterGradients(hasBias: false).weights == weights)
  }

  @Test(
    "slices of a larger picture are read and written, and nothing beside them", arguments: windows)
  func slices(_ window: [Int]) {
    var geometry = WinogradGeometry(
      batch: 2, inChannels: 16, outChannels: 32, height: 6, width: 7, window: window,
      padding: [window[0] / 2, window[1] / 2], tasks: 2)
    let data = WinogradData(geometry, seed: 4)
    let whole = data.forward(bias: nil, addend: nil, rectifies: false)
    let (weights, _) = data.runParameterGradients(hasBias: true)
    geometry.channelsBeside = 16
    let sliced = WinogradData(geometry, seed: 4)
    #expect(sliced.forward(bias: nil, addend: nil, rectifies: false) == whole)
    #expect(sliced.runParameterGradients(hasBias: true).weights == weights)
  }

  /// How many times a plain sum's the error may be, in the mean square.
  private static let multiples: [([Int], Double)] = [
    ([3, 3], 3), ([5, 5], 7.5), ([1, 3], 2.5), ([3, 1], 2.5), ([1, 7], 7.5), ([7, 1], 7.5),
  ]

  @Test(
    "the error at few and many channels is a small multiple of a plain sum's in single precision",
    arguments: multiples, [16, 192])
  func accuracy(_ multiple: (window: [Int], bound: Double), channels: Int) {
    let window = multiple.window
    let geometry = WinogradGeometry(
      batch: 1, inChannels: channels, outChannels: 16, height: 9, width: 9, window: window,
      padding: [window[0] / 2, window[1] / 2])
    let data = WinogradData(geometry, seed: 5)
    let actual = data.forward(bias: nil, addend: nil, rectifies: false)
    var plain = [Float](repeating: 0, count: actual.count)
    geometry.forEachProduct { x, w, y in plain[y] += data.input[x] * data.weights[w] }
    let error = meanSquareError(actual, data.result).squareRoot()
    let plainError = meanSquareError(plain, data.result).squareRoot()
    #expect(error < multiple.bound * plainError)
    #expect(error > 0)
    #expect(relativeError(actual, data.result) < bound(geometry))
  }

  @Test("kernels that no tiles are for are refused")
  func refusals() {
    for height in 0..<100 {
      for width in 0..<100 where !Self.windows.contains([height, width]) {
        #expect(!ck_winograd_can_compute(height, width), "\(height)x\(width)")
      }
    }
    for window in Self.windows { #expect(ck_winograd_can_compute(window[0], window[1])) }
  }

  static let windows = [[3, 3], [5, 5], [1, 3], [3, 1], [1, 7], [7, 1]]

  static let cases: [WinogradGeometry] =
    [
      WinogradGeometry(
        batch: 1, inChannels: 16, outChannels: 16, height: 4, width: 4, padding: 1),
      // One output, fewer tiles than tasks.
      WinogradGeometry(
        batch: 1, inChannels: 16, outChannels: 32, height: 3, width: 3, padding: 0, tasks: 4),
      WinogradGeometry(
        batch: 1, inChannels: 16, outChannels: 16, height: 1, width: 1, padding: 1, tasks: 3),
      // Many weights and few tiles: tasks divide the channels.
      WinogradGeometry(
        batch: 2, inChannels: 80, outChannels: 112, height: 7, width: 7, padding: 1, tasks: 2),
      WinogradGeometry(
        batch: 1, inChannels: 96, outChannels: 208, height: 5, width: 9, padding: 1, tasks: 6),
      // Many tiles: several passes, and tasks that divide the tiles.
      WinogradGeometry(
        batch: 3, inChannels: 16, outChannels: 48, height: 45, width: 46, padding: 1, tasks: 2),
      WinogradGeometry(
        batch: 1, inChannels: 32, outChannels: 16, height: 63, width: 50, padding: 0),
      WinogradGeometry(
        batch: 1, inChannels: 16, outChannels: 32, height: 9, width: 6, padding: 2, tasks: 2),
    ]
    + [CK_AVX2, CK_PORTABLE].flatMap { instructions in
      [(1, 16, 48, 13, 11, 1), (2, 32, 16, 10, 7, 0)].map {
        WinogradGeometry(
          batch: $0.0, inChannels: $0.1, outChannels: $0.2, height: $0.3, width: $0.4,
          padding: $0.5, instructions: instructions)
      }
    }
    + (0..<10).map { seed in
      var numbers = RandomNumbers(RandomKey(seed: UInt64(seed), purpose: .input))
      return WinogradGeometry(
        batch: .random(in: 1...3, using: &numbers),
        inChannels: 16 * .random(in: 1...3, using: &numbers),
        outChannels: 16 * .random(in: 1...5, using: &numbers),
        height: .random(in: 3...18, using: &numbers), width: .random(in: 3...18, using: &numbers),
        padding: .random(in: 0...1, using: &numbers), tasks: .random(in: 1...5, using: &numbers))
    }
    + windows.dropFirst().flatMap { window in
      (0..<6).map { seed in otherWindow(window, seed: UInt64(seed)) }
    }

  /// Odd extents, as little as one output, and another padding on each side.
  private static func otherWindow(_ window: [Int], seed: UInt64) -> WinogradGeometry {
    var numbers = RandomNumbers(RandomKey(seed: seed + 100, purpose: .input))
    let padding = window.map { Int.random(in: 0...$0 / 2, using: &numbers) }
    return WinogradGeometry(
      batch: .random(in: 1...3, using: &numbers),
      inChannels: 16 * .random(in: 1...3, using: &numbers),
      outChannels: 16 * .random(in: 1...5, using: &numbers),
      height: window[0] + .random(in: 0...9, using: &numbers),
      width: window[1] + .random(in: 0...9, using: &numbers), window: window, padding: padding,
      paddingAfter: zip(window, padding).map {
        min($0 - 1 - $1, .random(in: 0...2, using: &numbers))
      },
      tasks: .random(in: 1...5, using: &numbers),
      instructions: [CK_WIDEST, CK_WIDEST, CK_AVX2, CK_PORTABLE][Int(seed % 4)])
  }
}

/// The largest error in units of the largest result.
private func bound(_ geometry: WinogradGeometry) -> Double {
  geometry.window == [3, 3] ? 1e-5 : 2e-5
}

/// The largest difference, in units of the largest expected element.
private func relativeError(_ actual: [Float], _ expected: [Double]) -> Double {
  let largest = expected.reduce(1e-30) { max($0, abs($1)) }
  return zip(actual, expected).reduce(0) {
    // Not a number is no small difference.
    let difference = abs(Double($1.0) - $1.1)
    return difference <= $0 ? $0 : (difference.isNaN ? .infinity : difference)
  } / largest
}

private func meanSquareError(_ actual: [Float], _ expected: [Double]) -> Double {
  zip(actual, expected).reduce(0) { $0 + (Double($1.0) - $1.1) * (Double($1.0) - $1.1) }
    / Double(expected.count)
}
