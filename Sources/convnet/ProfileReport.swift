import ConvNet

/// A profile for people: every step, and the steps by kind, beside the machine's peaks.
struct ProfileReport {
  var profile: ExecutionProfile

  var text: String {
    let peaks = profile.peaks
    let width = TerminalDevice.standardOutput.width
    let parts = [
      """
      peaks of \(plural(peaks.threads, "thread")), measured: \
      \(HumanReadable.quantity(peaks.flopsPerSecond * 1e-9)) GFLOP/s, memory \
      \(HumanReadable.quantity(peaks.readBytesPerSecond * 1e-9)) GB/s read, \
      \(HumanReadable.quantity(peaks.copyBytesPerSecond * 1e-9)) GB/s copied

      """,
      stepTable.plainText(width: width), kindTable.plainText(width: width),
    ]
    let notes = notes.flatMap { $0.wrapped(to: width, indent: 2) }
    return (parts + [notes.map { $0 + "\n" }.joined()]).joined(separator: "\n")
  }

  private var stepTable: Table {
    var table = Table(
      [
        .init("operation", leastWidth: 12),
        .init("implementation", dispensability: 2, leastWidth: 12),
      ]
        + Self.columns,
      footer: ["all steps", ""] + cells(profile.total))
    for entry in profile.steps {
      table.append([entry.step.operation, entry.step.implementation] + cells(entry.work))
    }
    return table
  }

  private var kindTable: Table {
    var table = Table([.init("kind"), .init("steps", .right)] + Self.columns)
    for entry in profile.kinds {
      table.append([entry.kind.rawValue, "\(entry.stepCount)"] + cells(entry.work))
    }
    return table
  }

  private static let columns: [Table.Column] = [
    .init("time", .right), .init("share", .right), .init("GFLOP/s", .right, dispensability: 3),
    .init("GB/s", .right, dispensability: 4), .init("of peak", .right, dispensability: 1),
  ]

  private func cells(_ work: MeasuredWork) -> [String] {
    [
      HumanReadable.duration(work.seconds), HumanReadable.percent(profile.share(of: work)),
      work.multiplyAdds > 0 ? HumanReadable.quantity(work.flopsPerSecond * 1e-9) : "",
      HumanReadable.quantity(work.bytesPerSecond * 1e-9),
      HumanReadable.percent(work.shareOfPeak, digits: 0),
    ]
  }

  /// How to read what the table shows.
  private var notes: [String] {
    var notes = [
      "of peak: the time that the peaks allow for a step's arithmetic and bytes, by its time"
    ]
    if profile.steps.contains(where: { $0.step.kind == .winograd }) {
      notes.append(
        "winograd does a part of the multiplications that GFLOP/s counts; its peak is that of the part"
      )
    }
    if profile.steps.contains(where: { $0.work.shareOfPeak > 1 }) {
      notes.append("steps above 100 % had their bytes in a cache")
    }
    return notes
  }
}

extension ExecutionProfile {
  /// Of the time of all steps.
  func share(of work: MeasuredWork) -> Double {
    total.seconds > 0 ? work.seconds / total.seconds : 0
  }
}

/// The same for machines.
struct ProfileResult: Encodable {
  struct Work: Encodable {
    var seconds: Double
    var share: Double
    var multiplyAdds: Int
    var bytes: Int
    var flopsPerSecond: Double
    var bytesPerSecond: Double
    var shareOfPeak: Double
  }
  struct Step: Encodable {
    var operation: String
    var implementation: String
    var kind: StepKind
    var layouts: [String]
    var work: Work
  }
  struct Kind: Encodable {
    var kind: StepKind
    var steps: Int
    var work: Work
  }
  var peaks: MachinePeaks
  var steps: [Step]
  var kinds: [Kind]
  var total: Work

  init(_ profile: ExecutionProfile) {
    func result(_ work: MeasuredWork) -> Work {
      Work(
        seconds: work.seconds, share: profile.share(of: work), multiplyAdds: work.multiplyAdds,
        bytes: work.byteCount, flopsPerSecond: work.flopsPerSecond,
        bytesPerSecond: work.bytesPerSecond, shareOfPeak: work.shareOfPeak)
    }
    peaks = profile.peaks
    steps = profile.steps.map {
      Step(
        operation: $0.step.operation, implementation: $0.step.implementation, kind: $0.step.kind,
        layouts: $0.step.layouts, work: result($0.work))
    }
    kinds = profile.kinds.map { Kind(kind: $0.kind, steps: $0.stepCount, work: result($0.work)) }
    total = result(profile.total)
  }
}
