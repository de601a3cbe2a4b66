import ConvNetGraphs
import ConvNetLayers
import ConvNetTensors
import ConvNetTestSupport
import Testing

@Suite("Branches") struct BranchesTests {
  private func residual(
    _ shortcut: Shortcut, channels: Int, stride: Int, height: Int = 8
  ) -> Network {
    Network("n", input: .image(height: height, width: height, channels: 4)) {
      Residual(shortcut: shortcut) {
        Conv2D(channels, kernel: 3, stride: stride, padding: .symmetric(1), bias: false)
      }
    }
  }

  @Test("the identity adds the input itself")
  func identity() throws {
    let graph = try residual(.identity, channels: 4, stride: 1).graph()
    #expect(graph.operations.map(\.kind.name) == ["convolution", "add"])
    #expect(graph.operations[1].inputs == [graph.operations[0].outputs[0], graph.inputs[0]])
  }

  @Test("the identity refuses other shapes")
  func identityRefused() {
    #expect(throws: GraphError.self) {
      try residual(.identity, channels: 8, stride: 1).graph()
    }
    #expect(throws: GraphError.self) {
      try residual(.identity, channels: 4, stride: 2).graph()
    }
  }

  @Test(
    "a projection appears where the shapes differ, or always",
    arguments: [
      (.channelsChange, 4, 1, false), (.channelsChange, 8, 1, true), (.channelsChange, 4, 2, true),
      (.always, 4, 1, true),
    ] as [(Shortcut.ProjectionCondition, Int, Int, Bool)])
  func projection(
    condition: Shortcut.ProjectionCondition, channels: Int, stride: Int, isExpected: Bool
  ) throws {
    let graph = try residual(.projection(when: condition), channels: channels, stride: stride)
      .graph()
    let projections = graph.operations.filter { $0.name.hasPrefix("downsample") }
    #expect(
      projections.map(\.kind.name) == (isExpected ? ["convolution", "batchNormalization"] : []))
    guard isExpected,
      let convolution = projections[0].attributes as? Operation.Convolution
    else { return }
    #expect(convolution.strides == [stride, stride])
    #expect(graph[projections[0].inputs[1]].shape == [channels, 4, 1, 1])
  }

  @Test("the stride of a shortcut follows odd extents too", arguments: [7, 8, 9], [1, 2, 3])
  func strides(height: Int, stride: Int) throws {
    for shortcut in [Shortcut.projection(when: .always), .zeroPadded] {
      let graph = try residual(shortcut, channels: 8, stride: stride, height: height).graph()
      let extent = (height - 1) / stride + 1
      #expect(graph.outputs.map { graph[$0.value].shape } == [[1, 8, extent, extent]])
    }
  }

  @Test("a zero-padded shortcut adds subsampled channels, then zeros, without parameters")
  func zeroPadded() throws {
    let graph = try residual(.zeroPadded, channels: 6, stride: 2).graph().batched(3)
    try graph.verify()
    #expect(graph.parameters.map { graph[$0].name } == ["conv1.weight"])
    // With a kernel of zeros the result is the shortcut.
    let input = ReferenceValue(Tensor.random([3, 4, 8, 8], seed: 1))
    let given = [
      graph.inputs[0]: input,
      graph.parameters[0]: ReferenceValue(zeros: graph[graph.parameters[0]].shape),
    ]
    let values = try ReferenceEvaluator().evaluate(graph, given: given)
    let expected = ReferenceValue(shape: [3, 6, 4, 4]) { example, channel, row, column in
      channel < 4 ? input[example, channel, 2 * row, 2 * column] : 0
    }
    #expect(values[graph.outputs[0].value] == expected)
  }

  @Test("a zero-padded shortcut to fewer channels is refused")
  func zeroPaddedRefused() {
    #expect(throws: GraphError.self) {
      try residual(.zeroPadded, channels: 2, stride: 1).graph()
    }
  }

  @Test("concatenation joins its branches along the channels, in order")
  func concatenate() throws {
    let graph = try Network("n", input: .image(height: 6, width: 6, channels: 3)) {
      Concatenate(
        LayerSequence { Conv2D(2, kernel: 1).named("one") },
        LayerSequence {
          Conv2D(4, kernel: 1).named("reduce")
          Conv2D(5, kernel: 3, padding: .same).named("three")
        },
        LayerSequence { MaxPool2D(3, stride: 1, padding: .same) })
    }.graph()
    let last = try #require(graph.operations.last)
    #expect(last.inputs.map { graph[$0].name } == ["one", "three", "pool1"])
    #expect(graph[last.outputs[0]].shape == [1, 10, 6, 6])
  }

  @Test("branches of other positions are refused")
  func concatenateRefused() {
    let network = Network("n", input: .image(height: 6, width: 6, channels: 3)) {
      Named("mixed") {
        Concatenate(LayerSequence { Conv2D(2, kernel: 1) }, LayerSequence { MaxPool2D(2) })
      }
    }
    let error = #expect(throws: GraphError.self) { try network.graph() }
    #expect(error?.subject == "mixed/concatenate")
  }

  @Test("an auxiliary classifier is an output of its own weight and leaves the network as it is")
  func auxiliary() throws {
    func network(_ hasAuxiliary: Bool) -> Network {
      Network("n", input: .image(height: 6, width: 6, channels: 3)) {
        Conv2D(2, kernel: 3)
        if hasAuxiliary {
          Auxiliary("aux1", weight: 0.3) {
            Flatten()
            Dense(7).named("fc")
          }
        }
        GlobalPool.average
        Dense(5)
      }
    }
    let graph = try network(true).graph()
    #expect(graph.outputs.map(\.name) == ["aux1", "logits"])
    #expect(graph.outputs.map(\.auxiliaryWeight) == [0.3, nil])
    #expect(graph.parameters.map { graph[$0].name }.contains("aux1.fc.weight"))
    let model = Model(network(true))
    #expect(model.classCount == 5)
    #expect(model.mainOutput?.name == "logits")
    let plain = try network(false).graph()
    #expect(
      graph.operations.filter { !$0.name.hasPrefix("aux1") }.map(\.name)
        == plain.operations.map(\.name))
  }
}
