import Synchronization

/// What a service counts and measures, in the text format of Prometheus (version 0.0.4 of the exposition formats).
package final class ServiceMetrics: Sendable {
  /// Label names and values, in their order.
  package typealias Labels = [(name: String, value: String)]

  /// What the numbers of a name mean.
  private enum Kind: String {
    case counter, gauge, histogram
  }

  private struct Histogram {
    var counts: [Int]
    var sum = 0.0
    var count = 0
  }

  private struct Family {
    var kind: Kind
    var help: String
    var bounds: [Double] = []
    /// By the labels as text.
    var values: [String: Double] = [:]
    var histograms: [String: Histogram] = [:]
  }

  private let families = Mutex<[String: Family]>([:])

  package init() {}

  /// Upper bounds in seconds, from half a millisecond to a minute.
  package static let seconds = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
  ]

  /// Says what a name means, before it is counted. `bounds` are those of a histogram.
  package func declareCounter(_ name: String, _ help: String) { declare(name, .counter, help) }
  package func declareGauge(_ name: String, _ help: String) { declare(name, .gauge, help) }
  package func declareHistogram(_ name: String, _ help: String, bounds: [Double]) {
    declare(name, .histogram, help, bounds)
  }

  private func declare(_ name: String, _ kind: Kind, _ help: String, _ bounds: [Double] = []) {
    families.withLock { families in
      if families[name] == nil {
        families[name] = Family(kind: kind, help: help, bounds: bounds)
      }
    }
  }

  /// Adds to a counter.
  package func count(_ name: String, _ labels: Labels = [], by amount: Double = 1) {
    let key = Self.text(labels)
    families.withLock { $0[name]?.values[key, default: 0] += amount }
  }

  /// Sets a gauge.
  package func set(_ name: String, _ labels: Labels = [], to value: Double) {
    let key = Self.text(labels)
    families.withLock { $0[name]?.values[key] = value }
  }

  /// Adds a value to a histogram.
  package func observe(_ name: String, _ labels: Labels = [], _ value: Double) {
    let key = Self.text(labels)
    families.withLock { families in
      guard let bounds = families[name]?.bounds else { return }
      let empty = Histogram(counts: [Int](repeating: 0, count: bounds.count))
      var histogram = families[name]?.histograms[key] ?? empty
      if let place = bounds.firstIndex(where: { value <= $0 }) { histogram.counts[place] += 1 }
      histogram.sum += value
      histogram.count += 1
      families[name]?.histograms[key] = histogram
    }
  }

  /// All of it, names and labels in alphabetical order.
  package func text() -> String {
    var text = ""
    for (name, family) in families.withLock({ $0 }).sorted(by: { $0.key < $1.key }) {
      text += "# HELP \(name) \(family.help)\n# TYPE \(name) \(family.kind.rawValue)\n"
      for (labels, value) in family.values.sorted(by: { $0.key < $1.key }) {
        text += "\(name)\(Self.braces(labels)) \(Self.number(value))\n"
      }
      for (labels, histogram) in family.histograms.sorted(by: { $0.key < $1.key }) {
        var sum = 0
        let before = labels.isEmpty ? "" : labels + ","
        for (bound, count) in zip(family.bounds, histogram.counts) {
          sum += count
          text += "\(name)_bucket{\(before)le=\"\(Self.number(bound))\"} \(sum)\n"
        }
        text += "\(name)_bucket{\(before)le=\"+Inf\"} \(histogram.count)\n"
        text += "\(name)_sum\(Self.braces(labels)) \(Self.number(histogram.sum))\n"
        text += "\(name)_count\(Self.braces(labels)) \(histogram.count)\n"
      }
    }
    return text
  }

  private static func braces(_ labels: String) -> String { labels.isEmpty ? "" : "{\(labels)}" }

  private static func number(_ value: Double) -> String {
    Int(exactly: value).map { "\($0)" } ?? "\(value)"
  }

  private static func text(_ labels: Labels) -> String {
    labels.map { label in
      let value = label.value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        .replacing("\n", with: "\\n")
      return "\(label.name)=\"\(value)\""
    }.joined(separator: ",")
  }
}
