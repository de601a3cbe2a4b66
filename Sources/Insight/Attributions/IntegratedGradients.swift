public import ConvNetEngine
import ConvNetInference
public import ConvNetLayers
public import ConvNetTensors
import Foundation

/// What integrated gradients say of a picture and a class.
public struct IntegratedGradients: Sendable {
  /// Each number of the input's share in the score: [channels, height, width].
  public var shares: Tensor
  /// The network's score of the picture.
  public var score: Double
  /// The network's score of the baseline.
  public var baselineScore: Double
  /// The sum of all shares, by channel, at each pixel.
  public var attribution: Attribution

  /// By how much the shares' sum misses the difference of the two scores, which it is for an integral without error
  /// (completeness): the error of the sum in its place.
  public var completenessGap: Double {
    attribution.plane.sum - (score - baselineScore)
  }
}

extension Model {
  /// Integrated gradients: the way from a baseline to the picture, and along it what each number of the input adds to the score:
  ///
  ///     share[i] = (x[i] - b[i]) integral from 0 to 1 of ds/dx[i] at b + t (x - b) dt
  ///
  /// (M. Sundararajan, A. Taly, Q. Yan, "Axiomatic Attribution for Deep Networks", 2017, equation 1). The integral is a sum at
  /// the nodes of Gauss and Legendre.
  ///
  /// - Parameters:
  ///   - input: one prepared picture, in ``Model/dataFormat``.
  ///   - classIndex: whose score is shared out.
  ///   - baseline: a picture that says nothing, prepared alike; `nil` for zeros.
  ///   - steps: nodes of the sum, 1 to 1000.
  ///   - batchSize: pictures that are computed at once.
  ///   - progress: told of the steps that are done; what it throws ends the work.
  /// - Throws: ``InsightError``, ``InferenceError``, ``GraphError`` and ``EngineError``.
  public func integratedGradients(
    of input: Tensor, class classIndex: Int, baseline: Tensor? = nil, steps: Int = 50,
    batchSize: Int = 8, compute: ComputeOptions = .init(), progress: (Int) throws -> Void = { _ in }
  ) throws -> IntegratedGradients {
    try requireClasses([classIndex])
    let extents = try pictureExtents()
    guard 1...1000 ~= steps else {
      throw InsightError.setting(name: "steps", value: "\(steps)", requirement: "from 1 to 1000")
    }
    guard batchSize > 0 else { throw InferenceError.belowOne(name: "batchSize", actual: batchSize) }
    let batch = min(batchSize, steps)
    let end = try self.batch(of: [input]).elements
    let start = try self.batch(of: [baseline ?? Tensor(zeros: input.shape)]).elements
    var network = try DifferentiatedModel(self, batch: batch, compute: compute)
    let weights = network.oneHot(class: classIndex)
    let shape = Shape([batch] + dataFormat.ordered([1] + inputExtents).dropFirst())
    func run(at places: [Double]) throws {
      let elements = places.flatMap { place in
        zip(start, end).map { Float(Double($0) + place * (Double($1) - Double($0))) }
      }
      try network.run(Tensor(elements, shape: shape), weights: weights)
    }

    let nodes = gaussLegendre(steps)
    let count = end.count
    var sums = [Double](repeating: 0, count: count)
    for first in stride(from: 0, to: steps, by: batch) {
      let part = nodes[first..<min(first + batch, steps)]
      try run(at: part.map(\.place) + [Double](repeating: 0, count: batch - part.count))
      let gradients = try network.gradient().elements
      for (example, node) in part.enumerated() {
        for index in 0..<count {
          sums[index] += node.weight * Double(gradients[example * count + index])
        }
      }
      try progress(min(first + batch, steps))
    }
    func score(at place: Double) throws -> Double {
      try run(at: [Double](repeating: place, count: batch))
      return try network.value().scores(of: [classIndex])[0]
    }
    let (score, baselineScore) = (try score(at: 1), try score(at: 0))
    // The gradients are in logical order, the inputs in the model's.
    func logical(_ elements: [Float]) -> [Float] {
      Tensor(elements, shape: Shape([1] + shape.dimensions.dropFirst()))
        .inLogicalOrder(from: dataFormat).elements
    }
    let (from, to) = (logical(start), logical(end))
    let shares = sums.indices.map { Float((Double(to[$0]) - Double(from[$0])) * sums[$0]) }
    let tensor = Tensor(shares, shape: [1, extents.channels, extents.height, extents.width])
    return IntegratedGradients(
      shares: tensor.reshaped(to: [extents.channels, extents.height, extents.width]), score: score,
      baselineScore: baselineScore,
      attribution: Attribution(
        classIndex: classIndex, score: score, plane: Plane.all(of: tensor).combined(+),
        isSigned: true))
  }
}

/// The nodes and weights of the quadrature of Gauss and Legendre on 0...1: exact for polynomials up to degree 2n - 1. Newton's
/// method on the Legendre polynomial from Chebyshev's points.
///
/// - Precondition: `count` is at least 1.
package func gaussLegendre(_ count: Int) -> [(place: Double, weight: Double)] {
  let n = Double(count)
  return (1...count).map { index in
    var x = cos(.pi * (Double(index) - 0.25) / (n + 0.5))
    var slope = 0.0
    for _ in 0..<100 {
      var (previous, current) = (1.0, x)
      for degree in stride(from: 2.0, through: n, by: 1) {
        (previous, current) = (
          current, ((2 * degree - 1) * x * current - (degree - 1) * previous) / degree
        )
      }
      slope = n * (x * current - previous) / (x * x - 1)
      let step = current / slope
      x -= step
      if abs(step) < 1e-15 { break }
    }
    return ((1 - x) / 2, 1 / ((1 - x * x) * slope * slope))
  }
}
