import ConvNetGraphs
import ConvNetTensors
import ConvNetTestSupport

/// An operation whose pictures and signals pass through a convolution that leaves them as they are.
struct AfterIdentity {
  var graph: Graph
  var loss: ValueID
  var variables: [ValueID] = []
  var given: [ValueID: Tensor] = [:]

  init(_ operation: OperationCase) throws {
    var graph = Graph(name: "\(operation) after convolution")
    var inputs: [ValueID] = []
    for (index, (input, tensor)) in zip(operation.inputs, operation.tensors()).enumerated() {
      let shape = input.type.shape
      let id: ValueID
      if let kind = input.parameter {
        id = graph.addParameter("parameter\(index)", shape, kind)
      } else {
        id = graph.addInput("input\(index)", input.type)
      }
      given[id] = tensor
      if input.isDifferentiable { variables.append(id) }
      guard input.parameter == nil, shape.rank > 2, input.isDifferentiable else {
        inputs.append(id)
        continue
      }
      let axes = [Int](repeating: 1, count: shape.rank - 2)
      let channels = shape[1]
      let kernel = graph.addParameter(
        "identity\(index)", Shape([channels, channels] + axes), .kernel)
      given[kernel] = Tensor(
        (0..<channels * channels).map { $0 % (channels + 1) == 0 ? Float(1) : 0 },
        shape: graph[kernel].shape)
      variables.append(kernel)
      // The dilation of one tap means nothing, but the library's kernels do the convolution then.
      let convolution = Operation.Convolution(
        strides: axes, dilations: axes.map { $0 + 1 }, hasBias: false)
      inputs.append(
        try graph.append(convolution, to: id, kernel, name: "identity \(index)"))
    }
    let outputs = try graph.append(operation.attributes, to: inputs, name: "operation")
    for (index, output) in outputs.enumerated() { graph.addOutput("output\(index)", output) }
    let target = graph.addInput("target", graph[outputs[0]].type)
    given[target] = .random(graph[target].shape, seed: 999)
    loss = try graph.append(Operation.MeanSquaredError(), to: outputs[0], target, name: "loss")
    graph.addOutput("loss", loss)
    self.graph = graph
  }
}
