import ConvNetGraphs
import ConvNetLayers
import ConvNetTensors
import Testing

@Suite("Models") struct ModelTests {
  private let network = Network("n", input: .image(height: 4, width: 5, channels: 3)) {
    Flatten()
    Dense(2)
  }

  @Test("pictures are scaled to the input and not normalized, unless said otherwise")
  func preprocessing() throws {
    let preprocessing = try #require(Model(network).preprocessing)
    #expect("\(preprocessing)" == "resized to 4x5 (bilinear, antialiased), 3 channels")
    #expect(Model(Network("n", input: .features(4)) { Dense(2) }).preprocessing == nil)
    // No picture has two channels.
    let two = Network("n", input: .image(height: 4, width: 5, channels: 2)) { Flatten() }
    #expect(Model(two).preprocessing == nil)
  }

  @Test("a parameter that is missing, or has another shape or type, is refused by name")
  func parameters() throws {
    let model = Model(network)
    var parameters = model.parameters
    parameters["dense1.bias"] = nil
    var error = #expect(throws: GraphError.self) {
      try Model(graph: model.graph, parameters: parameters)
    }
    #expect(error.map { "\($0)" } == "n: parameter dense1.bias has no value")
    parameters["dense1.bias"] = Tensor(zeros: [3])
    error = #expect(throws: GraphError.self) {
      try Model(graph: model.graph, parameters: parameters)
    }
    #expect(error.map { "\($0)" } == "n: parameter dense1.bias needs shape 2, has 3")
    parameters["dense1.bias"] = Tensor(zeros: [2], elementType: .int32)
    error = #expect(throws: GraphError.self) {
      try Model(graph: model.graph, parameters: parameters)
    }
    #expect(error.map { "\($0)" } == "n: parameter dense1.bias must be float32, is int32")
  }

  @Test("a network that does not fit together stops with the layer's name")
  func precondition() async {
    await #expect(processExitsWith: .failure) {
      _ = Model(Network("n", input: .features(4)) { Conv2D(1, kernel: 1) })
    }
  }
}
