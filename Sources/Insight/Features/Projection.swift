import ConvNetFiles
public import ConvNetTensors
import Foundation

/// Points of many dimensions, a row each, and ways to bring them into the plane.
public struct PointCloud: Sendable {
  /// Points.
  public let count: Int
  /// Numbers of a point.
  public let dimensions: Int
  /// Row by row.
  let values: [Float]

  /// The rows of a matrix: a tensor [points, ...].
  ///
  /// - Throws: ``InsightError/tooFew(what:count:least:)`` for fewer than three points,
  ///   ``InsightError/setting(name:value:requirement:)``
  ///   for numbers that are not finite.
  public init(_ tensor: Tensor) throws(InsightError) {
    let rows = tensor.shape.dimensions.first ?? 0
    guard rows >= 3 else { throw .tooFew(what: "points", count: rows, least: 3) }
    count = rows
    dimensions = tensor.count / rows
    values = tensor.elements
    guard values.allSatisfy(\.isFinite) else {
      throw .setting(name: "a feature", value: "not finite", requirement: "a number")
    }
  }

  /// The squared Euclidean distance of each two points, row by row.
  func squaredDistances() -> [Double] {
    var result = [Double](repeating: 0, count: count * count)
    values.withUnsafeBufferPointer { values in
      for i in 0..<count {
        for j in 0..<i {
          var sum: Float = 0
          for k in 0..<dimensions {
            let difference = values[i * dimensions + k] - values[j * dimensions + k]
            sum += difference * difference
          }
          result[i * count + j] = Double(sum)
          result[j * count + i] = Double(sum)
        }
      }
    }
    return result
  }

  /// The first principal components of the points: for each the coordinates along them, and the share of the variance of each.
  ///
  /// Found by orthogonal iteration; the sign of a component is such that its largest coordinate is positive.
  public func principalComponents(_ wanted: Int = 2) -> (coordinates: [[Double]], shares: [Double])
  {
    let wanted = min(wanted, dimensions, count)
    var means = [Double](repeating: 0, count: dimensions)
    for i in 0..<count {
      for k in 0..<dimensions { means[k] += Double(values[i * dimensions + k]) }
    }
    means = means.map { $0 / Double(count) }
    var centered = [Float](repeating: 0, count: values.count)
    var total = 0.0
    for index in values.indices {
      centered[index] = Float(Double(values[index]) - means[index % dimensions])
      total += Double(centered[index]) * Double(centered[index])
    }
    // A few more directions than wanted, which makes the wanted ones settle sooner.
    let rank = min(wanted + 6, dimensions, count)
    var numbers = RandomNumbers(RandomKey(seed: 0, purpose: .initialization))
    var directions = (0..<rank).map { _ in (0..<dimensions).map { _ in Double(numbers.normal()) } }
    var projected: [[Double]] = []
    for _ in 0..<60 {
      Self.orthonormalize(&directions)
      projected = directions.map { direction in
        (0..<count).map { i in
          var sum = 0.0
          for k in 0..<dimensions { sum += Double(centered[i * dimensions + k]) * direction[k] }
          return sum
        }
      }
      let before = directions
      directions = projected.map { scores in
        var next = [Double](repeating: 0, count: dimensions)
        for i in 0..<count {
          let score = scores[i]
          for k in 0..<dimensions { next[k] += score * Double(centered[i * dimensions + k]) }
        }
        return next
      }
      // Those of a cloud in a line, or a point, are zero.
      for index in directions.indices where directions[index].allSatisfy({ $0 == 0 }) {
        directions[index] = before[index]
      }
    }
    // Of the directions' span, the axes: iteration alone would take long to tell near ones apart.
    let products = projected.map { one in
      projected.map { two in zip(one, two).reduce(0) { $0 + $1.0 * $1.1 } }
    }
    let (variances, axes) = symmetricEigenvectors(products)
    projected = axes.map { axis in
      (0..<count).map { i in zip(axis, projected).reduce(0) { $0 + $1.0 * $1.1[i] } }
    }
    let order = variances.indices.sorted { variances[$0] > variances[$1] }.prefix(wanted)
    let coordinates = (0..<count).map { i in
      order.map { component -> Double in
        let largest = projected[component].max { abs($0) < abs($1) } ?? 1
        return projected[component][i] * (largest < 0 ? -1 : 1)
      }
    }
    return (coordinates, order.map { total > 0 ? variances[$0] / total : 0 })
  }

  /// Gram and Schmidt, twice: what rounding leaves of a direction within the others' span is no direction, and becomes zero.
  private static func orthonormalize(_ vectors: inout [[Double]]) {
    func length(_ vector: [Double]) -> Double {
      vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
    }
    for i in vectors.indices {
      let before = length(vectors[i])
      for _ in 0..<2 {
        for j in 0..<i {
          let product = zip(vectors[i], vectors[j]).reduce(0) { $0 + $1.0 * $1.1 }
          for k in vectors[i].indices { vectors[i][k] -= product * vectors[j][k] }
        }
      }
      let after = length(vectors[i])
      let factor = after > 1e-10 * before ? 1 / after : 0
      for k in vectors[i].indices { vectors[i][k] *= factor }
    }
  }

  /// Points that t-SNE takes at most: its time and memory grow with their square.
  public static let neighbourEmbeddingLimit = 5000

  /// t-SNE: places in the plane in which neighbours stay neighbours (L. van der Maaten, G. Hinton, "Visualizing Data using
  /// t-SNE", 2008), begun at the principal components, with the learning rate of A. Belkina et al., 2019, a twelfth of the
  /// points.
  ///
  /// - Parameters:
  ///   - perplexity: about how many neighbours each point has; at most a third of the points.
  ///   - iterations: steps of the descent, 250 of them with early exaggeration.
  ///   - progress: told of the steps that are done; what it throws ends the work.
  /// - Throws: ``InsightError`` for too many points, or a perplexity that they are too few for.
  public func neighbourEmbedding(
    perplexity: Double = 30, iterations: Int = 1000, progress: (Int) throws -> Void = { _ in }
  ) throws -> [[Double]] {
    guard count <= Self.neighbourEmbeddingLimit else {
      throw InsightError.tooMuch(
        what: "points", count: count, limit: Self.neighbourEmbeddingLimit,
        advice: "take a part of them")
    }
    guard perplexity > 1, perplexity * 3 <= Double(count - 1) else {
      throw InsightError.setting(
        name: "the perplexity", value: String(format: "%.4g", perplexity),
        requirement: "above 1, and at most \((count - 1) / 3), a third of the other points")
    }
    guard 1...100_000 ~= iterations else {
      throw InsightError.setting(
        name: "iterations", value: "\(iterations)", requirement: "from 1 to 100000")
    }
    var affinities = Self.affinities(squaredDistances(), count: count, perplexity: perplexity)
    // Symmetric, of sum one.
    var sum = 0.0
    for i in 0..<count {
      for j in 0..<i {
        let both = affinities[i * count + j] + affinities[j * count + i]
        affinities[i * count + j] = both
        affinities[j * count + i] = both
        sum += 2 * both
      }
      affinities[i * count + i] = 0
    }
    let p = affinities.map { max(Float($0 / sum), 1e-12) }
    let start = principalComponents(2).coordinates
    let deviation = (start.reduce(0) { $0 + $1[0] * $1[0] } / Double(count)).squareRoot()
    let scale = deviation > 0 ? 1e-4 / deviation : 1
    var x = start.map { Float($0[0] * scale) }
    var y = start.map { Float(($0.count > 1 ? $0[1] : 0) * scale) }
    var numbers = RandomNumbers(RandomKey(seed: 0, purpose: .initialization, index: 1))
    // Points in one place would stay there.
    for i in 0..<count {
      x[i] += 1e-7 * numbers.normal()
      y[i] += 1e-7 * numbers.normal()
    }
    let rate = Float(max(50, Double(count) / 12))
    var (speedX, speedY) = (
      [Float](repeating: 0, count: count), [Float](repeating: 0, count: count)
    )
    var (gainX, gainY) = ([Float](repeating: 1, count: count), [Float](repeating: 1, count: count))
    var weights = [Float](repeating: 0, count: count * count)
    let early = min(250, iterations / 2)
    for step in 0..<iterations {
      let exaggeration: Float = step < early ? 12 : 1
      let momentum: Float = step < early ? 0.5 : 0.8
      let (slopeX, slopeY) = Self.gradient(
        x, y, p, exaggeration: exaggeration, weights: &weights)
      func move(_ place: inout Float, _ speed: inout Float, _ gain: inout Float, _ slope: Float) {
        gain = max(0.01, (slope > 0) == (speed > 0) ? gain * 0.8 : gain + 0.2)
        speed = momentum * speed - rate * gain * slope
        place += speed
      }
      for i in 0..<count {
        move(&x[i], &speedX[i], &gainX[i], slopeX[i])
        move(&y[i], &speedY[i], &gainY[i], slopeY[i])
      }
      let (meanX, meanY) = (x.reduce(0, +) / Float(count), y.reduce(0, +) / Float(count))
      for i in 0..<count {
        x[i] -= meanX
        y[i] -= meanY
      }
      try progress(step + 1)
    }
    return zip(x, y).map { [Double($0), Double($1)] }
  }

  /// 4 sum over j of (p[ij] - q[ij]) w[ij] (y[i] - y[j]), with w = 1 / (1 + distance^2) and q its share in the sum of all.
  private static func gradient(
    _ x: [Float], _ y: [Float], _ p: [Float], exaggeration: Float, weights: inout [Float]
  ) -> ([Float], [Float]) {
    let count = x.count
    var (slopeX, slopeY) = (
      [Float](repeating: 0, count: count), [Float](repeating: 0, count: count)
    )
    x.withUnsafeBufferPointer { x in
      y.withUnsafeBufferPointer { y in
        p.withUnsafeBufferPointer { p in
          weights.withUnsafeMutableBufferPointer { w in
            var total = 0.0
            for i in 0..<count {
              var sum: Float = 0
              for j in 0..<i {
                let (dx, dy) = (x[i] - x[j], y[i] - y[j])
                let weight = 1 / (1 + dx * dx + dy * dy)
                w[i * count + j] = weight
                w[j * count + i] = weight
                sum += weight
              }
              w[i * count + i] = 0
              total += 2 * Double(sum)
            }
            let inverse = Float(1 / total)
            for i in 0..<count {
              var (sumX, sumY): (Float, Float) = (0, 0)
              for j in 0..<count {
                let weight = w[i * count + j]
                let force = (exaggeration * p[i * count + j] - weight * inverse) * weight
                sumX += force * (x[i] - x[j])
                sumY += force * (y[i] - y[j])
              }
              slopeX[i] = 4 * sumX
              slopeY[i] = 4 * sumY
            }
          }
        }
      }
    }
    return (slopeX, slopeY)
  }

  /// Of each point the probabilities of its neighbours, by a bell that is as wide as the perplexity asks for.
  private static func affinities(_ distances: [Double], count: Int, perplexity: Double) -> [Double]
  {
    let goal = log(perplexity)
    var result = [Double](repeating: 0, count: distances.count)
    for i in 0..<count {
      var (beta, lowest, highest) = (1.0, 0.0, Double.infinity)
      let row = distances[i * count..<(i + 1) * count]
      let nearest = row.enumerated().filter { $0.offset != i }.map(\.element).min() ?? 0
      let mean = row.reduce(0, +) / Double(count)
      beta = mean > 0 ? 1 / mean : 1
      for _ in 0..<100 {
        var (sum, weighted) = (0.0, 0.0)
        for (j, distance) in row.enumerated() where j != i {
          let weight = exp(-beta * (distance - nearest))
          sum += weight
          weighted += weight * (distance - nearest)
        }
        let entropy = log(sum) + beta * weighted / sum
        if abs(entropy - goal) < 1e-6 { break }
        if entropy > goal {
          lowest = beta
          beta = highest.isInfinite ? beta * 2 : (beta + highest) / 2
        } else {
          highest = beta
          beta = (beta + lowest) / 2
        }
      }
      var sum = 0.0
      for (j, distance) in row.enumerated() where j != i {
        result[i * count + j] = exp(-beta * (distance - nearest))
        sum += result[i * count + j]
      }
      for j in 0..<count { result[i * count + j] /= sum }
    }
    return result
  }

  /// The points nearest to one, by Euclidean distance, nearest first.
  public func nearest(to index: Int, count wanted: Int) -> [(index: Int, distance: Double)] {
    let point = (0..<dimensions).map { values[index * dimensions + $0] }
    return Array(nearest(to: point, count: wanted + 1).filter { $0.index != index }.prefix(wanted))
  }

  /// The points nearest to a place, nearest first.
  ///
  /// - Precondition: as many numbers as a point has.
  public func nearest(to place: [Float], count wanted: Int) -> [(index: Int, distance: Double)] {
    guard place.count == dimensions else {
      fatalError("a place of \(place.count) numbers among points of \(dimensions)")
    }
    let distances = (0..<count).map { i -> Double in
      var sum = 0.0
      for k in 0..<dimensions {
        let difference = Double(values[i * dimensions + k]) - Double(place[k])
        sum += difference * difference
      }
      return sum.squareRoot()
    }
    return distances.indices.sorted { (distances[$0], $0) < (distances[$1], $1) }.prefix(
      max(0, wanted)
    )
    .map { ($0, distances[$0]) }
  }

  /// Whether neighbours in the plane are neighbours in fact: 1 where all are, less the farther those are that are not
  /// (J. Venna, S. Kaski, "Neighborhood Preservation in Nonlinear Projection Methods", 2001),
  ///
  ///     1 - 2 / (n k (2n - 3k - 1)) sum over i and its k neighbours j in the plane of max(0, rank(i, j) - k).
  ///
  /// - Parameter neighbours: k, below half of the points.
  /// - Throws: ``InsightError/setting(name:value:requirement:)``.
  public func trustworthiness(of plane: [[Double]], neighbours: Int = 5) throws -> Double {
    guard 1..<(count + 1) / 2 ~= neighbours, plane.count == count else {
      throw InsightError.setting(
        name: "neighbours", value: "\(neighbours)",
        requirement: "from 1 to below half of the \(count) points")
    }
    let distances = squaredDistances()
    var penalty = 0
    for i in 0..<count {
      let order = (0..<count).filter { $0 != i }
        .sorted { (distances[i * count + $0], $0) < (distances[i * count + $1], $1) }
      var rank = [Int](repeating: 0, count: count)
      for (place, j) in order.enumerated() { rank[j] = place + 1 }
      let near = (0..<count).filter { $0 != i }.map { j in
        (j, zip(plane[i], plane[j]).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) })
      }.sorted { ($0.1, $0.0) < ($1.1, $1.0) }.prefix(neighbours)
      penalty += near.reduce(0) { $0 + max(0, rank[$1.0] - neighbours) }
    }
    let (n, k) = (Double(count), Double(neighbours))
    return 1 - Double(penalty) * 2 / (n * k * (2 * n - 3 * k - 1))
  }
}

/// The eigenvalues and the eigenvectors of a small symmetric matrix, by rotations that take its elements beside the diagonal to
/// zero (C. Jacobi, 1846).
private func symmetricEigenvectors(_ matrix: [[Double]]) -> (values: [Double], vectors: [[Double]])
{
  let count = matrix.count
  var a = matrix
  var vectors = (0..<count).map { i in (0..<count).map { $0 == i ? 1.0 : 0 } }
  let size = matrix.joined().reduce(0) { $0 + $1 * $1 }
  for _ in 0..<60 {
    var rest = 0.0
    for p in 0..<count {
      for q in 0..<p {
        rest += a[p][q] * a[p][q]
        guard abs(a[p][q]) > 1e-300 else { continue }
        let ratio = (a[q][q] - a[p][p]) / (2 * a[p][q])
        let tangent =
          (ratio >= 0 ? 1 : -1) / (abs(ratio) + (ratio * ratio + 1).squareRoot())
        let cosine = 1 / (tangent * tangent + 1).squareRoot()
        let sine = tangent * cosine
        for k in 0..<count {
          let (x, y) = (a[k][p], a[k][q])
          (a[k][p], a[k][q]) = (cosine * x - sine * y, sine * x + cosine * y)
        }
        for k in 0..<count {
          let (x, y) = (a[p][k], a[q][k])
          (a[p][k], a[q][k]) = (cosine * x - sine * y, sine * x + cosine * y)
          let (u, v) = (vectors[p][k], vectors[q][k])
          (vectors[p][k], vectors[q][k]) = (cosine * u - sine * v, sine * u + cosine * v)
        }
      }
    }
    if rest <= 1e-28 * size { break }
  }
  return ((0..<count).map { a[$0][$0] }, vectors)
}
