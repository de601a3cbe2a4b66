public import ConvNetEngine
import ConvNetGraphs
public import ConvNetImages
import ConvNetInference
public import ConvNetLayers
public import ConvNetTensors
import Foundation

/// What a picture that is looked for makes of a value inside, or of a class.
public struct FoundPicture: Sendable {
  /// As the network reads it, in the model's ``Model/dataFormat``.
  public var input: Tensor
  /// As people see it.
  public var image: Image
  /// What was to become large: the response of the channel or class; or small: the distance of the features.
  public var value: Double
}

/// How the picture that excites a channel most is looked for.
public struct MaximizationOptions: Hashable, Sendable {
  /// Steps along the gradient.
  public var steps = 256
  /// The length of a step: the mean change of a number, in the units of pixel values from 0 to 1.
  public var stepSize: Double = 0.02
  /// The largest shift of the picture at each step, in pixels, drawn anew: what depends on single pixels does not last. `nil` for
  /// a sixteenth of the shorter side, 8 at most. In the last quarter of the steps the picture stands still.
  public var jitter: Int?
  /// The weight of the roughness, the mean squared difference of neighbours, in units of the gradient.
  public var smoothing: Double = 0.01
  /// Of the beginning and of the shifts.
  public var seed: UInt64 = 0

  /// The usual options.
  public init() {}
}

extension Model {
  /// A picture that most excites a channel of a layer, or a class: ascent along the gradient from grey noise, regularized
  /// (C. Olah, A. Mordvintsev, L. Schubert, "Feature Visualization", 2017).
  ///
  /// The picture moves by some pixels at each step, roughness costs, and every number stays one that a pixel can have. The best
  /// picture on the way is kept.
  ///
  /// - Parameters:
  ///   - layer: by name; `nil` for the network's scores, before a softmax.
  ///   - channel: of the layer, or the class. Of a map, the mean over its positions is made large.
  ///   - progress: told of the steps that are done; what it throws ends the work.
  /// - Throws: ``InsightError``, ``InferenceError``, ``GraphError``, ``EngineError``.
  public func maximized(
    layer: String? = nil, channel: Int, options: MaximizationOptions = .init(),
    compute: ComputeOptions = .init(), progress: (Int) throws -> Void = { _ in }
  ) throws -> FoundPicture {
    let preprocessing = try requiredPreprocessing()
    var network = try DifferentiatedModel(self, of: .weightedSum(of: layer), compute: compute)
    let shape = network.valueShape
    guard shape.rank >= 2, 0..<shape[1] ~= channel else {
      throw InsightError.setting(
        name: "the channel", value: "\(channel)",
        requirement: "from 0 to \((shape.dimensions.dropFirst().first ?? 1) - 1)")
    }
    guard 1...100_000 ~= options.steps, options.jitter ?? 0 >= 0, options.stepSize > 0 else {
      throw InsightError.setting(
        name: "steps, jitter or step size",
        value: "\(options.steps), \(options.jitter ?? 0), \(options.stepSize)",
        requirement: "at least one step, of a size above zero")
    }
    let positions = shape.dimensions.dropFirst(2).reduce(1, *)
    let weights = Tensor(
      network.oneHot(class: channel).elements.map { $0 / Float(positions) }, shape: shape)
    var search = PixelSearch(preprocessing, seed: options.seed, noise: 0.08)
    var numbers = RandomNumbers(
      RandomKey(seed: options.seed, purpose: .augmentation, index: 1))
    var best: (levels: [Float], value: Double)?
    func response(_ levels: [Float]) throws -> Double {
      try network.run(search.input(levels), weights: weights)
      let values = try network.value().elements
      return values[channel * positions..<(channel + 1) * positions]
        .reduce(0) { $0 + Double($1) } / Double(positions)
    }
    let side = min(preprocessing.height, preprocessing.width)
    let jitter = options.jitter ?? min(8, side / 16)
    for step in 0..<options.steps {
      let reach = 4 * step >= 3 * options.steps ? 0 : min(jitter, side / 4)
      let (down, right) = (
        numbers.integer(below: 2 * reach + 1) - reach, numbers.integer(below: 2 * reach + 1) - reach
      )
      let moved = search.rolled(search.levels, down, right)
      let value = try response(moved)
      guard value.isFinite else {
        throw InsightError.setting(
          name: "the response", value: "not finite", requirement: "a number; look at the weights")
      }
      if value > best?.value ?? -.infinity { best = (moved, value) }
      let slope = search.rolled(search.byLevels(try network.gradient()), -down, -right)
      search.ascend(slope, size: options.stepSize, smoothing: options.smoothing)
      try progress(step + 1)
    }
    let last = try response(search.levels)
    if last > best?.value ?? -.infinity { best = (search.levels, last) }
    let found = best ?? (search.levels, last)
    return FoundPicture(
      input: search.input(found.levels), image: search.image(found.levels), value: found.value)
  }

  /// A picture whose values at a layer are those of another, found from noise: what the layer still knows of the picture
  /// (A. Mahendran, A. Vedaldi, "Understanding Deep Image Representations by Inverting Them", 2015).
  ///
  /// Adam on the pixels, whose loss is the mean squared difference of the values, in units of the mean square of the wanted ones,
  /// and roughness.
  ///
  /// - Parameters:
  ///   - input: the prepared picture whose values are wanted.
  ///   - layer: by name; `nil` for ``lastSpatialLayer``.
  ///   - smoothing: the weight of the roughness.
  /// - Returns: the picture, and the root mean square of the difference of the values in units of that of the wanted ones.
  /// - Throws: ``InsightError``, ``InferenceError``, ``GraphError``, ``EngineError``.
  public func inverted(
    _ input: Tensor, layer: String? = nil, steps: Int = 400, smoothing: Double = 0.02,
    seed: UInt64 = 0, compute: ComputeOptions = .init(), progress: (Int) throws -> Void = { _ in }
  ) throws -> FoundPicture {
    let preprocessing = try requiredPreprocessing()
    guard let layer = layer ?? lastSpatialLayer ?? penultimateLayer else {
      throw InsightError.noLayer(model: graph.name, kind: "layer to invert")
    }
    guard 1...100_000 ~= steps else {
      throw InsightError.setting(name: "steps", value: "\(steps)", requirement: "from 1 to 100000")
    }
    var network = try DifferentiatedModel(
      self, of: .squaredDifference(of: layer), compute: compute)
    try network.run(batch(of: [input]), weights: Tensor(zeros: network.valueShape))
    let wanted = try network.value()
    let unit = max(try network.squaredDifference(), 1e-30)
    var search = PixelSearch(preprocessing, seed: seed, noise: 0.1)
    var best: (levels: [Float], value: Double)?
    for step in 0..<steps {
      try network.run(search.input(search.levels), weights: wanted)
      let difference = try network.squaredDifference() / unit
      if difference < best?.value ?? .infinity { best = (search.levels, difference) }
      let slope = search.byLevels(try network.gradient()).map { $0 / Float(unit) }
      // The rate falls to a tenth: coarse first, then fine.
      let rate = 0.05 * pow(0.1, Double(step) / Double(steps))
      search.descend(slope, rate: rate, smoothing: smoothing)
      try progress(step + 1)
    }
    let found = best ?? (search.levels, .infinity)
    return FoundPicture(
      input: search.input(found.levels), image: search.image(found.levels),
      value: found.value.squareRoot())
  }

  /// How far two pictures are from each other at a layer: the root mean square of the difference, in units of that of the first.
  public func featureDistance(
    from first: Tensor, to second: Tensor, layer: String, compute: ComputeOptions = .init()
  ) throws -> Double {
    var executable = try executable(batch: 1, outputs: [layer], compute: compute)
    func values(_ input: Tensor) throws -> [Float] {
      try executable.write(batch(of: [input]), to: inputName)
      try executable.run()
      return try executable.output(layer).elements
    }
    let (one, two) = (try values(first), try values(second))
    let difference = zip(one, two).reduce(0.0) { $0 + pow(Double($1.0) - Double($1.1), 2) }
    let size = one.reduce(0.0) { $0 + Double($1) * Double($1) }
    return (difference / max(size, 1e-30)).squareRoot()
  }
}

/// A picture that moves towards a goal: levels from 0 to 1, [channels, height, width], red first.
private struct PixelSearch {
  let preprocessing: Preprocessing
  var levels: [Float]
  private var first: [Float]
  private var second: [Float]
  private var step = 0
  private var numbers: RandomNumbers

  private var height: Int { preprocessing.height }
  private var width: Int { preprocessing.width }
  private var channels: Int { preprocessing.channels }

  init(_ preprocessing: Preprocessing, seed: UInt64, noise: Float) {
    self.preprocessing = preprocessing
    var numbers = RandomNumbers(RandomKey(seed: seed, purpose: .input))
    let count = preprocessing.height * preprocessing.width * preprocessing.channels
    levels = (0..<count).map { _ in max(0, min(1, 0.5 + noise * numbers.normal())) }
    self.numbers = numbers
    first = [Float](repeating: 0, count: count)
    second = first
  }

  private func forEachPlace(
    _ body: (_ index: Int, _ row: Int, _ column: Int, _ channel: Int) -> Void
  ) {
    var index = 0
    for channel in 0..<channels {
      for row in 0..<height {
        for column in 0..<width {
          body(index, row, column, channel)
          index += 1
        }
      }
    }
  }

  /// As the network reads them.
  func input(_ levels: [Float]) -> Tensor {
    Tensor(shape: Shape([1] + preprocessing.shape.dimensions)) { target in
      var index = 0
      for channel in 0..<channels {
        for row in 0..<height {
          for column in 0..<width {
            let bounds = preprocessing.bounds(row, column, channel)
            target[preprocessing.place(row, column, channel)] =
              bounds.lowest + levels[index] * (bounds.highest - bounds.lowest)
            index += 1
          }
        }
      }
    }
  }

  func image(_ levels: [Float]) -> Image {
    preprocessing.picture(input(levels))
  }

  /// The gradient by the levels, of that by the input in logical order.
  func byLevels(_ gradient: Tensor) -> [Float] {
    let elements = gradient.elements
    var result = [Float](repeating: 0, count: levels.count)
    forEachPlace { index, row, column, channel in
      let stored = preprocessing.channelOrder == .rgb ? channel : channels - 1 - channel
      let bounds = preprocessing.bounds(row, column, channel)
      result[index] =
        elements[(stored * height + row) * width + column] * (bounds.highest - bounds.lowest)
    }
    return result
  }

  /// Moved down and right; what leaves on one side comes back on the other.
  func rolled(_ values: [Float], _ down: Int, _ right: Int) -> [Float] {
    guard down != 0 || right != 0 else { return values }
    var result = values
    forEachPlace { index, row, column, channel in
      let y = (row + down % height + height) % height
      let x = (column + right % width + width) % width
      result[(channel * height + y) * width + x] = values[index]
    }
    return result
  }

  /// The gradient of the mean squared difference of neighbours, without the factor.
  private func roughness() -> [Float] {
    var result = [Float](repeating: 0, count: levels.count)
    forEachPlace { index, row, column, _ in
      var sum: Float = 0
      if row > 0 { sum += levels[index] - levels[index - width] }
      if row + 1 < height { sum += levels[index] - levels[index + width] }
      if column > 0 { sum += levels[index] - levels[index - 1] }
      if column + 1 < width { sum += levels[index] - levels[index + 1] }
      result[index] = sum
    }
    return result
  }

  private mutating func clamp() {
    for index in levels.indices { levels[index] = max(0, min(1, levels[index])) }
  }

  /// A step of a length along a gradient, less roughness.
  mutating func ascend(_ slope: [Float], size: Double, smoothing: Double) {
    let length = slope.reduce(0.0) { $0 + Double(abs($1)) } / Double(slope.count)
    // Where nothing answers there is no slope: other noise may be answered.
    guard length > 1e-20 else {
      for index in levels.indices { levels[index] = max(0, min(1, 0.5 + 0.3 * numbers.normal())) }
      return
    }
    let factor = Float(size / length)
    let rough = roughness()
    for index in levels.indices {
      levels[index] +=
        max(-0.25, min(0.25, factor * slope[index])) - Float(smoothing) * rough[index]
    }
    clamp()
  }

  /// A step of Adam down a gradient and roughness.
  mutating func descend(_ slope: [Float], rate: Double, smoothing: Double) {
    step += 1
    let rough = roughness()
    let (one, two) = (1 - pow(0.9, Double(step)), 1 - pow(0.999, Double(step)))
    let weight = Float(smoothing / Double(levels.count))
    for index in levels.indices {
      let g = slope[index] + weight * rough[index]
      first[index] = 0.9 * first[index] + 0.1 * g
      second[index] = 0.999 * second[index] + 0.001 * g * g
      levels[index] -=
        Float(rate) * (first[index] / Float(one))
        / ((second[index] / Float(two)).squareRoot() + 1e-10)
    }
    clamp()
  }
}
