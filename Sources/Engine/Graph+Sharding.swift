import ConvNetCompiler
import ConvNetGraphs
import ConvNetTensors

/// How a value of the whole batch comes from those of its parts, where all parts have as many examples.
enum BatchRole {
  /// Depends on no example: the same in every part.
  case fixed
  /// Of each example by itself: the parts' values joined.
  case example
  /// A mean over the examples, or a sum of shares: the mean of the parts' values.
  case mean
  /// Of each example, as its share in a mean: a gradient of the loss. A part's is larger than the whole's, since it has fewer
  /// examples, so such a value can be a step on the way to a mean, but no output.
  case share
}

extension Graph {
  /// The graph of one shard, where the batch is better computed in one shard a thread, and the role of each output by name;
  /// `nil` where it is not, or cannot be.
  func shard(
    for options: CompilationOptions
  ) throws -> (graph: Graph, roles: [String: BatchRole])? {
    guard options.threads > 1, parameterBytes <= Self.largestSharded,
      let batch = inputs.first.map({ self[$0].shape.dimensions.first ?? 0 }),
      inputs.allSatisfy({ self[$0].shape.dimensions.first == batch }),
      batch >= options.threads, batch % options.threads == 0,
      let roles = try outputRoles(in: options.mode),
      let graph = try? batched(batch / options.threads)
    else { return nil }
    return (graph, roles)
  }

  private var parameterBytes: Int {
    parameters.reduce(0) { $0 + self[$1].shape.count * ElementType.float32.byteCount }
  }

  /// Every shard packs the weights anew at each training step, and keeps a gradient of each: more than a cache's worth of
  /// parameters costs more than the barriers.
  private static let largestSharded = 4 << 20

  /// `nil` where an operation or an output needs the whole batch at once.
  private func outputRoles(in mode: Mode) throws -> [String: BatchRole]? {
    var graph = try specialized(for: mode)
    graph.removeDeadValues()
    var roles: [ValueID: BatchRole] = [:]
    for id in graph.valueIDs where graph[id].source != .operation {
      roles[id] = graph[id].source == .input ? .example : .fixed
    }
    for operation in graph.operations {
      let inputs = operation.inputs.compactMap { roles[$0] }
      for (index, output) in operation.outputs.enumerated() {
        guard let role = operation.kind.batchRole(ofOutput: index, inputs: inputs) else {
          return nil
        }
        roles[output] = role
      }
    }
    var outputRoles: [String: BatchRole] = [:]
    for output in graph.outputs {
      guard let role = roles[output.value], role != .share else { return nil }
      outputRoles[output.name] = role
    }
    return outputRoles
  }
}

extension OperationKind {
  /// The role of a result, from those of what it is computed from; `nil` where parts of a batch do not tell it.
  fileprivate func batchRole(ofOutput index: Int, inputs: [BatchRole]) -> BatchRole? {
    let shares = inputs.count { $0 == .share }
    let means = inputs.count { $0 == .mean }
    switch self {
    case .movingAverage, .batchNormalizationGradient:
      return nil
    case .batchNormalization(let attributes) where attributes.form != .inference:
      return nil
    case .constant(let attributes):
      // A larger one may have the batch in its shape.
      return attributes.shape.count == 1 ? .fixed : nil
    case _ where inputs.allSatisfy { $0 == .fixed }:
      return .fixed
    case .transpose(let attributes) where attributes.permutation.first != 0:
      return nil
    case .concatenate(let attributes) where attributes.axis == 0:
      return nil
    case .slice(let attributes) where attributes.axis == 0:
      return nil
    case .sliceGradient(let attributes) where attributes.slice.axis == 0:
      return nil
    case .crossEntropy:
      guard shares + means == 0 else { return nil }
      return index == 0 ? .mean : .example
    case .meanSquaredError:
      return shares + means == 0 ? .mean : nil
    case .crossEntropyGradient, .meanSquaredErrorGradient:
      // The gradient by the loss, last, is a number that every part knows.
      return shares + means == 0 && inputs.last == .fixed ? .share : nil
    case .convolutionParameterGradient, .denseParameterGradient, .channelSum:
      return shares == 1 && means == 0 ? .mean : nil
    case .add where means > 0:
      return shares == 0 && !inputs.contains(.example) ? .mean : nil
    case _ where means > 0:
      return nil
    case _ where shares > 0:
      return keepsShares(shares, of: inputs.count) ? .share : nil
    default:
      return .example
    }
  }

  /// Whether a result is proportional to the shares that it is computed from.
  private func keepsShares(_ shares: Int, of inputs: Int) -> Bool {
    switch self {
    case .add, .concatenate:
      shares == inputs
    case .convolution(let attributes):
      shares == 1 && !attributes.hasBias && attributes.fused.isEmpty
    case .transposedConvolution(let attributes):
      shares == 1 && !attributes.hasBias
    case .dense(let attributes):
      shares == 1 && !attributes.hasBias && attributes.fused.isEmpty
    case .multiply, .convolutionInputGradient, .denseInputGradient, .maxPoolingGradient,
      .averagePooling, .averagePoolingGradient, .localResponseNormalizationGradient,
      .activationGradient, .softmaxGradient, .slice, .sliceGradient, .pad, .padGradient, .flatten,
      .unflatten, .reshape, .transpose, .upsample, .upsampleGradient, .dropout:
      shares == 1
    default:
      false
    }
  }
}
