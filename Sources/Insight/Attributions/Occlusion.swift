public import ConvNetEngine
import ConvNetGraphs
import ConvNetInference
public import ConvNetLayers
public import ConvNetTensors
import Foundation

extension Model {
  /// Occlusion: a grey square moves over the picture, and what the class's probability loses while a place is covered is what it
  /// mattered (M. Zeiler, R. Fergus, "Visualizing and Understanding Convolutional Networks", 2014, section 4.2).
  ///
  /// A pixel's number is the mean over the squares that cover it. The grey is the picture's own mean, channel by channel.
  ///
  /// - Parameters:
  ///   - input: one prepared picture, in ``Model/dataFormat``.
  ///   - classes: of each there is an attribution; all are of the same runs.
  ///   - side: of the square, in pixels of the input; `nil` for a sixth of the shorter side.
  ///   - stride: pixels from one place to the next; `nil` for half a side.
  ///   - progress: told of the squares that are done, of all; what it throws ends the work.
  /// - Throws: ``InsightError`` where the square is larger than the picture, or the squares are more than a hundred thousand;
  ///   ``InferenceError``, ``GraphError`` and ``EngineError``.
  public func occlusion(
    of input: Tensor, classes: [Int], side: Int? = nil, stride: Int? = nil, batchSize: Int = 16,
    compute: ComputeOptions = .init(), progress: (Int, Int) throws -> Void = { _, _ in }
  ) throws -> [Attribution] {
    try requireClasses(classes)
    let (channels, height, width) = try pictureExtents()
    let side = side ?? max(1, min(height, width) / 6)
    let step = stride ?? max(1, side / 2)
    guard 1...min(height, width) ~= side else {
      throw InsightError.setting(
        name: "side", value: "\(side)", requirement: "from 1 to \(min(height, width))")
    }
    guard 1...side ~= step else {
      throw InsightError.setting(
        name: "stride", value: "\(step)",
        requirement: "from 1 to \(side), the side of the square, so that every pixel is covered")
    }
    guard batchSize > 0 else { throw InferenceError.belowOne(name: "batchSize", actual: batchSize) }
    let places = Self.starts(height, side, step).flatMap { row in
      Self.starts(width, side, step).map { (row: row, column: $0) }
    }
    let limit = 100_000
    guard places.count <= limit else {
      throw InsightError.tooMuch(
        what: "squares", count: places.count, limit: limit, advice: "take a larger stride")
    }
    let picture = try batch(of: [input]).inLogicalOrder(from: dataFormat).elements
    let area = height * width
    let means = (0..<channels).map { channel in
      picture[channel * area..<(channel + 1) * area].reduce(0) { $0 + Double($1) } / Double(area)
    }
    let batch = min(batchSize, places.count)
    var executable = try executable(batch: batch, compute: compute)
    let output = mainOutput?.name ?? ""
    let plain = try probabilities(of: input, compute: compute)
    var sums = classes.map { _ in [Double](repeating: 0, count: area) }
    var counts = [Double](repeating: 0, count: area)
    for first in Swift.stride(from: 0, to: places.count, by: batch) {
      let part = places[first..<min(first + batch, places.count)]
      var elements: [Float] = []
      for place in part {
        var covered = picture
        for channel in 0..<channels {
          for row in place.row..<place.row + side {
            for column in place.column..<place.column + side {
              covered[channel * area + row * width + column] = Float(means[channel])
            }
          }
        }
        elements += covered
      }
      elements += [Float](
        repeating: 0, count: (batch - part.count) * channels * area)
      let inputs = Tensor(elements, shape: [batch, channels, height, width]).inOrder(dataFormat)
      try executable.write(inputs, to: inputName)
      try executable.run()
      let scores = try executable.output(output)
      for (example, place) in part.enumerated() {
        let now = softmax(scores, example: example)
        for row in place.row..<place.row + side {
          for column in place.column..<place.column + side {
            let index = row * width + column
            counts[index] += 1
            for (number, classIndex) in classes.enumerated() {
              sums[number][index] += plain.probabilities[classIndex] - now[classIndex]
            }
          }
        }
      }
      try progress(min(first + batch, places.count), places.count)
    }
    return classes.enumerated().map { number, classIndex in
      Attribution(
        classIndex: classIndex, score: plain.scores[classIndex],
        plane: Plane(
          height: height, width: width,
          values: zip(sums[number], counts).map { Float($0 / max(1, $1)) }), isSigned: true)
    }
  }

  /// The first position of every square along an axis: every `step`, and the last that there is room for.
  private static func starts(_ extent: Int, _ side: Int, _ step: Int) -> [Int] {
    var starts = Array(Swift.stride(from: 0, through: extent - side, by: step))
    if let last = starts.last, last < extent - side { starts.append(extent - side) }
    return starts
  }

  /// What the network says of one prepared picture: its scores, and probabilities by a softmax of them.
  package func probabilities(
    of input: Tensor, compute: ComputeOptions = .init()
  ) throws -> (scores: [Double], probabilities: [Double]) {
    let result = try run(input, compute: compute)
    return (
      result.elements.prefix(classCount).map(Double.init), softmax(result, example: 0)
    )
  }

  private func softmax(_ result: Tensor, example: Int) -> [Double] {
    let count = result.count / max(1, result.shape[0])
    let scores = result.elements[example * count..<(example + 1) * count].map(Double.init)
    if endsInSoftmax { return scores }
    let largest = scores.max() ?? 0
    let powers = scores.map { exp($0 - largest) }
    let sum = powers.reduce(0, +)
    return powers.map { $0 / sum }
  }

  /// Whether the network's own result are probabilities already.
  private var endsInSoftmax: Bool {
    guard let output = mainOutput else { return false }
    return (try? scoreName()) != output.name
  }
}
