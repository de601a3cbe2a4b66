import ConvNetGraphs
import ConvNetLayers
import ConvNetTensors

/// The pooling with which auxiliary classifiers begin: means of 5x5 windows of stride 3. A grid that is
/// smaller, from a smaller picture than the paper's, is one window.
struct SidePooling: Layer {
  var defaultName: String { "pool" }

  func append(to builder: inout LayerBuilder, input: ValueID) throws(GraphError) -> ValueID {
    let grid = builder.shape(input).dimensions.dropFirst(2)
    return try builder.append(
      Operation.AveragePooling(window: grid.map { min(5, $0) }, strides: grid.map { _ in 3 }),
      to: input)
  }
}

/// A convolution over the 5x5 positions that the pooling leaves of the paper's picture: over all of
/// them, where a smaller picture leaves fewer.
struct SideConvolution: Layer {
  var channels: Int
  var style: ConvolutionUnit.Style

  var defaultName: String { "" }

  func append(to builder: inout LayerBuilder, input: ValueID) throws(GraphError) -> ValueID {
    let kernel = builder.shape(input).dimensions.dropFirst(2).map { min(5, $0) }
    return try builder.append(
      ConvolutionUnit(channels, kernel: kernel, padding: .valid, style: style), to: input)
  }
}

/// The classifier at the side of GoogLeNet and its successor: 5x5 mean pooling of stride 3, a 1x1
/// convolution of 128 channels, a dense layer of 1024, 70% dropout; its loss counts 0.3 unless the options say otherwise.
///
/// - Parameter isAdaptive: torchvision's pooling: the means of 4x4 parts of the grid, as many as the
///   paper's windows are on its picture, but smaller.
func googLeNetAuxiliary(
  _ name: String, _ options: ModelOptions, style: ConvolutionUnit.Style, isAdaptive: Bool = false
) -> Auxiliary {
  Auxiliary(name, weight: options.auxiliaryWeight ?? 0.3) {
    if isAdaptive { AdaptiveAveragePool2D(4) } else { SidePooling() }
    ConvolutionUnit(128, kernel: 1, style: style).named("conv")
    Flatten()
    Dense(1024, initializer: .heNormal).named("fc1")
    ReLU()
    Dropout(0.7)
    Dense(options.classes).named("fc2")
  }
}
