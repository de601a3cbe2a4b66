import ConvNetDatasets
import ConvNetEngine
import ConvNetGraphs
import ConvNetLayers
import ConvNetModels
import ConvNetTensors
import ConvNetTestSupport
import ConvNetTraining
import Testing

@Suite("Deterministic training") struct DeterministicTests {
  private struct Case: Sendable, CustomStringConvertible {
    var description: String
    var network: Network
    var batch: Int
    var clips = false
  }

  private static let cases: [Case] = [
    // In parts of the batch, and as a whole.
    Case(
      description: "LeNet-5",
      network: lenet5(ModelOptions(height: 28, width: 28, channels: 1, classes: 4)), batch: 64),
    Case(
      description: "LeNet-5 of more parts than threads",
      network: lenet5(ModelOptions(height: 28, width: 28, channels: 1, classes: 4)), batch: 128),
    Case(
      description: "LeNet-5 of an odd batch",
      network: lenet5(ModelOptions(height: 28, width: 28, channels: 1, classes: 4)), batch: 23,
      clips: true),
    Case(
      description: "a residual network",
      network: cifarResNet(
        blocks: 1, ModelOptions(height: 16, width: 16, channels: 1, classes: 4)), batch: 9),
    Case(
      description: "depthwise convolutions",
      network: Network("depthwise", input: .image(height: 19, width: 17, channels: 1)) {
        Conv2D(24, kernel: 3, stride: 2, padding: .same, bias: false)
        BatchNorm()
        ReLU()
        Conv2D(24, kernel: 3, padding: .same, groups: 24)
        BatchNorm()
        ReLU6()
        Conv2D(32, kernel: 1)
        Tanh()
        Flatten()
        Dense(4)
      }, batch: 11, clips: true),
    Case(
      description: "local response normalization, dropout and groups",
      network: Network("responses", input: .image(height: 21, width: 21, channels: 1)) {
        Conv2D(32, kernel: 5, stride: 2)
        ReLU()
        LocalResponseNorm()
        MaxPool2D(3, stride: 2)
        Conv2D(48, kernel: 3, padding: .same, groups: 2)
        LeakyReLU(slope: 0.1)
        Conv2D(64, kernel: 3, padding: .same)
        ReLU()
        Flatten()
        Dropout(0.5)
        Dense(4)
      }, batch: 13),
    Case(
      description: "layer normalization",
      network: Network("layers", input: .image(height: 12, width: 12, channels: 1)) {
        Conv2D(20, kernel: 3)
        LayerNorm()
        GELU()
        Conv2D(40, kernel: 3)
        GlobalPool.average
        Dense(4)
      }, batch: 10),
  ]

  @Test(
    "the same bytes of parameters come of any number of threads", arguments: cases.indices)
  func threads(_ index: Int) throws {
    let training = Self.cases[index]
    let extents = training.network.input.extents
    let shape = Shape([training.batch] + extents.dropFirst() + [extents[0]])
    let data = (0..<3).map { Tensor.random(shape, seed: UInt64(10 + $0), in: -1..<1) }
    let labels = Tensor((0..<training.batch).map { Int64($0 % 4) })
    var expected: [String: Tensor]?
    for threads in [1, 2, 3] {
      var compute = ComputeOptions(threads: threads)
      compute.isDeterministic = true
      var trainer = Trainer(
        optimizer: .sgd(momentum: 0.9, weightDecay: 0.0005), schedule: .constant(0.02),
        batchSize: training.batch, seed: 7, compute: compute)
      if training.clips { trainer.gradientTransforms = [.clipping(norm: 0.5)] }
      let step = try TrainingStep(Model(training.network, seed: 3), trainer)
      for batch in data {
        _ = try step.run(batch, labels: labels)
        try step.update()
      }
      let parameters = step.model.parameters
      for (name, tensor) in expected ?? parameters {
        let other = try #require(parameters[name])
        #expect(
          tensor.elements.map(\.bitPattern) == other.elements.map(\.bitPattern),
          "\(training), \(name), \(threads) threads")
      }
      expected = parameters
    }
  }
}
