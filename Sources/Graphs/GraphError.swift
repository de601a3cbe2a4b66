public import ConvNetFiles
public import ConvNetTensors

/// Why an operation cannot be part of a graph, or a graph is not well formed.
public struct GraphError: Error, Hashable, Sendable {
  /// What is wrong, with the values that show it. Inputs are counted from zero.
  public enum Problem: Hashable, Sendable {
    /// The operation takes another number of inputs.
    case inputCount(expected: ClosedRange<Int>, actual: Int)
    /// An input has another number of dimensions.
    case rank(input: Int, expected: ClosedRange<Int>, actual: Shape)
    /// An input's extents do not fit the others. `expected` says what would.
    case shape(input: Int, expected: String, actual: Shape)
    /// An input has elements of another type.
    case elementType(input: Int, expected: ElementType, actual: ElementType)
    /// The padded input is smaller than one window.
    case windowExceedsInput(window: [Int], paddedInput: [Int])
    /// A setting of the operation is out of its range: `requirement` says what it must be.
    case attribute(name: String, value: String, requirement: String)
    /// A file names an operation, the subject, which is neither of the package nor among those that it is read with.
    case unknownOperation(nearest: [String])
    /// A graph read from a file, or made by a pass, breaks an invariant.
    case invariant(String)
  }

  /// The name of the operation, or of the graph.
  public var subject: String
  /// What is wrong with it.
  public var problem: Problem

  /// An error about the operation or graph of that name.
  public init(subject: String, problem: Problem) {
    self.subject = subject
    self.problem = problem
  }
}

extension GraphError {
  /// Whether a file names an operation that is not known.
  package var isUnknownOperation: Bool {
    if case .unknownOperation = problem { true } else { false }
  }
}

extension GraphError: ReadableError {
  public var description: String { "\(subject): \(problem)" }
}

extension GraphError.Problem: ReadableError {
  public var description: String {
    switch self {
    case .inputCount(let expected, let actual):
      "takes \(Self.describe(expected)) input\(expected == 1...1 ? "" : "s"), was given \(actual)"
    case .rank(let input, let expected, let actual):
      "input \(input) needs \(Self.describe(expected)) dimensions, has shape \(actual)"
    case .shape(let input, let expected, let actual):
      "input \(input) needs shape \(expected), has \(actual)"
    case .elementType(let input, let expected, let actual):
      "input \(input) needs elements of type \(expected), has \(actual)"
    case .windowExceedsInput(let window, let paddedInput):
      "a window of \(joined(window)) does not fit into the padded input of \(joined(paddedInput)); "
        + "use a larger input, more padding, or a smaller kernel"
    case .attribute(let name, let value, let requirement):
      "\(name) is \(value), must be \(requirement)"
    case .unknownOperation(let nearest):
      "no operation has this name"
        + (nearest.isEmpty ? "" : " (the nearest: \(nearest.joined(separator: ", ")))")
        + "; if it is from outside ConvNet, read the file with it among `operations`"
    case .invariant(let text):
      text
    }
  }

  private static func describe(_ range: ClosedRange<Int>) -> String {
    if range.upperBound == .max { return "\(range.lowerBound) or more" }
    return range.lowerBound == range.upperBound
      ? "\(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
  }
}
