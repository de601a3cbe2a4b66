import Foundation

/// A Gabor function: a wave under a bell, as simple cells of the primary visual cortex are described by
/// (I. Goodfellow, Y. Bengio, A. Courville, "Deep Learning", 2016, equations 9.16 to 9.19):
///
///     g(x, y) = amplitude exp(-u^2 / 2 a^2 - v^2 / 2 b^2) cos(2 pi f u + phase) + offset
///     u = (x - x0) cos t + (y - y0) sin t,    v = -(x - x0) sin t + (y - y0) cos t
///
/// x goes right and y down, in pixels from the middle of the kernel.
public struct GaborFunction: Hashable, Sendable, Codable {
  /// The height of the wave, above zero.
  public var amplitude: Double
  /// x0.
  public var x: Double
  /// y0.
  public var y: Double
  /// t, in which direction the wave goes, in radians from 0 to pi.
  public var orientation: Double
  /// f, in waves a pixel.
  public var frequency: Double
  /// In radians, from -pi to pi: 0 is even, +-pi / 2 odd.
  public var phase: Double
  /// a, the bell's deviation along the wave, in pixels.
  public var alongWave: Double
  /// b, the bell's deviation across the wave, in pixels.
  public var acrossWave: Double
  /// What is added everywhere.
  public var offset: Double

  /// A function of these parameters.
  public init(
    amplitude: Double = 1, x: Double = 0, y: Double = 0, orientation: Double, frequency: Double,
    phase: Double = 0, alongWave: Double, acrossWave: Double, offset: Double = 0
  ) {
    (self.amplitude, self.x, self.y) = (amplitude, x, y)
    (self.orientation, self.frequency, self.phase) = (orientation, frequency, phase)
    (self.alongWave, self.acrossWave, self.offset) = (alongWave, acrossWave, offset)
  }

  /// The function at each pixel of a kernel.
  public func plane(height: Int, width: Int) -> Plane {
    var values: [Float] = []
    for row in 0..<height {
      for column in 0..<width {
        let dx = Double(column) - Double(width - 1) / 2 - x
        let dy = Double(row) - Double(height - 1) / 2 - y
        let u = dx * cos(orientation) + dy * sin(orientation)
        let v = -dx * sin(orientation) + dy * cos(orientation)
        let bell = exp(
          -u * u / (2 * alongWave * alongWave) - v * v / (2 * acrossWave * acrossWave))
        values.append(
          Float(amplitude * bell * cos(2 * .pi * frequency * u + phase) + offset))
      }
    }
    return Plane(height: height, width: width, values: values)
  }

  /// The bell's width across the wave in units of its width along it: above one it is longer than wide.
  public var aspect: Double { acrossWave / alongWave }

  /// How wide a band of frequencies it answers to, at half its height, in octaves; `nil` where the band reaches to zero.
  public var bandwidth: Double? {
    let half: Double = (log(2) / 2).squareRoot()
    let waves = .pi * alongWave * frequency
    return waves > half ? log2((waves + half) / (waves - half)) : nil
  }
}

/// How well a kernel is a Gabor function.
public struct GaborFit: Hashable, Sendable {
  /// The function.
  public var function: GaborFunction
  /// The share of the kernel's variance that it explains, from 0 to 1.
  public var explained: Double

  /// Numbers that a fit finds: a kernel must have more.
  public static let parameterCount = 9

  package init(function: GaborFunction, explained: Double) {
    (self.function, self.explained) = (function, explained)
  }
}

extension GaborFit {
  /// The Gabor function nearest to a kernel in the least squares, by the method of Levenberg and Marquardt from the best of a
  /// grid of beginnings (D. Marquardt, 1963).
  ///
  /// Height and phase enter as the factors of cosine and sine, in which the function is linear: at each beginning they are solved
  /// for.
  ///
  /// - Returns: `nil` where the kernel has no variance, or numbers that are not finite, or no more pixels than the function
  ///   has parameters.
  public init?(to kernel: Plane) {
    let values = kernel.values.map(Double.init)
    let mean = values.reduce(0, +) / Double(values.count)
    let total = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    guard total.isFinite, total > 1e-30, values.count > Self.parameterCount else { return nil }
    let scale = (total / Double(values.count)).squareRoot()
    let problem = Problem(
      height: kernel.height, width: kernel.width, values: values.map { ($0 - mean) / scale })
    var best: (parameters: [Double], error: Double)?
    for start in problem.beginnings() {
      let found = problem.minimized(from: start)
      if found.error < best?.error ?? .infinity { best = found }
    }
    guard let best else { return nil }
    function = problem.function(best.parameters, scale: scale, mean: mean)
    explained = max(0, 1 - best.error / Double(values.count))
  }
}

/// The least squares of one kernel, of mean 0 and variance 1.
private struct Problem {
  let height: Int
  let width: Int
  let values: [Double]

  private var side: Double { Double(max(height, width)) }

  // Parameters: c, s (of cosine and sine), x0, y0, t, log a, log b, f, offset.

  private func place(_ index: Int) -> (x: Double, y: Double) {
    (
      Double(index % width) - Double(width - 1) / 2,
      Double(index / width) - Double(height - 1) / 2
    )
  }

  /// The residual and its derivatives at a pixel.
  private func residual(_ p: [Double], _ index: Int, slope: inout [Double]) -> Double {
    let (x, y) = place(index)
    let (dx, dy) = (x - p[2], y - p[3])
    let (cosine, sine) = (cos(p[4]), sin(p[4]))
    let (u, v) = (dx * cosine + dy * sine, -dx * sine + dy * cosine)
    let (a, b) = (exp(p[5]), exp(p[6]))
    let bell = exp(-u * u / (2 * a * a) - v * v / (2 * b * b))
    let angle = 2 * .pi * p[7] * u
    let (even, odd) = (bell * cos(angle), bell * sin(angle))
    let value = p[0] * even + p[1] * odd
    // By u, from the bell and from the wave.
    let wave = 2 * .pi * p[7] * (-p[0] * odd + p[1] * even)
    let byU = -u / (a * a) * value + wave
    let byV = -v / (b * b) * value
    slope[0] = even
    slope[1] = odd
    slope[2] = -cosine * byU + sine * byV
    slope[3] = -sine * byU - cosine * byV
    slope[4] = v * byU - u * byV
    slope[5] = u * u / (a * a) * value
    slope[6] = v * v / (b * b) * value
    slope[7] = 2 * .pi * u * (-p[0] * odd + p[1] * even)
    slope[8] = 1
    return value + p[8] - values[index]
  }

  private func error(_ p: [Double]) -> Double {
    var slope = [Double](repeating: 0, count: GaborFit.parameterCount)
    return values.indices.reduce(0) { sum, index in
      let r = residual(p, index, slope: &slope)
      return sum + r * r
    }
  }

  /// The most promising of a grid of orientations, frequencies, widths and places.
  func beginnings() -> [[Double]] {
    // The middle of the energy, and the middle of the kernel.
    let energy = values.map { $0 * $0 }
    let sum = energy.reduce(0, +)
    let center = values.indices.reduce((x: 0.0, y: 0.0)) { center, index in
      let (x, y) = place(index)
      return (center.x + x * energy[index] / sum, center.y + y * energy[index] / sum)
    }
    var candidates: [(start: [Double], error: Double)] = []
    for (x, y) in [(center.x, center.y), (0, 0)] {
      for orientation in 0..<12 {
        for waves in [0.5, 0.8, 1.2, 1.7, 2.4, 3.3] where waves / side < 0.5 {
          for share in [0.12, 0.2, 0.32] {
            let start = [
              0, 0, x, y, Double(orientation) * .pi / 12, log(share * side), log(share * side),
              waves / side, 0,
            ]
            let solved = solvingLinear(start)
            candidates.append((solved, error(solved)))
          }
        }
      }
    }
    candidates.sort { $0.error < $1.error }
    // Beginnings that end in the same place tell nothing new.
    var chosen: [[Double]] = []
    for candidate in candidates where chosen.count < 6 {
      let isNew = chosen.allSatisfy {
        abs($0[4] - candidate.start[4]) > 0.1 || abs($0[7] - candidate.start[7]) * side > 0.3
          || abs($0[5] - candidate.start[5]) > 0.3
      }
      if isNew { chosen.append(candidate.start) }
    }
    return chosen
  }

  /// The same with the best factors of cosine and sine, and the best offset.
  private func solvingLinear(_ start: [Double]) -> [Double] {
    var slope = [Double](repeating: 0, count: GaborFit.parameterCount)
    var matrix = [[Double]](repeating: [0, 0, 0], count: 3)
    var target = [0.0, 0, 0]
    for index in values.indices {
      _ = residual(start, index, slope: &slope)
      let basis = [slope[0], slope[1], 1]
      for i in 0..<3 {
        for j in 0..<3 { matrix[i][j] += basis[i] * basis[j] }
        target[i] += basis[i] * values[index]
      }
    }
    for i in 0..<3 { matrix[i][i] += 1e-9 }
    guard let solution = solved(matrix, target) else { return start }
    var result = start
    (result[0], result[1], result[8]) = (solution[0], solution[1], solution[2])
    return result
  }

  /// Steps of (J'J + damping diagonal) d = -J'r while the error falls; the damping grows where it does not.
  func minimized(from start: [Double]) -> (parameters: [Double], error: Double) {
    let count = GaborFit.parameterCount
    var (p, damping) = (start, 1e-2)
    var current = error(p)
    var slope = [Double](repeating: 0, count: count)
    for _ in 0..<200 {
      var matrix = [[Double]](repeating: [Double](repeating: 0, count: count), count: count)
      var target = [Double](repeating: 0, count: count)
      for index in values.indices {
        let r = residual(p, index, slope: &slope)
        for i in 0..<count {
          for j in 0...i { matrix[i][j] += slope[i] * slope[j] }
          target[i] -= slope[i] * r
        }
      }
      for i in 0..<count { for j in 0..<i { matrix[j][i] = matrix[i][j] } }
      var isDone = true
      for _ in 0..<12 {
        var damped = matrix
        for i in 0..<count { damped[i][i] += damping * (matrix[i][i] + 1e-9) }
        guard let step = solved(damped, target) else {
          damping *= 4
          continue
        }
        let next = bounded(zip(p, step).map { $0 + $1 })
        let new = error(next)
        if new < current {
          isDone = current - new < 1e-12 * current
          (p, current, damping) = (next, new, max(1e-12, damping / 5))
          break
        }
        damping *= 4
      }
      if isDone { break }
    }
    return (p, current)
  }

  /// Bells between a third of a pixel and twice the kernel, middles on it, waves that pixels can show.
  private func bounded(_ p: [Double]) -> [Double] {
    var p = p
    p[2] = max(-side / 2, min(side / 2, p[2]))
    p[3] = max(-side / 2, min(side / 2, p[3]))
    for index in 5...6 { p[index] = max(log(0.35), min(log(2 * side), p[index])) }
    p[7] = max(0, min(0.5, p[7]))
    return p
  }

  func function(_ p: [Double], scale: Double, mean: Double) -> GaborFunction {
    // c cos w + s sin w = h cos(w + phase), with c = h cos phase and s = -h sin phase.
    var phase = atan2(-p[1], p[0])
    var orientation = p[4].truncatingRemainder(dividingBy: 2 * .pi)
    if orientation < 0 { orientation += 2 * .pi }
    // Half a turn reverses the wave.
    if orientation >= .pi {
      orientation -= .pi
      phase = -phase
    }
    return GaborFunction(
      amplitude: hypot(p[0], p[1]) * scale, x: p[2], y: p[3], orientation: orientation,
      frequency: p[7], phase: phase, alongWave: exp(p[5]), acrossWave: exp(p[6]),
      offset: p[8] * scale + mean)
  }
}

/// The solution of linear equations by elimination with the largest pivot; `nil` where there is none.
private func solved(_ matrix: [[Double]], _ target: [Double]) -> [Double]? {
  var (a, b) = (matrix, target)
  let count = b.count
  for column in 0..<count {
    guard let pivot = (column..<count).max(by: { abs(a[$0][column]) < abs(a[$1][column]) }),
      abs(a[pivot][column]) > 1e-300
    else { return nil }
    a.swapAt(column, pivot)
    b.swapAt(column, pivot)
    for row in column + 1..<max(column + 1, count) {
      let factor = a[row][column] / a[column][column]
      guard factor != 0 else { continue }
      for index in column..<count { a[row][index] -= factor * a[column][index] }
      b[row] -= factor * b[column]
    }
  }
  for row in (0..<count).reversed() {
    for index in row + 1..<max(row + 1, count) { b[row] -= a[row][index] * b[index] }
    b[row] /= a[row][row]
  }
  return b.allSatisfy(\.isFinite) ? b : nil
}
