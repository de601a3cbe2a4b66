package import ConvNetGraphs
public import ConvNetTensors

/// Where a file of weights holds a parameter, and in which order its elements stand there.
public struct ParameterSource: Hashable, Sendable {
  /// What the file calls it.
  public var name: String
  /// Its shape in the file.
  public var shape: Shape
  /// The file's elements as a grid that may have more axes than its shape: the inputs of a dense
  /// layer as height, width, channels.
  private var extents: [Int]
  /// The axes of the grid in the order of the parameter's elements.
  private var axes: [Int]

  /// The parameter's elements in its own order, under a shape of as many.
  public init(_ name: String, shape: Shape) {
    self.init(
      name, shape: shape, extents: shape.dimensions, axes: Array(shape.dimensions.indices))
  }

  /// - Parameters:
  ///   - extents: of the grid; their product is the number of elements.
  ///   - axes: each of the grid's once.
  public init(_ name: String, shape: Shape, extents: [Int], axes: [Int]) {
    self.name = name
    self.shape = shape
    self.extents = extents
    self.axes = axes
  }

  /// A parameter's elements in its own order, from the file's tensor.
  ///
  /// - Precondition: the tensor has the file's shape, and the parameter as many elements.
  package func parameter(of shape: Shape, from tensor: Tensor) -> Tensor {
    guard axes != Array(extents.indices) else { return tensor.reshaped(to: shape) }
    let strides = Shape(extents).rowMajorStrides
    var result = Tensor(uninitialized: shape, elementType: tensor.elementType)
    tensor.withUnsafeBytes { source in
      result.withUnsafeMutableBytes { target in
        copyStrided(
          source, to: target, shape: Shape(axes.map { extents[$0] }),
          strides: axes.map { strides[$0] }, elementSize: tensor.elementType.byteCount)
      }
    }
    return result
  }
}

/// How a framework calls the parameters of a network, and how it orders their elements.
public struct WeightNaming: Sendable {
  /// For people: `Keras`.
  public var framework: String
  /// Where to find each parameter of the graph, by the parameter's name, in a file of these names.
  /// Parameters that the framework's network does not have are left out.
  package var sources: @Sendable (Graph, Set<String>) -> [String: ParameterSource]

  package init(
    framework: String,
    sources: @escaping @Sendable (Graph, Set<String>) -> [String: ParameterSource]
  ) {
    self.framework = framework
    self.sources = sources
  }

  /// ConvNet's own, which are torchvision's.
  package static let own = WeightNaming(framework: "ConvNet") { graph, _ in
    graph.sources { ParameterSource($0.name, shape: $0.shape) }
  }

  /// ConvNet's own without the classifiers at the side, which files for inference leave out.
  package static let withoutAuxiliaryClassifiers = WeightNaming(framework: "ConvNet") { graph, _ in
    let needed = Set(graph.valuesOfMainOutputs.map { graph[$0].name })
    return graph.sources { value in
      guard needed.contains(value.name) else { return nil }
      return ParameterSource(value.name, shape: value.shape)
    }
  }
}

extension Graph {
  /// A source for each parameter that has one.
  package func sources(_ source: (Value) -> ParameterSource?) -> [String: ParameterSource] {
    var sources: [String: ParameterSource] = [:]
    for id in parameters { sources[self[id].name] = source(self[id]) }
    return sources
  }

  /// The graph without the operations of auxiliary classifiers.
  package var withoutAuxiliaryClassifiers: Graph {
    let needed = valuesOfMainOutputs
    var graph = self
    graph.operations.removeAll { !$0.outputs.contains(where: needed.contains) }
    return graph
  }

  /// Everything that the outputs which are no auxiliary classifiers' are computed from.
  fileprivate var valuesOfMainOutputs: Set<ValueID> {
    var needed = Set(outputs.filter { $0.auxiliaryWeight == nil }.map(\.value))
    for operation in operations.reversed() where operation.outputs.contains(where: needed.contains)
    {
      needed.formUnion(operation.inputs)
    }
    return needed
  }
}
