public import ConvNetFiles

/// Why a file of weights cannot be read or written, where its format is not to blame.
public struct WeightFileError: Error, Hashable, Sendable {
  /// What is wrong, with the values that show it.
  public enum Problem: Hashable, Sendable {
    /// The contents are of no format that is read. `isLike` says what they look like.
    case unknownFormat(isLike: String?)
    /// The file has no tensor of that name.
    case missingTensor(name: String)
    /// The name of a file to be written has no ending that tells the format.
    case unknownExtension
    /// The format holds networks, not tensors alone.
    case needsNetwork
    /// The format is read, and not written.
    case onlyRead
    /// There is nothing to write.
    case noTensors
    /// Two tensors have one name.
    case duplicateName(String)
    /// NumPy and PyTorch have at most so many.
    case tooManyDimensions(tensor: String, rank: Int, limit: Int)
    /// The format cannot hold this name.
    case unwritableName(String)
  }

  /// The file.
  public var path: String
  /// What is wrong with it.
  public var problem: Problem
}

extension WeightFileError: ReadableError {
  public var description: String { "\(path): \(problem)" }
}

extension WeightFileError.Problem: CustomStringConvertible {
  private static let endings = WeightFormat.allCases.filter { $0 != .keras }
    .flatMap(\.extensions).map { "." + $0 }.joined(separator: ", ")

  public var description: String {
    switch self {
    case .unknownFormat(let isLike):
      "not a file of weights\(isLike.map { ", but \($0)" } ?? ""); "
        + "safetensors, PyTorch checkpoints (.pth), NumPy archives (.npz), ONNX and Keras's weights (.h5, .keras) are read"
    case .missingTensor(let name): "has no tensor \(name)"
    case .unknownExtension: "the ending of the name must tell the format: \(Self.endings)"
    case .needsNetwork:
      "the format holds a network with its weights, here are weights alone; write safetensors, .pth or .npz"
    case .onlyRead:
      "Keras's weights are read, and not written; write .npz, which NumPy reads"
    case .noTensors: "there are no tensors to write"
    case .duplicateName(let name): "two tensors are called \(name)"
    case .tooManyDimensions(let tensor, let rank, let limit):
      "tensor \(tensor) has \(rank) dimensions, the format at most \(limit)"
    case .unwritableName(let name):
      "the format cannot hold a tensor called \(name.debugDescription)"
    }
  }
}
