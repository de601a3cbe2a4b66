import ConvNet

/// What a model's summary says of the share of its data that training did not see.
struct HeldOutPart {
  /// The entry of the summary; the data and the seed have entries anyway.
  static let key = "split"

  let holdout: Holdout
  private let data: String

  init?(of model: Model) {
    let summary = model.trainingSummary
    guard let share = summary[Self.key].flatMap(Double.init),
      let seed = summary["seed"].flatMap({ UInt64($0) }), let data = summary["data"]
    else { return nil }
    holdout = Holdout(share: share, seed: seed)
    self.data = data
  }

  /// Whether a name or path is the data that was trained on.
  func isOf(_ other: String) -> Bool { Self.plain(data) == Self.plain(other) }

  private static func plain(_ path: String) -> Substring {
    var path = path[...]
    while path.hasPrefix("./") { path = path.dropFirst(2) }
    while path.count > 1, path.hasSuffix("/") { path = path.dropLast() }
    return path
  }
}
