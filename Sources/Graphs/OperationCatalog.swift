import ConvNetFiles

/// The kinds of operations that a file may name.
///
/// A model file says by name which operations its network is made of. One that comes from outside the package is known to whoever
/// reads the file:
///
///     let model = try Model(loading: "swish.safetensors", operations: [Swish.self, SwishGradient.self])
public struct OperationCatalog: Sendable {
  private var types: [String: any OperationAttributes.Type]

  /// Those of the package.
  public static let builtIn = OperationCatalog(types: Operation.builtIn)

  /// Those of the package, and others. Two of one name end the process: a file could not tell them apart.
  public init(adding types: [any OperationAttributes.Type]) {
    self.init(types: Operation.builtIn + types)
  }

  /// Those of the package, and those that a graph is made of.
  package init(of graph: Graph) {
    var types: [any OperationAttributes.Type] = []
    for operation in graph.operations {
      let kind = type(of: operation.attributes)
      if !types.contains(where: { $0 == kind }) { types.append(kind) }
    }
    self.init(adding: types)
  }

  private init(types: [any OperationAttributes.Type]) {
    self.types = Dictionary(types.map { ($0.name, $0) }) { first, second in
      guard first == second else {
        fatalError("\(first) and \(second) are both called \(first.name); rename one")
      }
      return first
    }
  }

  /// - Throws: ``GraphError`` with the names that are nearest, where there is none of that name.
  func attributes(named name: String) throws(GraphError) -> any OperationAttributes.Type {
    guard let type = types[name] else {
      throw GraphError(
        subject: name,
        problem: .unknownOperation(nearest: nearestNames(to: name, among: Array(types.keys))))
    }
    return type
  }
}

extension CodingUserInfoKey {
  /// The ``OperationCatalog`` by which a decoder reads operations.
  package static let operations = CodingUserInfoKey(rawValue: "ConvNet.operations")
    .unsafelyUnwrapped
}

extension Operation {
  /// The operations of the package: the one table of them, by which files are read.
  package static let builtIn: [any OperationAttributes.Type] = [
    Activation.self,
    ActivationGradient.self,
    Add.self,
    AveragePooling.self,
    AveragePoolingGradient.self,
    AxisMap.self,
    BatchNormalization.self,
    BatchNormalizationGradient.self,
    BinaryCrossEntropy.self,
    BinaryCrossEntropyGradient.self,
    ChannelScale.self,
    ChannelScaleGradient.self,
    ChannelSum.self,
    Clip.self,
    ClipGradient.self,
    Concatenate.self,
    Constant.self,
    Convolution.self,
    ConvolutionInputGradient.self,
    ConvolutionParameterGradient.self,
    CrossEntropy.self,
    CrossEntropyGradient.self,
    Dense.self,
    DenseInputGradient.self,
    DenseParameterGradient.self,
    Dropout.self, StochasticDepth.self,
    Elementwise.self,
    Flatten.self,
    FoldedBatchNormalization.self,
    GlobalPooling.self,
    LayerNormalization.self,
    LayerNormalizationInputGradient.self,
    LayerNormalizationParameterGradient.self,
    LocalResponseNormalization.self,
    LocalResponseNormalizationGradient.self,
    MatrixProduct.self,
    MaxPooling.self,
    MaxPoolingGradient.self,
    MeanSquaredError.self,
    MeanSquaredErrorGradient.self,
    MovingAverage.self,
    Multiply.self,
    Pad.self,
    PadGradient.self,
    Reduction.self,
    Regroup.self,
    Reshape.self,
    Slice.self,
    SliceGradient.self,
    Softmax.self,
    SoftmaxGradient.self,
    Top.self,
    TopGradient.self,
    Transpose.self,
    TransposedConvolution.self,
    Unflatten.self,
    Upsample.self,
    UpsampleGradient.self,
  ]
}
