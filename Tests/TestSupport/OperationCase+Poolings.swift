import ConvNetGraphs
import ConvNetTensors

extension OperationCase {
  /// One geometry, for both kinds of pooling.
  private struct Geometry {
    var name: String
    var input: Shape
    var window: [Int]
    var strides: [Int]
    var padding = Padding.valid
    var ceilMode = false
  }

  private static let geometries: [Geometry] = [
    Geometry(name: "2x2", input: [2, 3, 6, 4], window: [2, 2], strides: [2, 2]),
    Geometry(name: "2x2, remainder", input: [1, 17, 5, 7], window: [2, 2], strides: [2, 2]),
    Geometry(name: "overlapping 3x3", input: [2, 8, 7, 7], window: [3, 3], strides: [2, 2]),
    Geometry(name: "stride above window", input: [1, 2, 8, 9], window: [2, 2], strides: [3, 4]),
    Geometry(name: "1x1", input: [1, 3, 4, 4], window: [1, 1], strides: [1, 1]),
    Geometry(
      name: "padding", input: [1, 3, 6, 5], window: [3, 3], strides: [2, 2],
      padding: .symmetric(1)),
    Geometry(name: "same", input: [2, 2, 5, 6], window: [3, 2], strides: [2, 2], padding: .same),
    Geometry(
      name: "asymmetric padding", input: [1, 2, 5, 5], window: [3, 3], strides: [2, 1],
      padding: .explicit([.init(before: 0, after: 2), .init(before: 1, after: 0)])),
    Geometry(
      name: "ceil", input: [1, 2, 6, 7], window: [3, 2], strides: [2, 2], ceilMode: true),
    Geometry(
      name: "ceil, padding", input: [1, 3, 6, 8], window: [3, 3], strides: [2, 3],
      padding: .symmetric(1), ceilMode: true),
    Geometry(
      name: "ceil, last window dropped", input: [1, 2, 4, 4], window: [2, 2], strides: [3, 3],
      padding: .symmetric(1), ceilMode: true),
    Geometry(
      name: "ceil, stride above window", input: [1, 1, 7, 8], window: [2, 2], strides: [4, 5],
      ceilMode: true),
    Geometry(
      name: "window as large as the picture", input: [2, 4, 3, 5], window: [3, 5],
      strides: [1, 1]),
    Geometry(
      name: "window larger than the picture", input: [1, 2, 2, 3], window: [4, 4],
      strides: [1, 1], padding: .symmetric(1)),
    Geometry(
      name: "signal", input: [2, 3, 9], window: [3], strides: [2], padding: .symmetric(1),
      ceilMode: true),
  ]

  static let poolings: [OperationCase] =
    geometries.map { geometry in
      OperationCase(
        geometry.name,
        Operation.MaxPooling(
          window: geometry.window, strides: geometry.strides, padding: geometry.padding,
          ceilMode: geometry.ceilMode), [Input(geometry.input)])
    }
    + [false, true].flatMap { counts in
      geometries.map { geometry in
        OperationCase(
          geometry.name + (counts ? ", counting padding" : ""),
          Operation.AveragePooling(
            window: geometry.window, strides: geometry.strides, padding: geometry.padding,
            ceilMode: geometry.ceilMode, countIncludesPadding: counts), [Input(geometry.input)])
      }
    }
    + Operation.GlobalPooling.Reduction.allCases.flatMap { reduction in
      let inputs: [(String, Shape)] = [
        ("picture", [2, 5, 4, 3]), ("one position", [1, 3, 1, 1]), ("signal", [2, 3, 7]),
        ("many positions", [1, 2, 17, 16]),
      ]
      return inputs.map { name, shape in
        OperationCase(
          "\(reduction), \(name)", Operation.GlobalPooling(kind: reduction), [Input(shape)])
      }
    }
}
