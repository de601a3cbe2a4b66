import ConvNetTensors

/// A row of a network's table: what one layer makes and costs.
public struct LayerRow: Hashable, Sendable {
  /// The path of the layer.
  public var name: String
  /// The kind of its operation.
  public var kind: String
  /// The output of one example: height, width, channels for pictures; width, channels for signals; features.
  public var output: [Int]
  /// Elements of the layer's own parameters, moving averages not counted.
  public var parameters: Int
  /// Multiplications, each with its addition, of one example.
  public var multiplyAdds: Int
}

extension Graph {
  /// The layers in the order of the computation. Operations of one layer are one row.
  public var layerTable: [LayerRow] {
    var rows: [LayerRow] = []
    var counted = Set<ValueID>()
    for operation in operations {
      let output = self[operation.outputs[0]].shape
      var parameters = 0
      for input in operation.inputs where counted.insert(input).inserted {
        if self[input].parameterKind?.isTrainable == true { parameters += self[input].shape.count }
      }
      let multiplyAdds = operation.kind.attributes.multiplyAdds(
        inputs: operation.inputs.map { self[$0].type },
        outputs: operation.outputs.map { self[$0].type })
      rows.append(
        LayerRow(
          name: operation.name, kind: operation.kind.name,
          output: Array(output.dimensions.dropFirst(2)) + output.dimensions.dropFirst().prefix(1),
          parameters: parameters, multiplyAdds: multiplyAdds / max(1, output[0])))
    }
    return rows
  }
}
