public import ConvNetFiles

/// Why a network cannot be written as an ONNX file.
public struct ONNXExportError: ReadableError, Hashable, Sendable {
  /// What is in the way.
  public enum Problem: Error, Hashable, Sendable {
    /// Operations that have no form there, each with its place.
    case operations([String])
    /// Messages of protocol buffers have 2 GB at most.
    case tooLarge(byteCount: Int)
  }

  /// The file that was to be written.
  public var path: String
  /// What is in the way.
  public var problem: Problem

  public var description: String {
    switch problem {
    case .operations(let names):
      let more = names.count > 8 ? " and \(names.count - 8) more" : ""
      return
        "\(path): ONNX has no operator for \(names.prefix(8).joined(separator: ", "))\(more); safetensors keeps every network"
    case .tooLarge(let count):
      return
        "\(path): \(count) bytes do not fit into a file of this format; write 16-bit weights, or safetensors"
    }
  }
}
