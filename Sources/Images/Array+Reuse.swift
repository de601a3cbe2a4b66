extension Array where Element: BitwiseCopyable & ExpressibleByIntegerLiteral {
  /// Changes the number of elements to use the memory for something else: what they hold afterwards
  /// is not defined. Allocates only to grow.
  mutating func resize(to count: Int) {
    if count <= self.count {
      removeLast(self.count - count)
    } else if count <= capacity {
      append(contentsOf: repeatElement(0, count: count - self.count))
    } else {
      // The old elements are not worth copying, and zeros not worth writing over so many pages.
      self = []
      self = Array(unsafeUninitializedCapacity: count) { _, initialized in initialized = count }
    }
  }
}
