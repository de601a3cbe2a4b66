import ConvNetGraphs
import ConvNetTensors

extension Pass {
  /// Rectifies the result of a training batch normalization while it is written, and its gradient while it is read: two passes
  /// over memory less in each direction.
  ///
  /// Refused where anything but one ReLU reads the normalization's result, where that is a result of the graph, and where the
  /// ReLU's gradient is read by anything but the normalization's.
  public static let normalizationFusion = Pass(
    name: "normalization-fusion",
    purpose: "moves a ReLU, and its gradient, into the training batch normalization before it",
    rewrite: { (graph: inout Graph) throws(GraphError) in
      var index = 0
      while index < graph.operations.count {
        graph.fuseRectification(intoNormalizationAt: index)
        index += 1
      }
      graph.removeDeadValues()
    })
}

extension Graph {
  /// Fuses the ReLU after the operation at `index`, where that is a normalization and may take it. Only operations behind it go.
  fileprivate mutating func fuseRectification(intoNormalizationAt index: Int) {
    guard case .batchNormalization(var normalization) = operations[index].kind,
      normalization.form == .training,
      let relu = soleConsumer(of: operations[index].outputs[0]),
      case .activation(let activation) = operations[relu].kind, activation.function == .relu
    else { return }
    let rectified = operations[relu].outputs[0]
    let backward = gradients(of: rectified, normalizationAt: index)
    guard case .fusible(let pair) = backward else { return }

    normalization.form = .rectifiedTraining
    operations[index].kind = normalization.kind
    operations[index].outputs[0] = rectified
    if let pair, case .batchNormalizationGradient(var gradient) = operations[pair.outer].kind {
      gradient.isRectified = true
      operations[pair.outer].kind = gradient.kind
      operations[pair.outer].inputs[1] = operations[pair.inner].inputs[1]
      operations[pair.outer].inputs.append(operations[index].inputs[2])
      operations.remove(at: pair.inner)
    }
    operations.remove(at: relu)
  }

  private enum Backward {
    /// The gradients of the ReLU and of the normalization, by their indices; `nil` where there is no backward pass.
    case fusible((inner: Int, outer: Int)?)
    case refused
  }

  /// How the backward pass uses a ReLU's result and the normalization before it.
  private func gradients(of rectified: ValueID, normalizationAt index: Int) -> Backward {
    let statistics = operations[index].outputs[1]
    let inner = operations.indices.filter {
      guard case .activationGradient = operations[$0].kind else { return false }
      return operations[$0].inputs[0] == rectified
    }
    let outer = operations.indices.filter {
      guard case .batchNormalizationGradient = operations[$0].kind else { return false }
      return operations[$0].inputs[2] == statistics
    }
    if inner.isEmpty, outer.isEmpty { return .fusible(nil) }
    guard inner.count == 1, outer.count == 1,
      soleConsumer(of: operations[inner[0]].outputs[0]) == outer[0],
      operations[outer[0]].inputs[1] == operations[inner[0]].outputs[0]
    else { return .refused }
    return .fusible((inner[0], outer[0]))
  }

  /// The operation that alone reads a value, once; `nil` where there are others, none, or the value is a result.
  private func soleConsumer(of value: ValueID) -> Int? {
    let readers = operations.indices.filter { operations[$0].inputs.contains(value) }
    guard readers.count == 1, !results.contains(value),
      operations[readers[0]].inputs.count(where: { $0 == value }) == 1
    else { return nil }
    return readers[0]
  }
}
