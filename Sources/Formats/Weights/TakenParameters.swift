public import ConvNetFiles
public import ConvNetTensors

/// What a network has taken of a file of weights, and what not: the beginning of fine-tuning.
public struct TakenParameters: Hashable, Sendable {
  /// A parameter that stays as it was.
  public struct Left: Hashable, Sendable {
    /// What the file calls it, or would.
    public var name: String
    /// The shape of the file's tensor; `nil` where it has none.
    public var found: Shape?
    /// The shape that a tensor of such a file needs.
    public var needed: Shape
  }

  /// The file.
  public var path: String
  /// The network's name.
  public var network: String
  /// Parameters that were taken.
  public var count: Int
  /// In alphabetical order.
  public var left: [Left]
  /// Whose names and orders the file has; `nil` for the network's own.
  public var framework: String?

  /// Of the network's parameters, 0 to 1.
  public var share: Double { Double(count) / Double(max(1, count + left.count)) }
}

extension TakenParameters: CustomStringConvertible {
  /// `120 of 122 parameters taken; fc.weight is 1000x512, needs 5x512; fc.bias is 1000, needs 5`.
  public var description: String {
    // What is there in another shape says more than what is not.
    let shown = (left.filter { $0.found != nil } + left.filter { $0.found == nil }).prefix(3)
    var parts = ["\(count) of \(count + left.count) parameters taken"]
    parts += shown.map { left in
      left.found.map { "\(left.name) is \($0), needs \(left.needed)" }
        ?? "\(left.name) is not in the file"
    }
    if left.count > shown.count { parts.append("and \(left.count - shown.count) more") }
    return parts.joined(separator: "; ") + (framework.map { "; names and orders of \($0)" } ?? "")
  }
}

/// A file has few of a network's parameters: it is hardly the one that was meant.
public struct TooFewParameters: Error, Hashable, Sendable {
  /// What it has.
  public var found: TakenParameters
  /// Of the network's parameters, 0 to 1.
  public var minimumShare: Double
}

extension TooFewParameters: ReadableError {
  public var description: String {
    "\(found.path) has little of \(found.network) (\(found)); name another file or network, or allow a smaller share"
  }
}
