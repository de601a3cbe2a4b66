import ConvNetFiles
import ConvNetGraphs
import ConvNetInference
public import ConvNetLayers
import ConvNetTensors

extension Model {
  /// The layers whose values lie side by side in a plane, [batch, channels, height, width] of more than one position, by name in
  /// the order of the computation. Without auxiliary classifiers, what dropout makes, and values whose axes are in another order,
  /// as networks of other frameworks have them in between.
  public var spatialLayers: [String] { spatialOperations.map { $0.operation.name } }

  /// The last of ``spatialLayers`` that is not made by pooling, and computed there rather than moved to other places: what the
  /// convolutions of a classifier come to.
  public var lastSpatialLayer: String? {
    let operations = spatialOperations
    return (operations.last { $0.isComputed } ?? operations.last)?.operation.name
  }

  /// The operations of ``spatialLayers``, and whether each computes what pooling and an order of elements do not make.
  private var spatialOperations: [(operation: ConvNetGraphs.Operation, isComputed: Bool)] {
    let used = graph.ancestorOperations(of: mainOutput.map { [$0.value] } ?? [])
    var planes: [ValueID: PlaneAxes] = [:]
    for input in graph.inputs where graph[input].shape.rank == 4 {
      planes[input] = PlaneAxes(axes: PlaneAxes.inOrder, isComputed: false)
    }
    var found: [(operation: ConvNetGraphs.Operation, isComputed: Bool)] = []
    for (index, operation) in graph.operations.enumerated() where used.contains(index) {
      let output = operation.outputs[0]
      let shape = graph[output].shape
      guard shape.rank == 4,
        let plane = operation.plane(from: operation.inputs.compactMap { planes[$0] })
      else { continue }
      planes[output] = plane
      if plane.axes == PlaneAxes.inOrder, shape[2] * shape[3] > 1,
        !operation.kind.traits.isIdentityInInference
      {
        found.append((operation, plane.isComputed))
      }
    }
    return found
  }

  /// A layer by name, or the last spatial one, whose values lie in a plane.
  ///
  /// - Throws: ``InferenceError/unknownValue(name:model:nearest:)``, ``InsightError/notSpatial(layer:shape:last:)``.
  func spatialLayer(_ name: String?) throws -> String {
    guard let name else {
      guard let last = lastSpatialLayer else {
        throw InsightError.noLayer(
          model: graph.name, kind: "layer whose values have height and width")
      }
      return last
    }
    let shape = try shape(of: name)
    guard shape.rank == 4 else {
      throw InsightError.notSpatial(layer: name, shape: shape, last: lastSpatialLayer)
    }
    return name
  }

  /// The shape of a value for one example.
  func shape(of name: String) throws -> Shape {
    let graph = try graph(batch: 1, outputs: [name])
    guard let output = graph.outputs.first(where: { $0.name == name }) else {
      throw InferenceError.unknownValue(name: name, model: graph.name, nearest: [])
    }
    return graph[output.value].shape
  }

  /// Channels, height and width of the input.
  ///
  /// - Throws: ``InsightError/needsPictures(model:input:)``.
  func pictureExtents() throws -> (channels: Int, height: Int, width: Int) {
    let extents = inputExtents
    guard extents.count == 3 else {
      throw InsightError.needsPictures(model: graph.name, input: extents)
    }
    return (extents[0], extents[1], extents[2])
  }

  /// - Throws: ``InsightError/unknownClass(_:model:count:)``.
  func requireClasses(_ classes: [Int]) throws {
    if let wrong = classes.first(where: { !(0..<classCount ~= $0) }) {
      throw InsightError.unknownClass(wrong, model: graph.name, count: classCount)
    }
  }

  /// Prepared pictures as one batch in the model's order, each with or without the axis of the batch.
  ///
  /// - Throws: ``InferenceError`` where one is not an input of the network.
  func batch(of inputs: [Tensor]) throws -> Tensor {
    let extents = dataFormat.ordered([1] + inputExtents)
    let one = Shape(Array(extents.dropFirst()))
    var elements: [Float] = []
    for input in inputs {
      guard input.elementType == .float32 else {
        throw InferenceError.inputType(model: graph.name, actual: input.elementType)
      }
      guard input.shape == one || input.shape == Shape(extents) else {
        throw InferenceError.inputShape(
          model: graph.name, expected: one, actual: input.shape, order: dataFormat)
      }
      elements += input.elements
    }
    return Tensor(elements, shape: Shape([inputs.count] + one.dimensions))
  }
}

/// How a value lies in a plane.
private struct PlaneAxes {
  /// [batch, channels, height, width].
  static let inOrder = [2, 3]

  /// Those of height and width, counted from the batch, which is 0.
  var axes: [Int]
  /// Whether it is more than a choice of other elements, or their order.
  var isComputed: Bool
}

extension ConvNetGraphs.Operation {
  /// How the result lies, of what is known of the inputs; `nil` where it has no height and width, or they cannot be told.
  fileprivate func plane(from sources: [PlaneAxes]) -> PlaneAxes? {
    switch attributes {
    // Their windows are along these axes.
    case is Operation.Convolution, is Operation.TransposedConvolution, is Operation.Upsample:
      return PlaneAxes(axes: PlaneAxes.inOrder, isComputed: true)
    case is Operation.MaxPooling, is Operation.AveragePooling, is Operation.GlobalPooling,
      is Operation.Pad, is Operation.Unflatten:
      return PlaneAxes(axes: PlaneAxes.inOrder, isComputed: false)
    case let transposition as Operation.Transpose:
      // What was computed in another order comes back to this one.
      return sources.first.map { source in
        PlaneAxes(
          axes: source.axes.compactMap { transposition.permutation.firstIndex(of: $0) },
          isComputed: source.isComputed && source.axes != PlaneAxes.inOrder)
      }
    case is Operation.Slice, is Operation.AxisMap:
      return sources.first.map { PlaneAxes(axes: $0.axes, isComputed: false) }
    case is Operation.Reshape, is Operation.Regroup, is Operation.MatrixProduct:
      return nil
    default:
      return sources.first.map { PlaneAxes(axes: $0.axes, isComputed: true) }
    }
  }
}
