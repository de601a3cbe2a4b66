import ConvNetReports

extension HumanReadable {
  /// As ``quantity(_:)``, but without a suffix up to a million: `1020` beside `255`.
  package static func plain(_ value: Double) -> String {
    1000..<1e6 ~= abs(value) ? fixed(value, digits: 0) : quantity(value)
  }
}
