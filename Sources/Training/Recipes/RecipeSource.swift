/// Where a number of a recipe is from.
public struct RecipeSource: Hashable, Sendable, Codable {
  /// Who says so.
  public enum Authority: String, Hashable, Sendable, Codable, CaseIterable {
    /// The lecture that ConvNet follows.
    case lecture
    /// The paper of the network.
    case paper
    /// Nobody we know of: chosen here.
    case ours
  }

  /// Who says so.
  public var authority: Authority
  /// Where, or why.
  public var note: String

  /// A source, with the place where it says so.
  public init(_ authority: Authority, _ note: String) {
    self.authority = authority
    self.note = note
  }

  static func lecture(_ slide: String) -> Self { Self(.lecture, slide) }
  static func paper(_ place: String) -> Self { Self(.paper, place) }
  static func ours(_ reason: String) -> Self { Self(.ours, reason) }
}

extension RecipeSource: CustomStringConvertible {
  public var description: String { "\(authority.rawValue): \(note)" }
}
