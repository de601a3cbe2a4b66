public import ConvNetFiles

/// Why an HDF5 file cannot be read.
public struct HDF5Error: ReadableError, Hashable {
  /// What is wrong, with the values that show it.
  public enum Problem: Error, Hashable, Sendable {
    /// The bytes are not what the format prescribes.
    case malformed(reason: String, offset: Int)
    /// The file is whole, and uses a part of the format that no framework's weights have.
    case unsupported(String)
    /// A dataset has other elements than it says, or of a type that is not read.
    case dataset(String, reason: String)
    /// There is no dataset of numbers in it.
    case noWeights
  }

  /// The file.
  public var file: String
  /// What is wrong with it.
  public var problem: Problem

  public var description: String {
    switch problem {
    case .malformed(let reason, let offset): "\(file): damaged at byte \(offset): \(reason)"
    case .unsupported(let what):
      "\(file): it has \(what), which is not read; save the weights anew with Keras, or as .npz"
    case .dataset(let name, let reason): "\(file): dataset \(name): \(reason)"
    case .noWeights: "\(file): there are no weights in it"
    }
  }
}
