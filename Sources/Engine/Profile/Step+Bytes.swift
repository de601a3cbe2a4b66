extension Step {
  /// Bytes that a run of the step must read and write at least, as its places are declared. What it changes is read and written;
  /// what is given twice to be read is read once.
  var byteCount: Int {
    var read: [Place] = []
    var count = 0
    for (place, use) in uses {
      let byteCount = place.layout.contentByteCount
      if use.isWritten { count += byteCount }
      if use.isRead, !read.contains(where: { $0.isSame(as: place) }) {
        read.append(place)
        count += byteCount
      }
    }
    return count
  }
}

extension Place {
  fileprivate func isSame(as other: Place) -> Bool {
    buffer == other.buffer && offset == other.offset && layout == other.layout
  }
}
