import Foundation

/// Numbers as people read them: `1.2 M`, `3.4 GB`, `2 min 05 s`. The same on every machine and in
/// every locale.
public enum HumanReadable {
  /// A quantity with three significant digits and a suffix in steps of a thousand: `950`, `61.7 k`,
  /// `1.2 M`, `4.09 G`.
  public static func count(_ value: Int) -> String {
    abs(value) < 1000 ? "\(value)" : scaled(Double(value), step: 1000, suffixes: decimalSuffixes)
  }

  /// As ``count(_:)``, for a value that need not be whole: `0.25`, `12.5`, `23.4 k`.
  public static func quantity(_ value: Double) -> String {
    guard value.isFinite else { return description(ofNonFinite: value) }
    if abs(value) >= 1e21 { return String(format: "%.3g", value) }
    return abs(value) < 1000
      ? significant(value, digits: 3) : scaled(value, step: 1000, suffixes: decimalSuffixes)
  }

  /// A size in bytes, in decimal units as disks and networks are sold: `512 B`, `3.4 GB`.
  public static func bytes(_ value: Int) -> String {
    let text = count(value)
    return abs(value) < 1000 ? text + " B" : text + "B"
  }

  /// A duration in seconds, in two units at most: `8.2 ms`, `41 s`, `2 min 05 s`, `1 h 07 min`,
  /// `3 d 04 h`.
  public static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite else { return description(ofNonFinite: seconds) }
    guard seconds >= 0 else { return "-" + duration(-seconds) }
    if seconds < 0.9995e-3 { return significant(seconds * 1e6, digits: 3) + " µs" }
    if seconds < 0.9995 { return significant(seconds * 1e3, digits: 3) + " ms" }
    if seconds < 9.95 { return fixed(seconds, digits: 1) + " s" }
    guard seconds < 1e15 else { return "ages" }
    let whole = Int(seconds.rounded())
    if whole < 60 { return "\(whole) s" }
    if whole < 3600 { return pair(whole / 60, "min", whole % 60, "s") }
    let minutes = Int((seconds / 60).rounded())
    if minutes < 24 * 60 { return pair(minutes / 60, "h", minutes % 60, "min") }
    let hours = Int((seconds / 3600).rounded())
    return pair(hours / 24, "d", hours % 24, "h")
  }

  /// A share from 0 to 1 as a percentage: `89.4 %`. `digits` follow the point.
  public static func percent(_ share: Double, digits: Int = 1) -> String {
    share.isFinite
      ? fixed(share * 100, digits: digits) + " %" : description(ofNonFinite: share)
  }

  /// A number with exactly `digits` digits after the point: `fixed(0.5, digits: 3)` is `0.500`.
  public static func fixed(_ value: Double, digits: Int) -> String {
    guard value.isFinite else { return description(ofNonFinite: value) }
    let text = String(format: "%.\(max(0, digits))f", value)
    // A value that rounds to zero has no sign worth reading.
    return text.hasPrefix("-") && !text.contains { ("1"..."9").contains($0) }
      ? String(text.dropFirst()) : text
  }

  private static let decimalSuffixes = [" k", " M", " G", " T", " P", " E"]

  private static func pair(_ big: Int, _ bigUnit: String, _ small: Int, _ smallUnit: String)
    -> String
  {
    "\(big) \(bigUnit) \(small < 10 ? "0" : "")\(small) \(smallUnit)"
  }

  private static func scaled(_ value: Double, step: Double, suffixes: [String]) -> String {
    var rest = value
    var suffix = ""
    // 999.5 and above would print as 1000: it belongs to the next suffix.
    for next in suffixes where abs(rest) >= 999.5 {
      rest /= step
      suffix = next
    }
    return significant(rest, digits: 3) + suffix
  }

  /// At most `digits` significant digits, without trailing zeros after the point.
  static func significant(_ value: Double, digits: Int) -> String {
    guard value != 0 else { return "0" }
    let magnitude = Int(log10(abs(value)).rounded(.down))
    if magnitude < -4 { return String(format: "%.\(digits - 1)g", value) }
    return trimmed(fixed(value, digits: max(0, digits - 1 - magnitude)))
  }

  package static func trimmed(_ text: String) -> String {
    guard text.contains(".") else { return text }
    var text = Substring(text)
    while text.hasSuffix("0") { text.removeLast() }
    if text.hasSuffix(".") { text.removeLast() }
    return String(text)
  }

  private static func description(ofNonFinite value: Double) -> String {
    value.isNaN ? "not a number" : value > 0 ? "infinite" : "-infinite"
  }
}
