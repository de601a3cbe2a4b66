public import ConvNetTensors

/// How a parameter begins. Random ones draw from a stream of their own, keyed by the seed and the
/// parameter's place, so that one layer's size does not change another's numbers.
public enum Initializer: Hashable, Sendable, Codable {
  /// 0: biases, and the shift of a normalization.
  case zeros
  /// 1: the scale of a normalization.
  case ones
  /// One number everywhere.
  case constant(Float)
  /// Normal with mean 0.
  case normal(standardDeviation: Float)
  /// Uniform in [-bound, bound]: PyTorch's convolutions begin so, with a bound of 1 / sqrt(in).
  case uniform(bound: Float)
  /// Uniform in [-sqrt(6 / (in + out)), sqrt(6 / (in + out))]: keeps the variance of activations
  /// and of gradients where the nonlinearity is nearly linear (Glorot and Bengio, 2010).
  case glorotUniform
  /// Normal with variance 2 / (in + out).
  case glorotNormal
  /// Uniform in [-sqrt(6 / in), sqrt(6 / in)]: keeps the variance through ReLU, which halves it (He
  /// et al., 2015).
  case heUniform
  /// Normal with variance 2 / in.
  case heNormal
  /// Normal with variance 2 / out, `out` counted with the receptive field: for residual networks.
  case heNormalFanOut

  /// The values of a parameter.
  ///
  /// - Parameters:
  ///   - shape: a kernel's is [out, in / groups, height, width] or [out, in]; `in` and `out` above
  ///     count its receptive field.
  ///   - index: the parameter's place among those of the network.
  public func values(shape: Shape, seed: UInt64, index: Int) -> Tensor {
    let key = RandomKey(
      seed: seed, purpose: .initialization, index: UInt32(truncatingIfNeeded: index))
    let field = Float(shape.dimensions.dropFirst(2).reduce(1, *))
    let fanIn = (shape.rank > 1 ? Float(shape[1]) : 1) * field
    let fanOut = (shape.rank > 0 ? Float(shape[0]) : 1) * field
    func uniform(_ bound: Float) -> Tensor {
      Tensor(shape: shape) { elements in
        RandomNumbers.drawUniform(key, in: -bound..<bound, into: &elements)
      }
    }
    func normal(_ deviation: Float) -> Tensor {
      Tensor(shape: shape) { elements in
        RandomNumbers.drawNormal(key, deviation: deviation, into: &elements)
      }
    }
    return switch self {
    case .zeros: Tensor(zeros: shape)
    case .ones: Tensor(repeating: 1 as Float, shape: shape)
    case .constant(let value): Tensor(repeating: value, shape: shape)
    case .normal(let deviation): normal(deviation)
    case .uniform(let bound): uniform(bound)
    case .glorotUniform: uniform((6 / (fanIn + fanOut)).squareRoot())
    case .glorotNormal: normal((2 / (fanIn + fanOut)).squareRoot())
    case .heUniform: uniform((6 / fanIn).squareRoot())
    case .heNormal: normal((2 / fanIn).squareRoot())
    case .heNormalFanOut: normal((2 / fanOut).squareRoot())
    }
  }
}
