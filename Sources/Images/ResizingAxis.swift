import CImages

/// The weights of one resized axis.
struct ResizingAxis: Sendable {
  /// What the weights are made for.
  struct Key: Hashable, Sendable {
    /// Positions of the picture, and of the resized one.
    var input: Int
    var output: Int
    /// The part of the picture that is resized.
    var lower: Double
    var upper: Double
    var filter: ResizingFilter
  }

  private(set) var key: Key?
  /// Weights an output position: as many as the longest window has.
  private(set) var taps = 0
  /// For each output position, the first input position.
  private(set) var starts: [Int32] = []
  /// `taps` weights an output position, as multiples of 2^-22.
  private(set) var weights: [Int32] = []
  private var exact: [Double] = []

  /// Makes the weights for another key, in the memory of the old ones.
  mutating func prepare(_ key: Key) {
    guard key != self.key else { return }
    self.key = key
    starts.resize(to: key.output)
    taps = 1
    for position in 0..<key.output { taps = max(taps, key.window(at: position).count) }
    exact.resize(to: key.output * taps)
    weights.resize(to: key.output * taps)
    for position in 0..<key.output {
      let window = key.window(at: position)
      // Every window gets the length of the longest, and begins earlier where it would reach too far.
      let start = min(window.lowerBound, key.input - taps)
      starts[position] = Int32(start)
      let first = position * taps
      var sum = 0.0
      for tap in 0..<taps {
        let index = start + tap
        let weight = window.contains(index) ? key.weight(of: index, at: position) : 0
        exact[first + tap] = weight
        sum += weight
      }
      if sum == 0 { sum = 1 }
      for index in first..<first + taps {
        exact[index] /= sum
        weights[index] = Int32((exact[index] * Double(1 << CI_WEIGHT_BITS)).rounded())
      }
    }
  }

  /// The weights as numbers.
  var floatWeights: [Float] { exact.map { Float($0) } }
}

extension ResizingAxis.Key {
  private var scale: Double { (upper - lower) / Double(output) }
  private var filterScale: Double { max(scale, 1) }

  private func center(of position: Int) -> Double { lower + (Double(position) + 0.5) * scale }

  /// The input positions that an output position may weigh.
  func window(at position: Int) -> Range<Int> {
    let center = center(of: position)
    let support = filter.support * filterScale
    let start = max(0, Int(center - support + 0.5))
    return start..<max(start, min(input, Int(center + support + 0.5)))
  }

  func weight(of index: Int, at position: Int) -> Double {
    // The order of these operations is Pillow's, to the last bit.
    filter.weight(at: (Double(index) - center(of: position) + 0.5) * (1 / filterScale))
  }
}
