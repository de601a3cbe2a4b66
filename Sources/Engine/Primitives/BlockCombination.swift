import CKernels
import ConvNetGraphs
import ConvNetTensors

/// What each position along an axis of a result is made of: positions of the source, each with its weight.
struct AxisCombination: Sendable {
  /// Positions of the source.
  let extent: Int
  /// Where the sources of each result begin, and where those of the last end.
  let starts: [Int32]
  let sources: [Int32]
  let weights: [Float]

  var results: Int { starts.count - 1 }

  /// The most sources that a result has.
  var mostTerms: Int { zip(starts, starts.dropFirst()).map { Int($1 - $0) }.max() ?? 0 }

  init(extent: Int, _ terms: [[(source: Int, weight: Double)]]) {
    self.extent = extent
    var starts: [Int32] = [0]
    for part in terms { starts.append(starts[starts.count - 1] + Int32(part.count)) }
    self.starts = starts
    sources = terms.flatMap { $0.map { Int32($0.source) } }
    weights = terms.flatMap { $0.map { Float($0.weight) } }
  }

  /// The gradient: every source is made of the results that it went into.
  var transposed: AxisCombination {
    var terms = [[(source: Int, weight: Double)]](repeating: [], count: extent)
    for result in 0..<results {
      for term in Int(starts[result])..<Int(starts[result + 1]) {
        terms[Int(sources[term])].append((result, Double(weights[term])))
      }
    }
    return AxisCombination(extent: results, terms)
  }
}

extension Operation.Pad {
  /// What the positions of an axis are made of.
  func combination(axis: Int, extent: Int) -> AxisCombination {
    let sides = sides[axis]
    return AxisCombination(
      extent: extent,
      (0..<sides.before + extent + sides.after).map { position in
        source(of: position, axis: axis, extent: extent).map { [($0, 1)] } ?? []
      })
  }
}

extension Operation.Upsample {
  /// What the positions of an axis are made of.
  func combination(axis: Int, extent: Int) -> AxisCombination {
    AxisCombination(
      extent: extent,
      taps(extent: extent, factor: factors[axis]).map { tap in
        let (first, second) = (Int(tap.first), Int(tap.second))
        if tap.share == 0 || first == second { return [(first, 1)] }
        return [(first, 1 - tap.share), (second, tap.share)]
      })
  }
}

extension Lowering {
  /// Whether a value is a picture whose producer put its channels in blocks of 16, perhaps with gaps between examples.
  func isBlocked(_ value: ValueID) throws -> Bool {
    let shape = shape(value)
    guard shape.rank == 4, let dense = try? nativeLayout(value).applied(to: shape) else {
      return false
    }
    return try dense == .blocked(shape)
  }

  /// Makes the rows and columns of the output by combining those of the input, both in blocks of 16 channels.
  ///
  /// - Parameters:
  ///   - sourceChannel, resultChannel: the first that is combined, and where it comes to lie: multiples of 16. Other channels
  ///     of the output are zero.
  mutating func combineBlocks(
    _ name: String, down: AxisCombination, along: AxisCombination, from sourceChannel: Int = 0,
    to resultChannel: Int = 0, for operation: Operation
  ) throws {
    let (input, output) = (operation.inputs[0], operation.outputs[0])
    let (from, to) = (shape(input), shape(output))
    let source = try read(input, as: .blocked(from))
    let result = make(output, try .blocked(to))
    let channels = min(from[1] - sourceChannel, to[1] - resultChannel)
    let blocks = { (channels: Int) in (channels + 15) / 16 }
    let (sourcePlane, resultPlane) = (from[2] * from[3] * 16, to[2] * to[3] * 16)
    let (sourceStride, resultStride) = (
      blocks(from[1]) * sourcePlane, blocks(to[1]) * resultPlane
    )
    let first = sourceChannel / 16 * sourcePlane
    let begin = resultChannel / 16 * resultPlane
    let end = begin + blocks(channels) * resultPlane
    let examples = from[0]
    let tasks = Int32(clamping: options.threads)
    var places = KernelPlaces()
    let (written, read) = (places.writes(result), places.reads(source))
    let work = places.scratch(try scratch(floats: options.threads * along.extent * 16))
    emitKernel(name, places, for: operation) { memory, _ in
      for example in 0..<examples where end - begin < resultStride {
        let planes = memory[written] + example * resultStride
        planes.update(repeating: 0, count: begin)
        (planes + end).update(repeating: 0, count: resultStride - end)
      }
      down.withKernelForm { down in
        along.withKernelForm { along in
          var combination = ck_block_combination(
            examples: examples, channels: channels, x_example: sourceStride,
            y_example: resultStride, down: down, along: along)
          ck_combine_blocks(
            &combination, memory[written] + begin, memory[read] + first, memory[work], tasks)
        }
      }
    }
  }
}

extension AxisCombination {
  fileprivate func withKernelForm(_ body: (ck_combination) -> Void) {
    starts.withUnsafeBufferPointer { starts in
      sources.withUnsafeBufferPointer { sources in
        weights.withUnsafeBufferPointer { weights in
          body(
            ck_combination(
              results: results, extent: extent, starts: starts.baseAddress,
              sources: sources.baseAddress, weights: weights.baseAddress))
        }
      }
    }
  }
}
