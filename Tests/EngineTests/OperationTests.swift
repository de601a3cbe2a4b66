import ConvNetCompiler
import ConvNetEngine
import ConvNetGraphs
import ConvNetTensors
import ConvNetTestSupport
import Testing

/// Every operation on the engine, against the reference in double precision.
@Suite struct OperationTests {
  @Test("an operation computes what the reference does", arguments: OperationCase.all)
  func outputs(_ operation: OperationCase) throws {
    let graph = try operation.graph()
    let given = operation.given(in: graph)
    for mode in operation.modes {
      for format in operation.hasPicture ? DataFormat.allCases : [.channelsFirst] {
        try expectReferenceOutputs(of: graph, given: given, mode: mode, format: format)
      }
    }
  }

  @Test("its gradients are the reference's", arguments: OperationCase.differentiable)
  func gradients(_ operation: OperationCase) throws {
    let training = try operation.training()
    let mode = operation.modes.contains(.training) ? Mode.training : .inference
    for format in operation.hasPicture ? DataFormat.allCases : [.channelsFirst] {
      try expectReferenceGradients(
        of: training.graph, loss: training.loss, by: training.variables,
        given: operation.given(in: training.graph), mode: mode, format: format)
    }
  }

  /// Convolutions make blocked layouts, whose last block of channels is mostly padding here.
  @Test(
    "outputs and gradients are the same after convolutions, in the layouts that those make",
    arguments: OperationCase.all.filter(\.hasPicture))
  func afterConvolution(_ operation: OperationCase) throws {
    let network = try AfterIdentity(operation)
    for mode in operation.modes {
      try expectReferenceOutputs(of: network.graph, given: network.given, mode: mode)
    }
    guard operation.hasGradient else { return }
    let mode = operation.modes.contains(.training) ? Mode.training : .inference
    try expectReferenceGradients(
      of: network.graph, loss: network.loss, by: network.variables, given: network.given,
      mode: mode)
  }

  @Test("outputs and gradients are PyTorch's")
  func agreesWithPyTorch() throws {
    let fixtures = try OperationFixture.load()
    #expect(fixtures.count > 80)
    for fixture in fixtures {
      let (forward, _, loss) = try fixture.graph()
      let given = fixture.given(in: forward)
      let inputs = given.filter { forward[$0.key].name != "target" }
      var modes = Mode.allCases
      if case .batchNormalization(let normalization) = fixture.operation,
        normalization.form == .inference
      {
        modes = [.inference]
      }
      for mode in modes {
        let outputs = try runOnEngine(forward, given: loss == nil ? inputs : given, mode: mode)
        for (index, expected) in fixture.outputs.enumerated() {
          let difference = try relativeDifference(
            #require(outputs["output\(index)"]), expected)
          #expect(difference < 1e-5, "\(fixture)")
        }
      }
      guard let loss else { continue }
      let variables = zip(forward.valueIDs, fixture.gradients).filter { $0.1 != nil }.map(\.0)
      var (graph, gradients) = try forward.differentiated(loss: loss, byInputs: variables)
      graph.outputs = []
      for variable in variables {
        graph.addOutput(graph[variable].name, try #require(gradients[variable]))
      }
      let outputs = try runOnEngine(graph, given: given, mode: modes.last ?? .training)
      for (variable, expected) in zip(forward.valueIDs, fixture.gradients) {
        guard let expected else { continue }
        let difference = try relativeDifference(
          #require(outputs[graph[variable].name]), expected)
        #expect(difference < 2e-5, "\(fixture), by \(graph[variable].name)")
      }
    }
  }
}

/// An operation whose pictures and signals pass through a convolution that leaves them as they are.
private struct AfterIdentity {
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
      guard input.parameter == nil, shape.rank > 2 else {
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
      if input.isDifferentiable { variables.append(kernel) }
      inputs.append(
        try graph.append(
          Operation.Convolution(strides: axes, hasBias: false), to: id, kernel,
          name: "identity \(index)"))
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
