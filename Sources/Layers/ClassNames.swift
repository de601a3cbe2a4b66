extension [String] {
  /// What a class is called: its name among these, or `class` and its number where it has none.
  package func className(_ index: Int) -> String {
    indices.contains(index) ? self[index] : "class \(index)"
  }
}

extension Model {
  /// What a class is called.
  package func className(_ index: Int) -> String { classNames.className(index) }
}
