public import ConvNetFiles

/// Why an ONNX file cannot be read, is no network of ours, or cannot be written.
public struct ONNXError: Error, Hashable, Sendable {
  /// What is wrong, with the values that show it.
  public enum Problem: Error, Hashable, Sendable {
    /// The bytes are not what the format prescribes.
    case malformed(reason: String)
    /// There is no graph: it is another file, or a damaged one.
    case noGraph
    /// More of something than is read.
    case tooMany(String, limit: Int)
    /// The file says operators of a version that is not known.
    case version(Int, supported: ClosedRange<Int>)
    /// A part of a tensor cannot be found where it is said to be.
    case externalData(tensor: String, reason: String)
    /// A tensor has other elements than it says, or of a type that is not read.
    case tensor(String, reason: String)
    /// Two nodes, inputs or tensors make a value of one name.
    case duplicateName(String)
    /// Nodes read what nothing makes.
    case missingValues([String])
    /// Nodes that read each other's results.
    case cycle(nodes: [String])
    /// A function that is made of itself, or of too many nodes.
    case function(String, reason: String)
    /// All operators that are not read, each with its nodes.
    case unsupportedOperators([UnsupportedOperator])
    /// A node cannot be computed.
    case node(name: String, kind: String, reason: String)
    /// What the network is given is not what networks here are given.
    case input(name: String, reason: String)
    /// What the network makes is not what networks here make.
    case output(name: String, reason: String)
    /// Operations that have no form in ONNX, each with its place.
    case withoutForm([String])
    /// The network does not say how pictures are prepared, and the file was to do it.
    case noPreprocessing
    /// Messages of protocol buffers have 2 GB at most.
    case tooLargeToWrite(byteCount: Int)
  }

  /// An operator that is not read.
  public struct UnsupportedOperator: Hashable, Sendable {
    /// As in `Loop`; with its domain where it is not one of ONNX's own.
    public var name: String
    /// The nodes that have it.
    public var nodes: [String]
    /// Where more is known than that it is not read.
    public var reason: String?
  }

  /// The file.
  public var file: String
  /// What is wrong with it.
  public var problem: Problem
}

extension ONNXError: ReadableError {
  public var description: String { "\(file): \(problem)" }
}

extension ONNXError.Problem: ReadableError {
  public var description: String {
    switch self {
    case .malformed(let reason): "not an ONNX file: \(reason)"
    case .noGraph: "not an ONNX file: there is no graph in it"
    case .tooMany(let what, let limit): "there are more than \(limit) \(what)"
    case .version(let version, let supported):
      "its operators are of version \(version); those from \(supported.lowerBound) to \(supported.upperBound) are read: "
        + "convert it with onnx.version_converter, or export it again"
    case .externalData(let tensor, let reason): "tensor \(tensor): \(reason)"
    case .tensor(let name, let reason): "tensor \(name): \(reason)"
    case .duplicateName(let name): "two values are called \(name)"
    case .missingValues(let names): "nothing makes \(Self.listed(names)), which nodes read"
    case .cycle(let nodes): "the nodes \(Self.listed(nodes)) read each other's results"
    case .function(let name, let reason): "function \(name): \(reason)"
    case .unsupportedOperators(let operators):
      "has operators that are not read: "
        + operators.map { "\($0)" }.joined(separator: "; ")
    case .node(let name, let kind, let reason): "node \(name) (\(kind)): \(reason)"
    case .input(let name, let reason): "input \(name): \(reason)"
    case .output(let name, let reason): "output \(name): \(reason)"
    case .withoutForm(let names):
      "ONNX has no operator for \(Self.listed(names)); safetensors keeps every network"
    case .noPreprocessing:
      "the network does not say how pictures are prepared, so the file cannot do it"
    case .tooLargeToWrite(let byteCount):
      "\(byteCount) bytes do not fit into a file of this format; write 16-bit weights, or safetensors"
    }
  }

  /// The first of a list that may be long.
  fileprivate static func listed(_ names: [String]) -> String {
    let shown = names.prefix(8).joined(separator: ", ")
    return names.count > 8 ? "\(shown) and \(names.count - 8) more" : shown
  }
}

extension ONNXError.UnsupportedOperator: CustomStringConvertible {
  public var description: String {
    "\(name) (\(ONNXError.Problem.listed(nodes)))" + (reason.map { ", \($0)" } ?? "")
  }
}
