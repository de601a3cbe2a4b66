public import ConvNetFiles
import ConvNetReports
public import ConvNetTensors

/// Why there is nothing to see.
public enum InsightError: Error, Hashable, Sendable {
  /// A network whose input is not pictures or maps of them.
  case needsPictures(model: String, input: [Int])
  /// No class has this number.
  case unknownClass(Int, model: String, count: Int)
  /// A layer whose values do not lie side by side in a plane; the last one that does.
  case notSpatial(layer: String, shape: Shape, last: String?)
  /// A setting that makes no sense.
  case setting(name: String, value: String, requirement: String)
  /// What would be drawn is too much to be seen.
  case tooMuch(what: String, count: Int, limit: Int, advice: String)
  /// Two things of other extents than each other.
  case extents(what: String, actual: [Int], expected: [Int])
  /// The name of a file that says no format that can be written.
  case format(path: String, known: [String])
  /// A program that is not there, and is needed for a format.
  case noProgram(name: String, purpose: String, advice: String)
  /// A program that failed, and what it said.
  case program(name: String, status: Int32, message: String)
  /// Too few of something to make anything of.
  case tooFew(what: String, count: Int, least: Int)
  /// A picture whose fit has no room in memory, and one that would have.
  case tooLarge(height: Int, width: Int, byteCount: Int, fits: [Int])
  /// A state to go on with that is of something else.
  case otherFit(what: String)
  /// A network without layers of a kind.
  case noLayer(model: String, kind: String)
  /// A layer without kernels, and those of its network that have some.
  case noKernels(layer: String, model: String, convolutions: [String])
  /// Numbers that are not finite, which a network can make of finite weights. `subject` is what it was given, such as a picture's
  /// name; `what` are the numbers.
  case noAnswer(model: String, subject: String, what: String)
  /// Processes that would measure something else than each other, in words.
  case processes(String)
}

extension InsightError: ReadableError {
  public var description: String {
    func text(_ extents: [Int]) -> String { extents.map { "\($0)" }.joined(separator: "x") }
    return switch self {
    case .needsPictures(let model, let input):
      "\(model) is given \(text(input)) numbers, not pictures of channels, height and width"
    case .unknownClass(let index, let model, let count):
      "\(model) has no class \(index); they go from 0 to \(count - 1)"
    case .notSpatial(let layer, let shape, let last):
      "\(layer) makes \(shape), which has no height and width to draw"
        + (last.map { "; the last layer that has is \($0)" } ?? "")
    case .setting(let name, let value, let requirement):
      "\(name) is \(value), must be \(requirement)"
    case .tooMuch(let what, let count, let limit, let advice):
      "\(count) \(what) are more than the \(limit) that can be shown; \(advice)"
    case .extents(let what, let actual, let expected):
      "\(what) is \(text(actual)), must be \(text(expected))"
    case .format(let path, let known):
      "\(path): pictures are written as \(known.joined(separator: " or ")); end the name with one of these"
    case .noProgram(let name, let purpose, let advice):
      "\(purpose) is made by \(name), which is not installed; \(advice)"
    case .program(let name, let status, let message):
      "\(name) ended with status \(status)" + (message.isEmpty ? "" : ": \(message)")
    case .tooFew(let what, let count, let least):
      "there are \(count) \(what), needed are at least \(least)"
    case .tooLarge(let height, let width, let byteCount, let fits):
      "a picture of \(width)x\(height) needs \(HumanReadable.bytes(byteCount)) of memory, which cannot be had; one of \(text(fits)) fits"
    case .otherFit(let what):
      "the state to go on with is of \(what)"
    case .noLayer(let model, let kind):
      "\(model) has no \(kind)"
    case .noKernels(let layer, let model, let convolutions):
      "\(layer) of \(model) is no convolution, so that it has no kernels; "
        + (convolutions.isEmpty
          ? "none of its layers is one"
          : "one of \(convolutions.prefix(5).joined(separator: ", "))\(convolutions.count > 5 ? " and others" : "") has")
    case .noAnswer(let model, let subject, let what):
      "\(model) has no answer for \(subject): its \(what) are not finite; look at the weights, of which one may be very large"
    case .processes(let difference):
      "\(difference); start all processes with the same model, data and options"
    }
  }
}
