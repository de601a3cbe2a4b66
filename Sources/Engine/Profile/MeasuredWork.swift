/// Work and the time that it took.
public struct MeasuredWork: Hashable, Sendable, Codable {
  /// The time, by the clock on the wall.
  public var seconds: Double
  /// Multiplications, each with its addition, counted as the sums of convolutions and dense layers are written.
  public var multiplyAdds: Int
  /// Bytes that must be read and written at least.
  public var byteCount: Int
  /// The time that the machine's peaks allow for what the algorithm does, see
  /// ``MachinePeaks/leastSeconds(multiplyAdds:byteCount:)``.
  public var leastSeconds: Double

  /// Work that took so long.
  public init(seconds: Double, multiplyAdds: Int, byteCount: Int, leastSeconds: Double) {
    self.seconds = seconds
    self.multiplyAdds = multiplyAdds
    self.byteCount = byteCount
    self.leastSeconds = leastSeconds
  }

  /// Multiplications and additions, each counted.
  public var flopsPerSecond: Double { rate(2 * Double(multiplyAdds)) }
  /// Bytes read and written, as ``byteCount`` counts them.
  public var bytesPerSecond: Double { rate(Double(byteCount)) }

  /// `leastSeconds / seconds`: 1 at the machine's limit. More where the bytes were in a cache.
  public var shareOfPeak: Double { rate(leastSeconds) }

  private func rate(_ amount: Double) -> Double { seconds > 0 ? amount / seconds : 0 }

  /// One after the other.
  public static func + (left: MeasuredWork, right: MeasuredWork) -> MeasuredWork {
    MeasuredWork(
      seconds: left.seconds + right.seconds, multiplyAdds: left.multiplyAdds + right.multiplyAdds,
      byteCount: left.byteCount + right.byteCount,
      leastSeconds: left.leastSeconds + right.leastSeconds)
  }
}

extension Sequence<MeasuredWork> {
  var total: MeasuredWork {
    reduce(MeasuredWork(seconds: 0, multiplyAdds: 0, byteCount: 0, leastSeconds: 0), +)
  }
}
