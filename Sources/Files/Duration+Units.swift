extension Duration {
  /// Whole nanoseconds; of more than an `Int` holds, its largest.
  package var nanoseconds: Int {
    let (seconds, attoseconds) = components
    let (whole, overflows) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    return overflows ? (seconds < 0 ? .min : .max) : Int(whole) + Int(attoseconds / 1_000_000_000)
  }

  /// In seconds.
  package var seconds: Double { self / .seconds(1) }
}
