public import ConvNetImages

/// Which columns of a list of pictures are what a network is to tell of them, and of what kind that is.
public struct TargetSelection: Hashable, Sendable, Codable {
  /// `nil` for what the columns look like.
  public var kind: TargetKind?
  /// The names of the columns, as the list's first line has them; `nil` for all that there are of the kind.
  public var columns: [String]?

  /// What the list looks like, where nothing is said.
  public init(_ kind: TargetKind? = nil, columns: [String]? = nil) {
    self.kind = kind
    self.columns = columns
  }

  /// Whether nothing is said.
  package var isOpen: Bool { kind == nil && columns == nil }
}
