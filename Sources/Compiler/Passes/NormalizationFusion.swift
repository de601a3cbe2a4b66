import ConvNetGraphs
import ConvNetTensors

extension Pass {
  /// Rectifies the result of a training batch normalization while it is written, and its gradient while it is read: two passes
  /// over memory less in each direction. A ReLU may be a leaky one.
  ///
  /// Refused where anything but one ReLU reads the normalization's result, where that is a result of the graph, and where the
  /// ReLU's gradient is read by anything but the normalization's.
  public static let normalizationFusion = Pass(
    name: "normalization-fusion",
    purpose:
      "moves a ReLU, leaky or not, and its gradient into the training batch normalization before it",
    rewrite: { (graph: inout Graph) throws(GraphError) in
      var uses = GraphUses(graph)
      for index in graph.operations.indices {
        graph.fuseRectification(intoNormalizationAt: index, &uses)
      }
      graph.removeDeadValues()
    })
}

extension Graph {
  /// Fuses the ReLU after the operation at `index`, where that is a normalization and may take it.
  fileprivate mutating func fuseRectification(
    intoNormalizationAt index: Int, _ uses: inout GraphUses
  ) {
    guard var normalization = operations[index].attributes as? Operation.BatchNormalization,
      normalization.form == .training,
      let relu = uses.soleReader(of: operations[index].outputs[0]),
      let activation = operations[relu].attributes as? Operation.Activation,
      let slope = activation.function.negativeSlope
    else { return }
    let rectified = operations[relu].outputs[0]
    let backward = gradients(of: rectified, normalizationAt: index, uses)
    guard case .fusible(let pair) = backward else { return }

    normalization.form = .rectifiedTraining
    normalization.negativeSlope = slope
    operations[index].kind = normalization.kind
    operations[index].outputs[0] = rectified
    if let pair,
      var gradient = operations[pair.outer].attributes as? Operation.BatchNormalizationGradient
    {
      gradient.isRectified = true
      gradient.negativeSlope = slope
      operations[pair.outer].kind = gradient.kind
      let incoming = operations[pair.inner].inputs[1]
      let shift = operations[index].inputs[2]
      operations[pair.outer].inputs[1] = incoming
      operations[pair.outer].inputs.append(shift)
      for input in operations[pair.inner].inputs { uses.forget(reader: pair.inner, of: input) }
      uses.note(reader: pair.outer, of: incoming)
      uses.note(reader: pair.outer, of: shift)
      empty(pair.inner)
    }
    uses.note(producer: index, of: rectified)
    empty(relu)
  }

  private enum Backward {
    /// The gradients of the ReLU and of the normalization, by their indices; `nil` where there is no backward pass.
    case fusible((inner: Int, outer: Int)?)
    case refused
  }

  /// How the backward pass uses a ReLU's result and the normalization before it.
  private func gradients(
    of rectified: ValueID, normalizationAt index: Int, _ uses: GraphUses
  ) -> Backward {
    let statistics = operations[index].outputs[1]
    let inner = uses.readers(of: rectified).filter {
      operations[$0].attributes is Operation.ActivationGradient
        && operations[$0].inputs[0] == rectified
    }
    let outer = uses.readers(of: statistics).filter {
      operations[$0].attributes is Operation.BatchNormalizationGradient
        && operations[$0].inputs[2] == statistics
    }
    if inner.isEmpty, outer.isEmpty { return .fusible(nil) }
    guard inner.count == 1, outer.count == 1,
      uses.soleReader(of: operations[inner[0]].outputs[0]) == outer[0],
      operations[outer[0]].inputs[1] == operations[inner[0]].outputs[0]
    else { return .refused }
    return .fusible((inner[0], outer[0]))
  }
}

extension ActivationFunction {
  /// What a ReLU multiplies negative numbers by; `nil` of other functions.
  fileprivate var negativeSlope: Float? {
    switch self {
    case .relu: 0
    case .leakyReLU(let slope): slope
    case .relu6, .elu, .silu, .gelu, .tanh, .sigmoid, .hardSigmoid, .hardSwish: nil
    }
  }
}
