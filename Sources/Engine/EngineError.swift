import COneDNN
public import ConvNetFiles
public import ConvNetTensors

/// Why a graph cannot be compiled or run.
public struct EngineError: Error, Hashable, Sendable {
  /// What is wrong, with the values that show it.
  public enum Problem: Hashable, Sendable {
    /// The kernel library refused a primitive. `reason` is its own word.
    case primitive(reason: String)
    /// The graph asks for something that this engine does not do. `requirement` says what it does.
    case unsupported(requirement: String)
    /// No value was given for a parameter of the graph.
    case missingParameter(String)
    /// A parameter's value has another shape than the graph says.
    case parameterShape(name: String, expected: Shape, actual: Shape)
    /// A parameter's value has other elements than `float32`, which networks are computed in.
    case parameterType(name: String, actual: ElementType)
    /// The graph has no input of that name.
    case unknownInput(String, known: [String])
    /// The graph has no output of that name.
    case unknownOutput(String, known: [String])
    /// What was given for an input has another shape, in the order of the compiled format.
    case inputShape(name: String, expected: Shape, actual: Shape)
    /// What was given for an input has other elements.
    case inputType(name: String, expected: ElementType, actual: ElementType)
    /// There is no memory of that size for the arena or the weights.
    case outOfMemory(byteCount: Int)
    /// The kernel library has no memory to compile or run an operation; it takes up to so many bytes.
    case libraryOutOfMemory(byteCount: Int)
    /// A step takes memory for laid out otherwise than the step that wrote it did: a fault of the compiler.
    case layoutsDiffer(shape: Shape, writer: String, written: String, read: String)
    /// A number of threads outside of those that a run can have.
    case threadCount(actual: Int, range: ClosedRange<Int>)
    /// The system has not so many threads for the process.
    case threads(Int)
    /// Instructions that there are not, or that the processor does not have.
    case unknownInstructions(String, available: [String])
    /// A setting of the environment that has no such value.
    case unknownSetting(String, known: [String])
    /// Weights of fewer bits cannot be trained.
    case trainingNeedsFloat32(ComputeOptions.DenseWeights)
  }

  /// The name of the operation, or of the graph.
  public var subject: String
  /// What is wrong with it.
  public var problem: Problem

  package init(subject: String, problem: Problem) {
    self.subject = subject
    self.problem = problem
  }
}

extension EngineError: ReadableError {
  public var description: String {
    switch problem {
    case .primitive(let reason):
      "\(subject): the kernel library refused it: \(reason)"
    case .unsupported(let requirement):
      "\(subject): \(requirement)"
    case .missingParameter(let name):
      "\(subject): no value for parameter \(name); load or initialize every parameter first"
    case .parameterShape(let name, let expected, let actual):
      "\(subject): parameter \(name) needs shape \(expected), has \(actual)"
    case .parameterType(let name, let actual):
      "\(subject): parameter \(name) must be float32, is \(actual)"
    case .unknownInput(let name, let known):
      "\(subject): has no input \(name); its inputs are \(known.joined(separator: ", "))"
    case .unknownOutput(let name, let known):
      "\(subject): has no output \(name); its outputs are \(known.joined(separator: ", "))"
    case .inputShape(let name, let expected, let actual):
      "\(subject): input \(name) needs shape \(expected), has \(actual)"
        + (DataFormat.allCases.contains {
          $0.ordered($0.other.logical(expected.dimensions)) == actual.dimensions
        } ? "; the channels stand where they do in the other order of axes: transpose it" : "")
    case .inputType(let name, let expected, let actual):
      "\(subject): input \(name) needs elements of type \(expected), has \(actual)"
    case .layoutsDiffer(let shape, let writer, let written, let read):
      "\(subject): takes \(shape) for laid out as \(read), but \(writer) wrote it as \(written); please report this"
    case .outOfMemory(let byteCount):
      "\(subject): \(byteCount) bytes of memory cannot be had; let the process have more, or use a smaller batch"
    case .libraryOutOfMemory(let byteCount):
      "\(subject): \(byteCount) bytes of memory for the kernel library cannot be had; let the process have more, or use a smaller "
        + "batch"
    case .threadCount(let actual, let range):
      "\(subject): threads is \(actual), must be from \(range.lowerBound) to \(range.upperBound)"
    case .threads(let count):
      "\(subject): the system has no \(count) threads for this process; compute on fewer"
    case .unknownInstructions(let name, let available):
      "\(subject): this processor has no instructions \(name); set it to one of \(available.joined(separator: ", "))"
    case .unknownSetting(let value, let known):
      "\(subject): is \(value); set it to one of \(known.joined(separator: ", "))"
    case .trainingNeedsFloat32(let weights):
      "\(subject): dense weights of \(weights.rawValue) are for inference; train with float32"
    }
  }
}

/// What the kernel library said, before it is known for which operation.
package struct LibraryFailure: Error {
  var status: Int32
}

extension EngineError {
  init(_ status: Int32, subject: String) {
    self.init(
      subject: subject,
      problem: status == CDNN_OUT_OF_MEMORY
        ? .libraryOutOfMemory(byteCount: Memory.reserveByteCount)
        : .primitive(reason: String(cString: cdnn_status_text(status))))
  }
}
