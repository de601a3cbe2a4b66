import ConvNetDatasets
import ConvNetEngine
import ConvNetEvaluation
import ConvNetFormats
import ConvNetGraphs
import ConvNetLayers
import ConvNetTensors
import ConvNetTestSupport
import ConvNetTraining
import Testing

/// A layer as somebody outside the package would write it.
private struct LearnedSwish: Layer {
  var defaultName: String { "swish" }

  func append(to builder: inout LayerBuilder, input: ValueID) throws(GraphError) -> ValueID {
    let channels = builder.shape(input)[1]
    let slope = try builder.addParameter("slope", [channels], .scale, initializer: .constant(1))
    return try builder.append(Swish(), to: input, slope)
  }
}

@Suite("Training with custom operations") struct CustomOperationTrainingTests {
  private let network = Network("swish", input: .image(height: 8, width: 8, channels: 1)) {
    Conv2D(4, kernel: 3)
    LearnedSwish()
    Flatten()
    Dense(4)
  }
  private let operations: [any OperationAttributes.Type] = [
    Swish.self, SwishGradient.self, SwishSlopeGradient.self,
  ]

  @Test("a network learns with it, slopes included; its files are read with it and refused without")
  func trained() throws {
    let directory = try TemporaryDirectory()
    let (path, checkpoint) = (directory.file("model"), directory.file("checkpoint"))
    var model = Model(network, seed: 1)
    var reports: [EpochReport] = []
    try momentumTrainer.fit(&model, on: syntheticData(count: 160, extent: 8), epochs: 3) {
      reports.append($0)
      try $1.save(to: checkpoint)
    }
    #expect(reports[2].training.loss < 0.8 * reports[0].training.loss)
    let slopes = try #require(model.parameters["swish1.slope"]).elements
    #expect(slopes.count == 4 && slopes.allSatisfy { $0 != 1 })

    try model.save(to: path)
    let back = try Model(loading: path, operations: operations)
    #expect(back.graph == model.graph && back.parameters == model.parameters)
    let resumed = try Checkpoint(loading: checkpoint, operations: operations)
    #expect(try resumed.model().graph == model.graph)

    let refused = #expect(throws: ModelFileError.self) { try Model(loading: path) }
    let text = try #require(refused.map { "\($0)" })
    #expect(text.contains("test.swish:") && text.contains(path) && !text.contains("damaged"))
    let unknown = #expect(throws: TrainingError.self) { try Checkpoint(loading: checkpoint) }
    #expect(unknown.map { "\($0)".contains("test.swish:") } == true)
  }

  @Test("the name that is nearest is told")
  func nearest() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("model")
    try Model(network, seed: 1).save(to: path)
    let refused = #expect(throws: ModelFileError.self) {
      try Model(loading: path, operations: [SwishGradient.self, Renamed.self])
    }
    #expect(refused.map { "\($0)".contains("the nearest: test.swishy") } == true)
  }

  @Test(
    "weights are taken from a file of the same network, and refused of another with the same names")
  func weights() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("model")
    let model = Model(network, seed: 1)
    try model.save(to: path)
    var other = Model(network, seed: 2)
    #expect(other.parameters != model.parameters)
    try other.loadParameters(from: path)
    #expect(other.parameters == model.parameters)
    var twin = Model(
      Network("twin", input: .image(height: 8, width: 8, channels: 1)) {
        Conv2D(4, kernel: 3)
        LearnedSwish()
        ReLU()
        Flatten()
        Dense(4)
      }, seed: 1)
    #expect(throws: NetworkMismatch.self) { try twin.loadParameters(from: path) }
  }
}

private struct Renamed: OperationAttributes {
  static let name = "test.swishy"

  var traits: OperationTraits { Swish().traits }

  func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] { inputs }

  func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }
}
