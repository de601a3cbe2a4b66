import ConvNetGraphs
import ConvNetLayers
import ConvNetTensors
import Testing

@Suite("Names of parameters") struct NamingTests {
  private let picture = NetworkInput.image(height: 8, width: 8, channels: 3)

  private func parameters(
    _ input: NetworkInput, @NetworkBuilder _ body: () -> LayerSequence
  ) throws -> [String] {
    let graph = try Network("n", input: input, body).graph()
    return graph.parameters.map { graph[$0].name }
  }

  @Test("layers without a name are numbered from 1 within their group")
  func numbers() throws {
    let names = try parameters(.features(4)) {
      Dense(3)
      Dense(3, bias: false)
      Named("head") {
        Dense(2)
        Dense(2, bias: false)
      }
      Dense(2, bias: false)
    }
    #expect(
      names == [
        "dense1.weight", "dense1.bias", "dense2.weight", "head.dense1.weight", "head.dense1.bias",
        "head.dense2.weight", "dense3.weight",
      ])
  }

  @Test("groups within groups make the paths that torchvision's files have")
  func paths() throws {
    let names = try parameters(picture) {
      Conv2D(4, kernel: 3, padding: .symmetric(1), bias: false).named("conv1")
      BatchNorm().named("bn1")
      Named("layer1") {
        for index in 0..<2 {
          Named("\(index)") {
            Residual {
              Conv2D(8, kernel: 3, padding: .symmetric(1), bias: false).named("conv1")
              BatchNorm().named("bn1")
            }
          }
        }
      }
      GlobalPool.average
      Dense(10).named("fc")
    }
    let normalization = ["weight", "bias", "running_mean", "running_var"]
    #expect(
      names == ["conv1.weight"] + normalization.map { "bn1.\($0)" }
        + ["layer1.0.conv1.weight"] + normalization.map { "layer1.0.bn1.\($0)" }
        + ["layer1.0.downsample.0.weight"] + normalization.map { "layer1.0.downsample.1.\($0)" }
        + ["layer1.1.conv1.weight"] + normalization.map { "layer1.1.bn1.\($0)" }
        + ["fc.weight", "fc.bias"])
  }

  @Test(
    "a name given to two layers is refused, so that no file's parameters go to another than is meant"
  )
  func duplicates() throws {
    func refusal(_ layers: LayerSequence) throws -> GraphError? {
      #expect(throws: GraphError.self) { try parameters(.features(4)) { layers } }
    }
    let twice = try refusal(
      LayerSequence {
        Dense(4, bias: false).named("fc")
        Dense(4, bias: false).named("fc")
      })
    #expect(twice?.subject == "fc")
    #expect(twice.map { "\($0)".contains("is the name of two layers of n") } == true)
    // Dots in names make paths.
    let dotted = try refusal(
      LayerSequence {
        Named("a.b") { Dense(4, bias: false).named("c") }
        Named("a") { Named("b") { Dense(4, bias: false).named("c") } }
      })
    #expect(dotted?.subject == "a.b")
    // A default name gives way to one that was given by hand before it.
    #expect(
      try parameters(.features(4)) {
        Dense(4, bias: false).named("dense1")
        Dense(4, bias: false)
      } == ["dense1.weight", "dense2.weight"])
  }

  @Test("operations bear the name of their layer")
  func operations() throws {
    let graph = try Network("n", input: picture) {
      Named("stem") {
        Conv2D(4, kernel: 3)
        LeakyReLU(slope: 0.2)
      }
      GlobalPool(.max)
    }.graph()
    #expect(
      graph.operations.map(\.name) == ["stem.conv1", "stem.leakyrelu1", "pool1", "pool1/flatten"])
  }
}
