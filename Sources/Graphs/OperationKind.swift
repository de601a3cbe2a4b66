/// Every kind of operation, with its attributes.
///
/// Encoded as `{"kind": NAME, "attributes": {...}}`, with the names that the attributes' types
/// give.
public enum OperationKind: Hashable, Sendable {
  case convolution(Operation.Convolution)
  case convolutionInputGradient(Operation.ConvolutionInputGradient)
  case convolutionParameterGradient(Operation.ConvolutionParameterGradient)
  case transposedConvolution(Operation.TransposedConvolution)
  case channelSum(Operation.ChannelSum)
  case dense(Operation.Dense)
  case denseInputGradient(Operation.DenseInputGradient)
  case denseParameterGradient(Operation.DenseParameterGradient)
  case maxPooling(Operation.MaxPooling)
  case maxPoolingGradient(Operation.MaxPoolingGradient)
  case averagePooling(Operation.AveragePooling)
  case averagePoolingGradient(Operation.AveragePoolingGradient)
  case globalPooling(Operation.GlobalPooling)
  case batchNormalization(Operation.BatchNormalization)
  case batchNormalizationGradient(Operation.BatchNormalizationGradient)
  case foldedBatchNormalization(Operation.FoldedBatchNormalization)
  case movingAverage(Operation.MovingAverage)
  case localResponseNormalization(Operation.LocalResponseNormalization)
  case localResponseNormalizationGradient(Operation.LocalResponseNormalizationGradient)
  case activation(Operation.Activation)
  case activationGradient(Operation.ActivationGradient)
  case add(Operation.Add)
  case multiply(Operation.Multiply)
  case concatenate(Operation.Concatenate)
  case slice(Operation.Slice)
  case sliceGradient(Operation.SliceGradient)
  case pad(Operation.Pad)
  case padGradient(Operation.PadGradient)
  case flatten(Operation.Flatten)
  case unflatten(Operation.Unflatten)
  case reshape(Operation.Reshape)
  case transpose(Operation.Transpose)
  case upsample(Operation.Upsample)
  case upsampleGradient(Operation.UpsampleGradient)
  case dropout(Operation.Dropout)
  case softmax(Operation.Softmax)
  case softmaxGradient(Operation.SoftmaxGradient)
  case crossEntropy(Operation.CrossEntropy)
  case crossEntropyGradient(Operation.CrossEntropyGradient)
  case meanSquaredError(Operation.MeanSquaredError)
  case meanSquaredErrorGradient(Operation.MeanSquaredErrorGradient)
  case constant(Operation.Constant)

  public var attributes: any OperationAttributes {
    switch self {
    case .convolution(let attributes): attributes
    case .convolutionInputGradient(let attributes): attributes
    case .convolutionParameterGradient(let attributes): attributes
    case .transposedConvolution(let attributes): attributes
    case .channelSum(let attributes): attributes
    case .dense(let attributes): attributes
    case .denseInputGradient(let attributes): attributes
    case .denseParameterGradient(let attributes): attributes
    case .maxPooling(let attributes): attributes
    case .maxPoolingGradient(let attributes): attributes
    case .averagePooling(let attributes): attributes
    case .averagePoolingGradient(let attributes): attributes
    case .globalPooling(let attributes): attributes
    case .batchNormalization(let attributes): attributes
    case .batchNormalizationGradient(let attributes): attributes
    case .foldedBatchNormalization(let attributes): attributes
    case .movingAverage(let attributes): attributes
    case .localResponseNormalization(let attributes): attributes
    case .localResponseNormalizationGradient(let attributes): attributes
    case .activation(let attributes): attributes
    case .activationGradient(let attributes): attributes
    case .add(let attributes): attributes
    case .multiply(let attributes): attributes
    case .concatenate(let attributes): attributes
    case .slice(let attributes): attributes
    case .sliceGradient(let attributes): attributes
    case .pad(let attributes): attributes
    case .padGradient(let attributes): attributes
    case .flatten(let attributes): attributes
    case .unflatten(let attributes): attributes
    case .reshape(let attributes): attributes
    case .transpose(let attributes): attributes
    case .upsample(let attributes): attributes
    case .upsampleGradient(let attributes): attributes
    case .dropout(let attributes): attributes
    case .softmax(let attributes): attributes
    case .softmaxGradient(let attributes): attributes
    case .crossEntropy(let attributes): attributes
    case .crossEntropyGradient(let attributes): attributes
    case .meanSquaredError(let attributes): attributes
    case .meanSquaredErrorGradient(let attributes): attributes
    case .constant(let attributes): attributes
    }
  }

  /// The kinds by name, for reading a model file.
  private static let types: [String: any OperationAttributes.Type] = {
    let types: [any OperationAttributes.Type] = [
      Operation.Convolution.self,
      Operation.ConvolutionInputGradient.self,
      Operation.ConvolutionParameterGradient.self,
      Operation.TransposedConvolution.self,
      Operation.ChannelSum.self,
      Operation.Dense.self,
      Operation.DenseInputGradient.self,
      Operation.DenseParameterGradient.self,
      Operation.MaxPooling.self,
      Operation.MaxPoolingGradient.self,
      Operation.AveragePooling.self,
      Operation.AveragePoolingGradient.self,
      Operation.GlobalPooling.self,
      Operation.BatchNormalization.self,
      Operation.BatchNormalizationGradient.self,
      Operation.FoldedBatchNormalization.self,
      Operation.MovingAverage.self,
      Operation.LocalResponseNormalization.self,
      Operation.LocalResponseNormalizationGradient.self,
      Operation.Activation.self,
      Operation.ActivationGradient.self,
      Operation.Add.self,
      Operation.Multiply.self,
      Operation.Concatenate.self,
      Operation.Slice.self,
      Operation.SliceGradient.self,
      Operation.Pad.self,
      Operation.PadGradient.self,
      Operation.Flatten.self,
      Operation.Unflatten.self,
      Operation.Reshape.self,
      Operation.Transpose.self,
      Operation.Upsample.self,
      Operation.UpsampleGradient.self,
      Operation.Dropout.self,
      Operation.Softmax.self,
      Operation.SoftmaxGradient.self,
      Operation.CrossEntropy.self,
      Operation.CrossEntropyGradient.self,
      Operation.MeanSquaredError.self,
      Operation.MeanSquaredErrorGradient.self,
      Operation.Constant.self,
    ]
    return Dictionary(uniqueKeysWithValues: types.map { ($0.name, $0) })
  }()
}

extension OperationKind {
  public var name: String { type(of: attributes).name }
}

extension OperationKind: Codable {
  private enum CodingKeys: CodingKey {
    case kind, attributes
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name, forKey: .kind)
    try attributes.encode(to: container.superEncoder(forKey: .attributes))
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let name = try container.decode(String.self, forKey: .kind)
    guard let type = Self.types[name] else {
      throw DecodingError.dataCorruptedError(
        forKey: .kind, in: container, debugDescription: "unknown kind of operation \(name)")
    }
    self = try type.init(from: container.superDecoder(forKey: .attributes)).kind
  }
}
