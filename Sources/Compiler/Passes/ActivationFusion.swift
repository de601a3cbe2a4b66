import ConvNetGraphs

extension Pass {
  /// Applies an activation while the result of the convolution or dense layer before it is in registers.
  ///
  /// Refused where anything else reads the layer's result (a backward operation that needs it, for one), or where the layer
  /// applies an activation already.
  public static let activationFusion = Pass(
    name: "activation-fusion",
    purpose: "moves an activation into the convolution or dense layer whose result it alone reads",
    rewrite: { (graph: inout Graph) throws(GraphError) in
      var index = 0
      while index < graph.operations.count {
        if !graph.fuseActivation(at: index) { index += 1 }
      }
      graph.removeDeadValues()
    })
}

extension Graph {
  /// Whether the operation at `index` is an activation that was fused, and so removed.
  fileprivate mutating func fuseActivation(at index: Int) -> Bool {
    let operation = operations[index]
    guard case .activation(let activation) = operation.kind,
      let layer = soleProducer(of: operation.inputs[0]),
      let fused = operations[layer].kind.fusing(.activation(activation.function))
    else { return false }
    operations[layer].kind = fused
    operations[layer].outputs = operation.outputs
    operations.remove(at: index)
    return true
  }
}

extension OperationKind {
  /// This layer with one more fused operation; `nil` where it takes none after those that it has.
  func fusing(_ operation: Operation.Convolution.FusedOperation) -> OperationKind? {
    switch self {
    case .convolution(var convolution) where convolution.fused.accepts(operation):
      convolution.fused.append(operation)
      return convolution.kind
    case .dense(var dense) where dense.fused.accepts(operation):
      dense.fused.append(operation)
      return dense.kind
    default:
      return nil
    }
  }
}

extension [Operation.Convolution.FusedOperation] {
  /// The library adds first and applies one activation last.
  fileprivate func accepts(_ operation: Element) -> Bool {
    switch operation {
    case .addition: isEmpty
    case .activation: isEmpty || self == [.addition]
    }
  }
}
