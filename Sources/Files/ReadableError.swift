public import Foundation

/// An error whose text is the same wherever it is shown: `localizedDescription` is `description`.
public protocol ReadableError: LocalizedError, CustomStringConvertible {}

extension ReadableError {
  public var errorDescription: String? { description }
  public var failureReason: String? { nil }
  public var recoverySuggestion: String? { nil }
  public var helpAnchor: String? { nil }
}
