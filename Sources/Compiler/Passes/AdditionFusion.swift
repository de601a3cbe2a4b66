import ConvNetGraphs

extension Pass {
  /// Lets a convolution or dense layer accumulate its result onto the other term of a residual addition, in that term's
  /// memory.
  ///
  /// Refused where the layer's result is read elsewhere, where the layer reads the other term as well, and where the other term
  /// is still needed afterwards: an input, a parameter, a result, or a value that a later operation reads.
  public static let additionFusion = Pass(
    name: "addition-fusion",
    purpose: "moves a residual addition into the layer that makes one of its terms",
    rewrite: { (graph: inout Graph) throws(GraphError) in
      let uses = GraphUses(graph)
      var lastReaders = graph.consumers.mapValues { $0.last ?? 0 }
      for index in graph.operations.indices {
        graph.fuseAddition(at: index, uses, &lastReaders)
      }
      graph.removeDeadValues()
    })
}

extension Graph {
  /// Fuses the addition at `index`, where it is one and may be fused. The layer moves to the place of the addition, where both
  /// terms are there.
  fileprivate mutating func fuseAddition(
    at index: Int, _ uses: GraphUses, _ lastReaders: inout [ValueID: Int]
  ) {
    let operation = operations[index]
    guard let add = operation.attributes as? Operation.Add, add.coefficients == nil,
      operation.inputs.count == 2
    else { return }
    // The later of two candidates has the other's result to accumulate onto.
    let candidates = [0, 1].compactMap { term in
      uses.soleProducer(of: operation.inputs[term], in: self).map {
        (layer: $0, addend: operation.inputs[1 - term])
      }
    }
    for (layer, addend) in candidates.sorted(by: { $0.layer > $1.layer })
    where self[addend].source == .operation && !uses.results.contains(addend)
      // Nothing reads it after the addition.
      && lastReaders[addend, default: 0] <= index && !operations[layer].inputs.contains(addend)
    {
      guard let fused = operations[layer].kind.fusing(.addition) else { continue }
      var fusedLayer = operations[layer]
      fusedLayer.kind = fused
      fusedLayer.inputs.append(addend)
      fusedLayer.outputs = operation.outputs
      operations[index] = fusedLayer
      for input in operations[layer].inputs {
        lastReaders[input] = max(lastReaders[input, default: 0], index)
      }
      empty(layer)
      return
    }
  }
}
