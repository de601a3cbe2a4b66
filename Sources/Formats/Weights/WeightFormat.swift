/// The formats in which files hold weights.
public enum WeightFormat: String, Hashable, Sendable, CaseIterable {
  /// `.safetensors` (https://huggingface.co/docs/safetensors): names, shapes and bytes; the format
  /// of model files too.
  case safetensors
  /// `.pth`, `.pt`: what `torch.save` writes, since PyTorch 1.6.
  case pyTorch
  /// `.npz`: what `numpy.savez` and `numpy.savez_compressed` write.
  case npz
  /// `.onnx` (https://onnx.ai): a network with its weights, as other frameworks export it.
  case onnx
  /// `.weights.h5`, `.h5`, `.keras`: what Keras's `save_weights` and `save` write. Read only.
  case keras

  /// The endings of file names.
  public var extensions: [String] {
    switch self {
    case .safetensors: ["safetensors"]
    case .pyTorch: ["pth", "pt"]
    case .npz: ["npz"]
    case .onnx: ["onnx"]
    case .keras: ["h5", "keras"]
    }
  }

  /// The format for a file's name.
  ///
  /// - Throws: ``WeightFileError`` where the name has none of the endings.
  public init(forPath path: String) throws(WeightFileError) {
    let name = path.lowercased()
    let format = Self.allCases.first { $0.extensions.contains { name.hasSuffix(".\($0)") } }
    guard let format else { throw WeightFileError(path: path, problem: .unknownExtension) }
    self = format
  }
}

extension WeightFormat: CustomStringConvertible {
  public var description: String {
    switch self {
    case .safetensors: "safetensors"
    case .pyTorch: "PyTorch checkpoint"
    case .npz: "NumPy archive"
    case .onnx: "ONNX"
    case .keras: "Keras weights"
    }
  }
}
