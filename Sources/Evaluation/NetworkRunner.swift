package import ConvNetEngine
import ConvNetGraphs
import ConvNetInference
package import ConvNetLayers
import ConvNetTensors

/// One model, compiled for every size of view that comes along; sizes that were not used for longest are forgotten, and all share
/// packed weights that are alike.
package final class NetworkRunner {
  private struct Key: Hashable {
    var height: Int
    var width: Int
    var batch: Int
  }

  private let model: Model
  private let compute: ComputeOptions
  private let weights = SharedWeights()
  private var executables: [Key: (executable: BatchExecutable, lastUse: Int)] = [:]
  private var useCount = 0
  private let output: String
  package let classCount: Int
  /// Multiplications, each with its addition, by height and width.
  private var costs: [[Int]: Int] = [:]

  /// Bytes of activations that are kept compiled for.
  package static let activationLimit = 512 << 20
  /// Sizes that are kept at most.
  package static let sizeLimit = 16

  /// - Parameter isDense: whether the network is applied to pictures of any size.
  package init(_ model: Model, isDense: Bool, compute: ComputeOptions) throws {
    self.model = isDense ? try model.fullyConvolutional() : model
    self.compute = compute
    output = model.mainOutput?.name ?? ""
    classCount = model.classCount
  }

  /// Bytes of all that is compiled.
  package var byteCount: Int {
    weightByteCount
      + executables.values.reduce(0) { $0 + $1.executable.executable.activationByteCount }
  }
  /// Bytes of packed weights, each once.
  package var weightByteCount: Int { weights.byteCount }
  /// Sizes that are compiled now.
  package var compiledCount: Int { executables.count }

  func multiplyAdds(height: Int, width: Int) throws -> Int {
    if let known = costs[[height, width]] { return known }
    let cost = try told(height, width) { try model.multiplyAdds(height: height, width: width) }
    costs[[height, width]] = cost
    return cost
  }

  /// What does not fit into a picture of these extents, told as such.
  private func told<Result: ~Copyable>(
    _ height: Int, _ width: Int, _ body: () throws -> Result
  ) throws -> Result {
    do {
      return try body()
    } catch let error as GraphError {
      guard case .windowExceedsInput = error.problem else { throw error }
      throw ViewsError.tooSmall(model: model.graph.name, height: height, width: width)
    }
  }

  private func executable(_ key: Key) throws -> BatchExecutable {
    useCount += 1
    if let known = executables[key]?.executable {
      executables[key]?.lastUse = useCount
      return known
    }
    let made = BatchExecutable(
      try told(key.height, key.width) {
        try model.executable(
          batch: key.batch, height: key.height, width: key.width, compute: compute,
          sharing: weights)
      })
    executables[key] = (made, useCount)
    func tooMuch() -> Bool {
      executables.count > Self.sizeLimit
        || executables.values.reduce(0) { $0 + $1.executable.executable.activationByteCount }
          > Self.activationLimit
    }
    while executables.count > 1, tooMuch(),
      let oldest = executables.min(by: { $0.value.lastUse < $1.value.lastUse })?.key
    { executables[oldest] = nil }
    return made
  }

  /// Runs views of one size.
  ///
  /// - Parameters:
  ///   - batch: the largest batch.
  ///   - isFilled: whether a rest of fewer views takes a whole batch, so that there is one size to compile for.
  ///   - write: copies a view's numbers.
  ///   - read: is given the scores of a view.
  package func run(
    count: Int, height: Int, width: Int, batch: Int, isFilled: Bool,
    write: (_ index: Int, _ target: inout MutableSpan<Float>, _ start: Int) -> Void,
    read: (_ index: Int, _ scores: Span<Float>) -> Void
  ) throws {
    var done = 0
    while done < count {
      let rest = count - done
      // Powers of two, where sizes are many.
      let size = isFilled ? batch : min(batch, 1 << (Int.bitWidth - 1 - rest.leadingZeroBitCount))
      let step = try executable(Key(height: height, width: width, batch: size))
      let elements = height * width * (model.inputExtents.first ?? 1)
      let used = min(size, rest)
      try step.executable.withInput(model.inputName, of: Float.self) { target in
        for place in 0..<used { write(done + place, &target, place * elements) }
      }
      try step.executable.run()
      try step.executable.withOutput(output) { scores in
        for place in 0..<used {
          read(
            done + place,
            scores.extracting(place * classCount..<(place + 1) * classCount))
        }
      }
      done += used
    }
  }
}
