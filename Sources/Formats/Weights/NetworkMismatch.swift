public import ConvNetFiles
public import ConvNetGraphs

/// A file's weights fit a network by name and shape, and are another's.
public struct NetworkMismatch: Error, Hashable, Sendable {
  /// How that is known.
  public enum Evidence: Hashable, Sendable {
    /// The file says so.
    case stated
    /// The names are a publisher's, who publishes weights of that network.
    case published(by: String)
  }

  /// The file.
  public var path: String
  /// The network that was to take the weights.
  public var network: String
  /// The network that the weights are of.
  public var meant: String
  /// How that is known.
  public var evidence: Evidence
  /// What `meant` computes instead of `network`.
  public var differences: [GraphDifference]
}

extension NetworkMismatch: ReadableError {
  public var description: String {
    let origin =
      switch evidence {
      case .stated: "\(path) says that it is of \(meant), not of \(network)"
      case .published(let publisher):
        "\(path) has \(publisher)'s names, and \(publisher)'s network is \(meant), not \(network)"
      }
    return origin + (differences.isEmpty ? "" : ", with \(differences.summary)")
      + ": name \(meant), or say that \(network) is meant"
  }
}
