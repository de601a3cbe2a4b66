import ConvNetGraphs
import ConvNetLayers
import ConvNetTensors

extension WeightNaming {
  /// Of timm's VGG, whose hidden dense layers are convolutions over the whole grid. Its residual
  /// and Inception networks have torchvision's names.
  static let timmVGG = WeightNaming(framework: "timm") { graph, _ in
    let layers = [
      "classifier.0": "pre_logits.fc1", "classifier.3": "pre_logits.fc2",
      "classifier.6": "head.fc",
    ]
    return graph.sources { value in
      guard let layer = layers[value.layerPath], let kind = value.parameterKind else {
        return ParameterSource(value.name, shape: value.shape)
      }
      let name = "\(layer).\(kind == .kernel ? "weight" : "bias")"
      guard kind == .kernel, layer != "head.fc" else {
        return ParameterSource(name, shape: value.shape)
      }
      guard let picture = graph.pictureFlattened(for: value) else {
        return ParameterSource(name, shape: Shape(value.shape.dimensions + [1, 1]))
      }
      let inFile = [value.shape[0], picture.channels, picture.height, picture.width]
      return ParameterSource(
        name, shape: Shape(inFile), extents: inFile,
        axes: picture.order == .channelsFirst ? [0, 1, 2, 3] : [0, 2, 3, 1])
    }
  }
}

extension Value {
  /// The path of a parameter's layer: `layer1.0.conv1` of `layer1.0.conv1.weight`.
  var layerPath: String {
    name.lastIndex(of: ".").map { String(name[..<$0]) } ?? ""
  }
}

extension Graph {
  /// The picture whose elements a dense layer is given, and their order; `nil` where it is given
  /// something else than a flattened picture.
  func pictureFlattened(
    for kernel: Value
  ) -> (channels: Int, height: Int, width: Int, order: DataFormat)? {
    guard let id = value(named: kernel.name),
      let dense = operations.first(where: { $0.inputs.dropFirst().contains(id) })
    else { return nil }
    var input = dense.inputs[0]
    while let producer = operations.first(where: { $0.outputs.contains(input) }) {
      switch producer.attributes {
      case is Operation.Dropout: input = producer.inputs[0]
      case let flatten as Operation.Flatten:
        let shape = self[producer.inputs[0]].shape
        guard shape.rank == 4 else { return nil }
        return (shape[1], shape[2], shape[3], flatten.order)
      default: return nil
      }
    }
    return nil
  }
}
