/// A number of things in words: `1 picture`, `2 pictures`.
///
/// - Parameter many: the noun for other numbers than one, where it is not formed by an s.
package func plural(_ count: Int, _ noun: String, _ many: String? = nil) -> String {
  "\(count) \(count == 1 ? noun : many ?? noun + "s")"
}
