/// The names that a mistyped one may have meant, best first: those within an edit distance of a
/// third of its length (at least two), or that contain it. For errors about unknown models, data
/// sets and options.
package func nearestNames(
  to name: String, among names: [String], limit: Int = 3
) -> [String] {
  let wanted = name.lowercased()
  let tolerance = max(2, wanted.count / 3)
  return
    names
    .map { (name: $0, distance: editDistance(wanted, $0.lowercased())) }
    .filter { candidate in
      candidate.distance <= tolerance
        || (wanted.count >= 3 && candidate.name.lowercased().contains(wanted))
    }
    .sorted { ($0.distance, $0.name) < ($1.distance, $1.name) }
    .prefix(limit).map(\.name)
}

/// The least number of inserted, removed and replaced characters that turns one string into the
/// other (Levenshtein).
package func editDistance(_ first: String, _ second: String) -> Int {
  let target = Array(second)
  // Distances of the prefix of `first` read so far to every prefix of `second`.
  var row = Array(0...target.count)
  for (index, character) in first.enumerated() {
    var diagonal = row[0]
    row[0] = index + 1
    for column in target.indices {
      let replaced = diagonal + (character == target[column] ? 0 : 1)
      diagonal = row[column + 1]
      row[column + 1] = min(replaced, diagonal + 1, row[column] + 1)
    }
  }
  return row[target.count]
}
