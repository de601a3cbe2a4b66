import ConvNetGraphs
import ConvNetTensors

/// A value of an ONNX graph while the graph is read: known now, or computed by the network, or both.
struct ONNXOperand {
  var name: String
  /// What the file says the elements are. In the graph all are `float32`: whole numbers up to 2^24 are exact there.
  var type: ONNXElementType
  /// As ONNX has it: a scalar has no extents.
  var shape: [Int]
  /// Its numbers, where they do not depend on what the network is given.
  var constant: Tensor?
  var value: ValueID?
  /// Whether it is given at every run although its numbers were told.
  var isInput = false

  var rank: Int { shape.count }
  var count: Int { shape.reduce(1, *) }

  /// Its shape in a graph, where values have an axis at least.
  var graphShape: Shape { Shape(shape.isEmpty ? [1] : shape) }

  /// Of a constant: whole numbers, exactly.
  var integers: [Int]? {
    guard let constant, constant.count <= ONNXOperand.foldedCount else { return nil }
    return constant.integers
  }

  /// Of a constant: numbers of any type.
  var numbers: [Double]? {
    if let integers { return integers.map(Double.init) }
    guard let constant, constant.count <= ONNXOperand.foldedCount else { return nil }
    return constant.converted(to: .float64).elements(of: Double.self)
  }

  /// Of a constant of one element, with or without axes.
  var number: Double? { count == 1 ? numbers?.first : nil }

  /// Elements of what is computed while a file is read: sizes and tables, seldom more.
  static let foldedCount = 1 << 20

  /// - Parameter type: of the file, where that is not the tensor's.
  static func constant(
    _ tensor: Tensor, type: ONNXElementType? = nil, name: String
  ) -> ONNXOperand {
    ONNXOperand(
      name: name, type: type ?? ONNXElementType(tensor.elementType),
      shape: tensor.shape.dimensions, constant: tensor)
  }

  static func constant(
    _ integers: [Int], shape: [Int], type: ONNXElementType = .int64, name: String
  ) -> ONNXOperand {
    ONNXOperand(
      name: name, type: type, shape: shape,
      constant: Tensor(integers: integers, shape: Shape(shape), as: type.elementType ?? .int64))
  }

  static func constant(
    _ numbers: [Double], shape: [Int], type: ONNXElementType, name: String
  ) -> ONNXOperand {
    let shaped = Shape(shape)
    guard type.isFloatingPoint, let elementType = type.elementType else {
      return constant(
        numbers.map { Int(clamping: $0) }, shape: shape, type: type, name: name)
    }
    return ONNXOperand(
      name: name, type: type, shape: shape,
      constant: Tensor(numbers, shape: shaped).converted(to: elementType))
  }
}

extension Int {
  /// The whole number next to a number on the side of zero; the nearest there is, and 0 for what is none.
  init(clamping number: Double) {
    if number.isNaN {
      self = 0
    } else if number >= 0x1p63 {
      self = .max
    } else if number <= -0x1p63 {
      self = .min
    } else {
      self = Int(number)
    }
  }
}
