import ConvNetGraphs
import ConvNetLayers
import ConvNetTensors

// Keras calls a tensor `layer/kernel`, as `weight.path` says and as
// `numpy.savez(file, **{w.path: w.numpy() for w in model.weights})` saves it. Its convolutions are
// [height, width, in, out], its dense layers [in, out] with inputs in the order of channels last.

extension WeightNaming {
  /// Of Keras's residual networks: `conv2_block1_1_conv`, 0 for the projection.
  static let kerasResNet = keras { graph, _ in
    var layers: [String: String] = [:]
    for id in graph.parameters {
      let path = graph[id].layerPath
      let parts = path.split(separator: ".")
      switch parts.count {
      case 1 where path == "fc":
        layers[path] = "predictions"
      case 1:
        layers[path] = path.hasPrefix("bn") ? "conv1_bn" : "conv1_conv"
      default:
        guard let stage = Int(parts[0].drop { !$0.isNumber }), let block = Int(parts[1]) else {
          continue
        }
        let layer = parts[2...].joined(separator: ".")
        let kind = layer.hasPrefix("bn") || layer == "downsample.1" ? "bn" : "conv"
        let place = layer.hasPrefix("downsample") ? "0" : String(layer.suffix(1))
        layers[path] = "conv\(stage + 1)_block\(block + 1)_\(place)_\(kind)"
      }
    }
    return layers
  }

  /// Of Keras's VGG: `block1_conv1`, a block up to each pooling, then `fc1`, `fc2`, `predictions`.
  static let kerasVGG = keras { graph, _ in
    var layers: [String: String] = [:]
    var (block, place) = (1, 0)
    var dense = ["fc1", "fc2", "predictions"][...]
    for operation in graph.operations {
      switch operation.attributes {
      case is Operation.Convolution:
        place += 1
        layers[operation.name] = "block\(block)_conv\(place)"
      case is Operation.MaxPooling: (block, place) = (block + 1, 0)
      case is Operation.Dense: layers[operation.name] = dense.popFirst()
      default: break
      }
    }
    return layers
  }

  /// Of Keras's Inception v3, which numbers its layers as it makes them: `conv2d`, `conv2d_1`, on
  /// from there where it made others before.
  static let kerasInception = keras { graph, names in
    var convolutions = numbered("conv2d", in: names)[...]
    var normalizations = numbered("batch_normalization", in: names)[...]
    var layers = ["fc": "predictions"]
    for operation in graph.operations {
      switch operation.attributes {
      case is Operation.Convolution: layers[operation.name] = convolutions.popFirst()
      case is Operation.BatchNormalization: layers[operation.name] = normalizations.popFirst()
      default: break
      }
    }
    return layers
  }

  /// The layers of a kind in the order of their numbers.
  private static func numbered(_ kind: String, in names: Set<String>) -> [String] {
    let layers = Set(names.map { String($0.prefix { $0 != "/" }) }).filter {
      $0 == kind || ($0.hasPrefix("\(kind)_") && Int($0.dropFirst(kind.count + 1)) != nil)
    }
    return layers.sorted {
      (Int($0.dropFirst(kind.count + 1)) ?? 0) < (Int($1.dropFirst(kind.count + 1)) ?? 0)
    }
  }

  /// - Parameter layers: what Keras calls each layer, by the layer's path.
  private static func keras(
    _ layers: @escaping @Sendable (Graph, Set<String>) -> [String: String]
  ) -> WeightNaming {
    WeightNaming(framework: "Keras") { graph, names in
      let layers = layers(graph, names)
      return graph.sources { value in
        guard let kind = value.parameterKind, let layer = layers[value.layerPath] else {
          return nil
        }
        let name = "\(layer)/\(kind.kerasName)"
        return kind == .kernel
          ? graph.kerasKernel(name, of: value) : ParameterSource(name, shape: value.shape)
      }
    }
  }
}

extension ParameterKind {
  fileprivate var kerasName: String {
    switch self {
    case .kernel: "kernel"
    case .bias: "bias"
    case .scale: "gamma"
    case .shift: "beta"
    case .runningMean: "moving_mean"
    case .runningVariance: "moving_variance"
    case .constant: "constant"
    }
  }
}

extension Graph {
  /// A kernel with its output channels last in the file.
  fileprivate func kerasKernel(_ name: String, of value: Value) -> ParameterSource {
    let extents = value.shape.dimensions
    if extents.count == 4 {
      let inFile = [extents[2], extents[3], extents[1], extents[0]]
      return ParameterSource(name, shape: Shape(inFile), extents: inFile, axes: [3, 2, 0, 1])
    }
    let inFile = [extents[1], extents[0]]
    if let picture = pictureFlattened(for: value), picture.order == .channelsFirst {
      let (channels, height, width) = (picture.channels, picture.height, picture.width)
      return ParameterSource(
        name, shape: Shape(inFile), extents: [height, width, channels, extents[0]],
        axes: [3, 2, 0, 1])
    }
    return ParameterSource(name, shape: Shape(inFile), extents: inFile, axes: [1, 0])
  }
}
