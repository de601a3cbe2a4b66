public import ConvNetFiles
public import ConvNetTensors

/// Why a model cannot be used as it was asked for.
public enum InferenceError: Error, Hashable, Sendable {
  /// The network is given pictures, and the model does not say how they are prepared.
  case noPreprocessing(model: String)
  /// The model's pictures are prepared for another input than the network's. Extents are channels, height, width.
  case otherPreprocessing(model: String, made: [Int], needed: [Int])
  /// No layer, operation or output has this name; the nearest that have.
  case unknownValue(name: String, model: String, nearest: [String])
  /// A value inside that is not one of each picture.
  case notOfPictures(name: String, shape: Shape)
  /// A tensor that is not what the network is given, in the order that is asked for; `expected` is one example.
  case inputShape(model: String, expected: Shape, actual: Shape, order: DataFormat)
  /// A number of pictures or of runs at once that must be at least one.
  case belowOne(name: String, actual: Int)
  /// A number does not depend on a value: it is computed before it, or beside it.
  case independent(of: String, value: String, model: String)
  /// A tensor of another type than `float32`.
  case inputType(model: String, actual: ElementType)
}

extension InferenceError: ReadableError {
  public var description: String {
    func text(_ extents: [Int]) -> String { extents.map { "\($0)" }.joined(separator: "x") }
    return switch self {
    case .noPreprocessing(let model):
      "\(model) does not say how pictures are prepared; set the model's preprocessing, or give it tensors"
    case .otherPreprocessing(let model, let made, let needed):
      "\(model) prepares pictures for an input of \(text(made)), its network takes \(text(needed)); set the model's "
        + "preprocessing to one of the network's extents"
    case .unknownValue(let name, let model, let nearest):
      "\(model) has no layer or value named \(name)"
        + (nearest.isEmpty
          ? "; the graph of a model lists them"
          : "; the nearest are \(nearest.joined(separator: ", "))")
    case .notOfPictures(let name, let shape):
      "\(name), of shape \(shape), has no part of each picture; ask for a value whose first axis is the batch"
    case .inputShape(let model, let expected, let actual, let order):
      "\(model): the input needs shape Nx\(expected), has \(actual)"
        + Self.hint(expected, actual, order)
    case .belowOne(let name, let actual):
      "\(name) is \(actual), must be at least 1"
    case .independent(let name, let value, let model):
      "\(value) of \(model) does not depend on \(name); ask for a layer before it"
    case .inputType(let model, let actual):
      "\(model) takes float32, the tensor is \(actual); convert it"
    }
  }

  /// In which order it is wanted, and what to do where the channels stand where the other order has them.
  private static func hint(_ expected: Shape, _ actual: Shape, _ order: DataFormat) -> String {
    let one = Array(actual.dimensions.suffix(expected.rank))
    if one == expected.dimensions { return "; give one example at a time" }
    let channels = order.logical([1] + expected.dimensions)[1]
    let isOther =
      expected.rank > 1 && one.count == expected.rank
      && order.other.logical([1] + one)[1] == channels
    return " (\(order.axes(rank: expected.rank + 1)))"
      + (isOther ? ": it has \(order.other.axes(rank: expected.rank + 1)); transpose it" : "")
  }
}
