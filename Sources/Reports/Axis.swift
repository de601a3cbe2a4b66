import Foundation

/// An axis of a plot: what it measures and how values become positions.
public struct Axis: Hashable, Sendable {
  /// How values become positions.
  public enum Scale: Hashable, Sendable {
    /// Equal differences are equal distances.
    case linear
    /// Equal ratios are equal distances; values that are not positive are left out.
    case logarithmic
  }

  /// What is measured, with its unit: `loss`, `images per second`.
  public var title: String
  /// How values become positions.
  public var scale: Scale
  /// Ticks only at whole numbers, as for epochs.
  public var isInteger: Bool
  /// The least range to show; `nil` where the data alone decide.
  public var including: ClosedRange<Double>?
  /// The largest value to show, rounded up to a tick: curves are cut where they go beyond. `nil` where the data alone decide.
  public var upperLimit: Double?

  /// An axis of what `title` says.
  ///
  /// - Parameters:
  ///   - including: the least range to show.
  ///   - upperLimit: the largest value to show.
  public init(
    _ title: String, scale: Scale = .linear, isInteger: Bool = false,
    including: ClosedRange<Double>? = nil, upperLimit: Double? = nil
  ) {
    self.title = title
    self.scale = scale
    self.isInteger = isInteger
    self.including = including
    self.upperLimit = upperLimit
  }

  /// Whether a value has a place: it is a number, positive on a logarithmic axis, and not so
  /// extreme that the range would overflow.
  func accepts(_ value: Double) -> Bool {
    abs(value) <= 1e100 && (scale == .linear || value >= 1e-100)
  }
}

/// Where the ticks of an axis stand, and the range that it shows.
package struct Ticks: Hashable {
  private let scale: Axis.Scale
  package private(set) var range: ClosedRange<Double>
  package private(set) var positions: [Double]
  package private(set) var labels: [String]

  /// Ticks at round numbers for the values that the axis accepts.
  ///
  /// - Parameters:
  ///   - count: about how many ticks; round numbers come first.
  ///   - isTight: the range ends at the data instead of at the next tick. Where it has room for fewer than three ticks, they
  ///     stand closer.
  package init(for values: some Sequence<Double>, on axis: Axis, count: Int, isTight: Bool = false)
  {
    var values = values.filter(axis.accepts)
    if let including = axis.including {
      values += [including.lowerBound, including.upperBound].filter(axis.accepts)
    }
    scale = axis.scale
    var limit = Double.infinity
    if let upperLimit = axis.upperLimit, axis.accepts(upperLimit) { limit = upperLimit }
    let lower = min(limit, values.min() ?? (axis.scale == .linear ? 0 : 0.1))
    let upper = min(limit, values.max() ?? 1)
    switch axis.scale {
    case .linear:
      (range, positions, labels) = Self.linear(
        lower, upper, count: max(2, count), isInteger: axis.isInteger, isTight: isTight)
    case .logarithmic:
      (range, positions, labels) = Self.logarithmic(lower, upper, isTight: isTight)
    }
  }

  /// The place of a value in the range, from 0 to 1.
  package func fraction(of value: Double) -> Double {
    let (lower, upper) = (range.lowerBound, range.upperBound)
    switch scale {
    case .linear: return (value - lower) / (upper - lower)
    case .logarithmic: return log(value / lower) / log(upper / lower)
    }
  }

  private typealias Parts = (ClosedRange<Double>, [Double], [String])

  private static func linear(
    _ lower: Double, _ upper: Double, count: Int, isInteger: Bool, isTight: Bool
  ) -> Parts {
    var (lower, upper) = (lower, upper)
    // One value alone, or a span that the values' own precision does not resolve, gets a margin.
    if upper - lower <= max(abs(upper), abs(lower)) * 1e-12 + 1e-90 {
      let margin = max(abs(upper) * 0.1, isInteger || abs(upper) < 1e-80 ? 1 : 0)
      (lower, upper) = (lower - margin, upper + margin)
    }
    var step = roundStep((upper - lower) / Double(count))
    if isInteger { step = max(1, step.rounded(.up)) }
    func multiples(of step: Double) -> (first: Double, last: Double) {
      (
        (lower / step + (isTight ? -1e-9 : 1e-9)).rounded(isTight ? .up : .down),
        (upper / step + (isTight ? 1e-9 : -1e-9)).rounded(isTight ? .down : .up)
      )
    }
    var (first, last) = multiples(of: step)
    // Within the epochs 1 to 8 there is one multiple of 5.
    while isTight, last - first < 2, !isInteger || step > 1 {
      let finer = roundStep(step * 0.4)
      let ends = multiples(of: finer)
      guard ends.last - ends.first < Double(2 * count) else { break }
      step = finer
      (first, last) = ends
    }
    let positions = stride(from: first, through: last, by: 1).map { $0 * step }
    if !isTight { (lower, upper) = (min(lower, first * step), max(upper, last * step)) }
    return (lower...upper, positions, linearLabels(positions, step: step))
  }

  /// The next of 1, 2, 5, 10 times a power of ten.
  private static func roundStep(_ step: Double) -> Double {
    let power = pow(10, log10(step).rounded(.down))
    let multiple = [1, 2, 5].first { $0 * power >= step * (1 - 1e-9) } ?? 10
    return multiple * power
  }

  private static func linearLabels(_ positions: [Double], step: Double) -> [String] {
    let largest = positions.map(abs).max() ?? 0
    if largest >= 1e15 || step < 1e-6 { return positions.map { String(format: "%.3g", $0) } }
    // All ticks of an axis share their unit and digits.
    let (divisor, suffix) =
      [(1e12, " T"), (1e9, " G"), (1e6, " M"), (1e4, " k")].first { largest >= $0.0 }
      .map { ($0.0 == 1e4 ? 1e3 : $0.0, $0.1) } ?? (1, "")
    let digits = max(0, Int((-log10(step / divisor) - 1e-9).rounded(.up)))
    return positions.map {
      $0 == 0 ? "0" : HumanReadable.fixed($0 / divisor, digits: digits) + suffix
    }
  }

  private static func logarithmic(_ lower: Double, _ upper: Double, isTight: Bool) -> Parts {
    let (lowest, highest) = (log10(lower), log10(upper))
    let multiples: [Double] = highest - lowest < 2 ? [1, 2, 5] : [1]
    // Six decades are six, although the ends are not quite powers of ten in single precision.
    let every = max(1, Int(((highest - lowest) / 6 - 1e-6).rounded(.up)))
    let first = Int(lowest.rounded(.down))
    let candidates = stride(from: first, through: Int(highest.rounded(.up)), by: every)
      .flatMap { exponent in multiples.map { $0 * pow(10, Double(exponent)) } }
    var range = lower...upper
    if !isTight || lower == upper {
      let below = candidates.last { $0 <= lower * (1 + 1e-9) } ?? lower
      let above = candidates.first { $0 >= upper * (1 - 1e-9) } ?? upper
      range = below < above ? below...above : (lower / 2)...(upper * 2)
    }
    let positions = candidates.filter {
      $0 >= range.lowerBound * (1 - 1e-9) && $0 <= range.upperBound * (1 + 1e-9)
    }
    return (range, positions, positions.map(logarithmicLabel))
  }

  private static func logarithmicLabel(_ value: Double) -> String {
    if value >= 0.9e-3 && value < 0.9e4 { return HumanReadable.significant(value, digits: 1) }
    let exponent = Int((log10(value) + 1e-9).rounded(.down))
    let multiple = Int((value / pow(10, Double(exponent))).rounded())
    let digits = Array("⁰¹²³⁴⁵⁶⁷⁸⁹")
    let power = String("\(abs(exponent))".compactMap(\.wholeNumberValue).map { digits[$0] })
    return (multiple == 1 ? "" : "\(multiple)·") + "10" + (exponent < 0 ? "⁻" : "") + power
  }
}
