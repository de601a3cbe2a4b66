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
        try expectReferenceOutputs(
          of: graph, given: given, mode: mode, format: format, tolerance: operation.tolerance)
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
        given: operation.given(in: training.graph), mode: mode, format: format,
        tolerance: 2 * operation.tolerance)
    }
  }

  @Test(
    "convolutions of more channels and positions than a vector holds, outputs and gradients",
    arguments: [
      Large([3, 1, 28, 28], [6, 1, 5, 5], .same), Large([3, 6, 14, 14], [16, 6, 5, 5], .valid),
      Large([2, 5, 9, 33], [3, 5, 3, 4], .same), Large([1, 2, 5, 47], [9, 2, 3, 7], .valid),
      Large([2, 3, 17, 16], [7, 3, 4, 4], .symmetric(2)),
      Large([2, 32, 10, 11], [48, 32, 3, 3], .same), Large([2, 64, 7, 7], [32, 64, 1, 1], .valid),
      Large([2, 24, 9, 9], [40, 24, 3, 3], .same, strides: [2, 2]),
      Large([1, 3, 35, 35], [64, 3, 7, 7], .symmetric(3), strides: [2, 2]),
      Large([2, 32, 8, 8], [32, 8, 3, 3], .same, groups: 4),
      Large([2, 32, 9, 9], [32, 1, 3, 3], .same, groups: 32),
      Large([1, 16, 4, 40], [16, 16, 1, 35], .same),
      Large([1, 16, 40, 3], [16, 16, 35, 1], .same),
      Large([1, 16, 3, 24], [16, 16, 2, 19], .same),
    ])
  func largeConvolutions(_ large: Large) throws {
    let attributes = Operation.Convolution(
      strides: large.strides, padding: large.padding, groups: large.groups)
    let operation = OperationCase(
      "\(large)", attributes,
      [.init(large.input), .kernel(large.kernel), .bias(large.kernel[0])])
    let training = try operation.training()
    for format in DataFormat.allCases {
      try expectReferenceGradients(
        of: training.graph, loss: training.loss, by: training.variables,
        given: operation.given(in: training.graph), mode: .training, format: format)
    }
    let graph = try operation.graph()
    try expectReferenceOutputs(of: graph, given: operation.given(in: graph), mode: .inference)
  }

  struct Large: Sendable, CustomStringConvertible {
    var input: Shape
    var kernel: Shape
    var padding: Padding
    var strides: [Int]
    var groups: Int

    init(
      _ input: Shape, _ kernel: Shape, _ padding: Padding, strides: [Int] = [1, 1],
      groups: Int = 1
    ) {
      self.input = input
      self.kernel = kernel
      self.padding = padding
      self.strides = strides
      self.groups = groups
    }

    var description: String { "\(input) by \(kernel) \(padding) \(strides) \(groups)" }
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
      if let normalization = fixture.operation.attributes as? Operation.BatchNormalization,
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
