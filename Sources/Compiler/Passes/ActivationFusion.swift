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
      var uses = GraphUses(graph)
      for index in graph.operations.indices { graph.fuseActivation(at: index, &uses) }
      graph.removeDeadValues()
    })
}

extension Graph {
  /// Fuses the operation at `index`, where it is an activation and may be fused.
  fileprivate mutating func fuseActivation(at index: Int, _ uses: inout GraphUses) {
    let operation = operations[index]
    guard let activation = operation.attributes as? Operation.Activation,
      let layer = uses.soleProducer(of: operation.inputs[0], in: self),
      let fused = operations[layer].kind.fusing(.activation(activation.function))
    else { return }
    operations[layer].kind = fused
    operations[layer].outputs = operation.outputs
    uses.note(producer: layer, of: operation.outputs[0])
    empty(index)
  }
}

extension OperationKind {
  /// This layer with one more fused operation; `nil` where it takes none after those that it has.
  func fusing(_ operation: Operation.Convolution.FusedOperation) -> OperationKind? {
    guard var layer = attributes as? any WeightLayer, layer.fused.accepts(operation) else {
      return nil
    }
    layer.fused.append(operation)
    return layer.kind
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
