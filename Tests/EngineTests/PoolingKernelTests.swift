import CKernels
import ConvNetTensors
import ConvNetTestSupport
import Testing

/// The kernels for pooling beside loops that are written from the definitions, for every order of elements.
@Suite("Pooling kernels") struct PoolingKernelTests {
  enum Order: CaseIterable { case rowMajor, channelsLast, blocksOf8, blocksOf16, examplesApart }

  /// A geometry drawn from a seed.
  struct Problem {
    var batch: Int
    var channels: Int
    var down: ck_pooling_axis
    var along: ck_pooling_axis
    var countsPadding: Bool

    init(seed: Int) {
      var draw = SeededDraws(seed: UInt64(seed))
      // One in four has long windows, which overlap much.
      let isLong = draw.below(4) == 0
      func axis() -> ck_pooling_axis {
        let window = isLong ? 1 + draw.below(40) : 1 + draw.below(4)
        let elements = 1 + draw.below(isLong ? 60 : 24)
        let stride = isLong ? 1 + draw.below(2) : 1 + draw.below(4)
        var (before, after) = (draw.below(window), draw.below(window))
        if elements + before + after < window { (before, after) = (window - 1, window - 1) }
        let out = (elements + before + after - window) / stride + 1
        return ck_pooling_axis(
          in: elements, out: out, window: window, stride: stride, before: before, after: after)
      }
      (batch, channels) = (1 + draw.below(3), 1 + draw.below(isLong ? 9 : 40))
      (down, along) = (axis(), axis())
      countsPadding = draw.below(2) == 0
    }

    func strides(_ order: Order, _ height: Int, _ width: Int) -> ck_picture_strides {
      let plane = height * width
      func blocks(_ block: Int) -> ck_picture_strides {
        let count = (channels + block - 1) / block
        return ck_picture_strides(
          example: count * block * plane, channel: block * plane, row: block * width,
          column: block, block: block)
      }
      switch order {
      case .rowMajor:
        return ck_picture_strides(
          example: channels * plane, channel: plane, row: width, column: 1, block: 1)
      case .channelsLast:
        return ck_picture_strides(
          example: channels * plane, channel: 1, row: channels * width, column: channels, block: 1)
      case .blocksOf8: return blocks(8)
      case .blocksOf16: return blocks(16)
      case .examplesApart:
        // Examples innermost but for the columns, and gaps at the ends of rows.
        return ck_picture_strides(
          example: width + 3, channel: batch * height * (width + 3), row: batch * (width + 3),
          column: 1, block: 1)
      }
    }

    func pooling(_ order: Order, countsTaps: Bool) -> ck_pooling {
      ck_pooling(
        batch: batch, channels: channels, down: down, along: along,
        in: strides(order, down.in, along.in), out: strides(order, down.out, along.out),
        places: strides(order, down.out, along.out), counts_padding: countsPadding,
        counts_taps: countsTaps)
    }
  }

  /// A number for every place of a grid, to and from an order of elements.
  struct Grid {
    var strides: ck_picture_strides
    var (batch, channels, height, width): (Int, Int, Int, Int)

    /// Elements that any order needs.
    var capacity: Int { batch * (channels + 16) * height * (width + 3) + 64 }

    func offset(_ n: Int, _ c: Int, _ i: Int, _ j: Int) -> Int {
      n * strides.example + c / strides.block * strides.channel + c % strides.block
        + i * strides.row + j * strides.column
    }

    func forEach(_ body: (_ n: Int, _ c: Int, _ i: Int, _ j: Int, _ offset: Int) -> Void) {
      for n in 0..<batch {
        for c in 0..<channels {
          for i in 0..<height { for j in 0..<width { body(n, c, i, j, offset(n, c, i, j)) } }
        }
      }
    }
  }

  /// All four kernels of one problem beside the loops.
  private func check(_ problem: Problem, _ order: Order, hasNaN: Bool, tasks: Int32, _ name: String)
  {
    let taps = problem.down.window * problem.along.window
    let countsTaps = taps < 255
    var pooling = problem.pooling(order, countsTaps: countsTaps)
    let (b, c) = (problem.batch, problem.channels)
    let (down, along) = (problem.down, problem.along)
    let input = Grid(strides: pooling.in, batch: b, channels: c, height: down.in, width: along.in)
    let output = Grid(
      strides: pooling.out, batch: b, channels: c, height: down.out, width: along.out)
    var draw = SeededDraws(seed: UInt64(taps * 31 + c))
    var x = [Float](repeating: 0, count: input.capacity)
    // Few values, so that some are equal.
    input.forEach { x[$4] = hasNaN && draw.below(9) == 0 ? .nan : Float(draw.below(7)) - 3 }
    var dy = [Float](repeating: 0, count: output.capacity)
    output.forEach { dy[$4] = Float(draw.below(1000)) / 500 - 1 }

    let poison: Float = 777
    var y = [Float](repeating: poison, count: output.capacity)
    var plain = y
    var means = y
    var dx = [Float](repeating: poison, count: input.capacity)
    var meansGradient = dx
    var places = [Int32](repeating: -1, count: output.capacity)
    var scratch = [Float](repeating: 0, count: ck_pooling_scratch(&pooling) * Int(tasks) + 16)
    ck_max_pool(&pooling, &y, &places, x, &scratch, tasks)
    ck_max_pool(&pooling, &plain, nil, x, &scratch, tasks)
    ck_max_pool_gradient(&pooling, &dx, dy, places, &scratch, tasks)
    ck_mean_pool(&pooling, &means, x, &scratch, tasks)
    ck_mean_pool_gradient(&pooling, &meansGradient, dy, &scratch, tasks)

    var expectedGradient = [Double](repeating: 0, count: input.capacity)
    var expectedMeansGradient = expectedGradient
    var faults = 0
    func same(_ a: Float, _ b: Double) -> Bool {
      a.isNaN || b.isNaN ? a.isNaN && b.isNaN : abs(Double(a) - b) <= 2e-6 * (1 + abs(b))
    }
    output.forEach { n, c, i, j, offset in
      var (best, place) = (Float.nan, -1)
      var (sum, elements, positions) = (0.0, 0, 0)
      var members: [Int] = []
      for r in i * down.stride - down.before..<i * down.stride - down.before + down.window {
        for s in j * along.stride - along.before..<j * along.stride - along.before + along.window {
          if r < down.in + down.after, s < along.in + along.after { positions += 1 }
          guard 0..<down.in ~= r, 0..<along.in ~= s else { continue }
          let at = input.offset(n, c, r, s)
          if place < 0 || x[at] > best || x[at].isNaN { (best, place) = (x[at], at) }
          sum += Double(x[at])
          elements += 1
          members.append(at)
        }
      }
      let divisor = Double(problem.countsPadding ? positions : elements)
      if !same(y[offset], Double(best)) || !same(plain[offset], Double(best))
        || !same(means[offset], sum / divisor)
      {
        faults += 1
      }
      expectedGradient[place] += Double(dy[offset])
      for at in members { expectedMeansGradient[at] += Double(dy[offset]) / divisor }
    }
    input.forEach { _, _, _, _, offset in
      if !same(dx[offset], expectedGradient[offset])
        || !same(meansGradient[offset], expectedMeansGradient[offset])
      {
        faults += 1
      }
    }
    // What fills up the last block stays zero.
    if pooling.in.block > 1 {
      for channel in c..<(c + pooling.in.block - 1) / pooling.in.block * pooling.in.block {
        for n in 0..<b {
          for i in 0..<down.out where y[output.offset(n, channel, i, 0)] != 0 { faults += 1 }
          for i in 0..<down.in where dx[input.offset(n, channel, i, 0)] != 0 { faults += 1 }
        }
      }
    }
    #expect(faults == 0, "\(name), \(order), NaN \(hasNaN), \(tasks) tasks: \(problem)")
  }

  @Test(
    "maxima, means and their gradients in every order of elements, with and without NaN",
    arguments: Order.allCases)
  func problems(_ order: Order) {
    for seed in 0..<60 {
      let problem = Problem(seed: seed)
      check(
        problem, order, hasNaN: seed % 3 == 0, tasks: seed % 2 == 0 ? 1 : 3, "seed \(seed)")
    }
  }

  @Test("windows that every network has, of many channels", arguments: Order.allCases)
  func usual(_ order: Order) {
    for (window, stride, before, after) in [
      (2, 2, 0, 0), (3, 2, 0, 0), (3, 2, 1, 1), (3, 2, 0, 1), (3, 1, 1, 1), (5, 3, 0, 0),
      (7, 7, 0, 0),
    ] {
      for extent in [7, 14, 17] {
        var problem = Problem(seed: 0)
        let axis = ck_pooling_axis(
          in: extent, out: (extent + before + after - window) / stride + 1, window: window,
          stride: stride, before: before, after: after)
        (problem.batch, problem.channels, problem.down, problem.along) = (2, 24, axis, axis)
        for hasNaN in [false, true] {
          check(problem, order, hasNaN: hasNaN, tasks: 2, "\(window) by \(stride)")
        }
      }
    }
  }
}
