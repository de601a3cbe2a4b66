import ConvNetGraphs

extension Pass {
  /// Folds an inference batch normalization into the convolution or dense layer before it: the kernel is scaled and the bias
  /// shifted, once, when the graph is compiled.
  ///
  /// Refused where anything else reads the layer's result, where the layer computes more than its sum already, and where the
  /// normalization uses the statistics of the batch.
  public static let batchNormalizationFolding = Pass(
    name: "batch-normalization-folding",
    purpose: "multiplies inference batch normalization into the kernel and bias before it",
    rewrite: { (graph: inout Graph) throws(GraphError) in
      var folder = NormalizationFolder(graph)
      for index in graph.operations.indices { folder.fold(index) }
      graph = folder.folded
      graph.removeDeadValues()
    })
}

/// Folds the normalizations of a graph, one after the other.
private struct NormalizationFolder {
  private var graph: Graph
  private var uses: GraphUses
  /// What computes the folded kernels and biases, by the layer that reads them.
  private var folds: [Int: [Operation]] = [:]
  /// Constants that stood behind a layer which needs them now.
  private var moved: [Int: Int] = [:]

  init(_ graph: Graph) {
    self.graph = graph
    uses = GraphUses(graph)
  }

  var folded: Graph {
    var result = graph
    result.rearrange(moving: moved, inserting: folds)
    return result
  }

  /// Folds the operation at `index`, where it is a normalization and may be folded.
  mutating func fold(_ index: Int) {
    let operation = graph.operations[index]
    guard let normalization = operation.attributes as? Operation.BatchNormalization,
      normalization.form == .inference,
      let layer = uses.soleProducer(of: operation.inputs[0], in: graph),
      var folded = graph.operations[layer].attributes as? any WeightLayer, folded.fused.isEmpty
    else { return }
    let hasBias = folded.hasBias
    folded.hasBias = true
    for value in operation.inputs[1...4] { bringForward(value, before: layer) }
    let inputs = graph.operations[layer].inputs
    let kernelAndBias = Array(inputs[1..<(hasBias ? 3 : 2)])
    let name = graph.operations[layer].name
    let foldedValues = [kernelAndBias[0], operation.inputs[1]].enumerated().map { part, like in
      graph.append(
        Value(
          name: "\(name)/folded \(part == 0 ? "kernel" : "bias")",
          type: graph[like].type, source: .operation))
    }
    graph.operations[layer].kind = folded.kind
    graph.operations[layer].inputs = [inputs[0]] + foldedValues
    graph.operations[layer].outputs = operation.outputs
    uses.note(producer: layer, of: operation.outputs[0])
    graph.empty(index)
    folds[layer, default: []].append(
      Operation(
        name: "\(name)/fold",
        kind: Operation.FoldedBatchNormalization(
          epsilon: normalization.epsilon, hasBias: hasBias
        ).kind,
        inputs: kernelAndBias + operation.inputs[1...4], outputs: foldedValues))
  }

  /// Moves a constant, such as a scale that is not learned, before a layer.
  private mutating func bringForward(_ value: ValueID, before layer: Int) {
    guard let maker = uses.producer(of: value), maker > layer,
      graph.operations[maker].outputs == [value], graph.operations[maker].inputs.isEmpty
    else { return }
    moved[maker] = min(moved[maker] ?? layer, layer)
  }
}
