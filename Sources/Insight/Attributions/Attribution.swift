import ConvNetTensors
import Foundation

/// How much each place of a picture matters to a class, by one of the methods of this room.
public struct Attribution: Hashable, Sendable {
  /// The class.
  public var classIndex: Int
  /// The network's score of the class: its own result, before a softmax.
  public var score: Double
  /// The places: of the picture's extents, or of a layer's.
  public var plane: Plane
  /// Whether values below zero speak against the class; otherwise there are none.
  public var isSigned: Bool

  /// An attribution of a class.
  public init(classIndex: Int, score: Double, plane: Plane, isSigned: Bool) {
    self.classIndex = classIndex
    self.score = score
    self.plane = plane
    self.isSigned = isSigned
  }

  /// The rank correlation of two attributions' magnitudes, place by place (C. Spearman, 1904), brought to the larger one's
  /// extents: 1 where they are ordered alike, about 0 where they do not know of each other.
  ///
  /// Of a network's own weights and of random ones it must be low: a map that stays what it was shows the picture's edges, not
  /// what the network learned (J. Adebayo et al., "Sanity Checks for Saliency Maps", 2018, section 3).
  public func rankCorrelation(with other: Attribution) -> Double {
    let height = max(plane.height, other.plane.height)
    let width = max(plane.width, other.plane.width)
    let (first, second) = (
      ranks(plane.resized(height: height, width: width).values.map { abs($0) }),
      ranks(other.plane.resized(height: height, width: width).values.map { abs($0) })
    )
    let mean = Double(first.count - 1) / 2
    var (product, one, two) = (0.0, 0.0, 0.0)
    for (a, b) in zip(first, second) {
      product += (a - mean) * (b - mean)
      one += (a - mean) * (a - mean)
      two += (b - mean) * (b - mean)
    }
    return one > 0 && two > 0 ? product / (one * two).squareRoot() : 0
  }
}

/// The place of each value in ascending order, from 0; equal ones share the mean of theirs.
private func ranks(_ values: [Float]) -> [Double] {
  let order = values.indices.sorted { values[$0] < values[$1] }
  var ranks = [Double](repeating: 0, count: values.count)
  var start = 0
  while start < order.count {
    var end = start
    while end + 1 < order.count, values[order[end + 1]] == values[order[start]] { end += 1 }
    for place in start...end { ranks[order[place]] = Double(start + end) / 2 }
    start = end + 1
  }
  return ranks
}
