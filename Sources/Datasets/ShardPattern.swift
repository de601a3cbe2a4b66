/// Names of files with ranges in braces: `train-{000000..000009}.tar` is ten names.
package struct ShardPattern {
  package let paths: [String]

  /// More names than this are refused.
  private static let limit = 1_000_000

  /// `nil` where the text has no range, or one that cannot be.
  package init?(_ text: String) {
    guard let open = text.firstIndex(of: "{"),
      let close = text[open...].firstIndex(of: "}"),
      let numbers = Self.numbers(text[text.index(after: open)..<close])
    else { return nil }
    let (before, after) = (text[..<open], String(text[text.index(after: close)...]))
    // There may be a range for the folder as well.
    let rest = ShardPattern(after)?.paths ?? [after]
    guard numbers.count <= Self.limit / rest.count else { return nil }
    paths = numbers.flatMap { number in rest.map { "\(before)\(number)\($0)" } }
  }

  private static func numbers(_ text: Substring) -> [String]? {
    if text.contains(",") {
      return text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
    guard let dots = text.firstRange(of: "..") else { return nil }
    let (first, last) = (text[..<dots.lowerBound], text[dots.upperBound...])
    guard let low = Int(first), let high = Int(last), low >= 0, low <= high, high - low < limit
    else { return nil }
    // As many digits as the first has.
    return (low...high).map { number in
      let digits = String(number)
      return String(repeating: "0", count: max(0, first.count - digits.count)) + digits
    }
  }
}
