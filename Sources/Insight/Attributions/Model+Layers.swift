import ConvNetFiles
import ConvNetGraphs
import ConvNetInference
public import ConvNetLayers
import ConvNetTensors

extension Model {
  /// The layers whose values lie side by side in a plane, [batch, channels, height, width] of more than one position, by name in
  /// the order of the computation. Without auxiliary classifiers, and what dropout makes.
  public var spatialLayers: [String] { spatialOperations.map(\.name) }

  /// The last of ``spatialLayers`` that is not made by pooling: what the convolutions of a classifier come to.
  public var lastSpatialLayer: String? {
    let pooling: Set = [
      Operation.MaxPooling.name, Operation.AveragePooling.name, Operation.GlobalPooling.name,
    ]
    let operations = spatialOperations
    return (operations.last { !pooling.contains($0.kind.name) } ?? operations.last)?.name
  }

  private var spatialOperations: [ConvNetGraphs.Operation] {
    let used = graph.ancestorOperations(of: mainOutput.map { [$0.value] } ?? [])
    return graph.operations.enumerated().filter { index, operation in
      let shape = graph[operation.outputs[0]].shape
      return used.contains(index) && !operation.kind.traits.isIdentityInInference
        && shape.rank == 4 && shape[2] * shape[3] > 1
    }.map(\.element)
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
