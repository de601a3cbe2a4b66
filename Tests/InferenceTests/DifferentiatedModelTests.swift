import ConvNetEngine
import ConvNetGraphs
import ConvNetInference
import ConvNetLayers
import ConvNetModels
import ConvNetTensors
import Foundation
import Testing

@Suite("Derivatives of a network in inference") struct DifferentiatedModelTests {
  private static func random(_ shape: Shape, seed: UInt64 = 1) -> Tensor {
    var numbers = RandomNumbers(RandomKey(seed: seed, purpose: .input))
    return Tensor(shape: shape) { for index in $0.indices { $0[index] = numbers.normal() } }
  }

  /// A network of everything that has a form of its own in inference.
  private static func model(_ format: DataFormat = .channelsLast) throws -> Model {
    var network = Network("all", input: .image(height: 8, width: 6, channels: 2)) {
      Conv2D(4, kernel: 3, padding: .same)
      BatchNorm()
      Tanh()
      Dropout(0.5)
      Residual {
        Conv2D(4, kernel: 3, padding: .same, bias: false); BatchNorm()
      }
      SiLU()
      AveragePool2D(2)
      Flatten()
      Dropout(0.5)
      Dense(3)
      Softmax()
    }
    network.dataFormat = format
    var model = try Model(validating: network, seed: 2)
    var numbers = RandomNumbers(RandomKey(seed: 9, purpose: .initialization))
    for id in model.graph.parameters {
      let value = model.graph[id]
      guard value.parameterKind != .kernel, let tensor = model.parameters[value.name] else {
        continue
      }
      model.parameters[value.name] = Tensor(
        tensor.elements.map { _ in 0.5 + numbers.uniform() }, shape: tensor.shape)
    }
    return model
  }

  @Test(
    "the gradient by the input is that of differences, and batch normalization and dropout are those of inference"
  )
  func differences() throws {
    let model = try Self.model()
    var network = try DifferentiatedModel(model)
    let (input, weights) = (Self.random([1, 8, 6, 2]), Self.random([1, 3], seed: 4))
    #expect(network.valueShape == [1, 3])
    try network.run(input, weights: weights)
    let gradient = try network.gradient()
    #expect(gradient.shape == [1, 2, 8, 6])
    // The scores before the softmax, which the model's own result are the softmax of.
    let scores = try network.value().elements.map(Double.init)
    let powers = scores.map { exp($0) }
    for (power, probability) in zip(powers, try model.run(input).elements) {
      #expect(abs(power / powers.reduce(0, +) - Double(probability)) < 1e-5)
    }
    func sum(_ input: Tensor) throws -> Double {
      try network.run(input, weights: weights)
      return zip(try network.value().elements, weights.elements)
        .reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    let step: Float = 1 / 64
    for (row, column, channel) in [(0, 0, 0), (3, 4, 1), (7, 5, 0), (4, 2, 1)] {
      var (up, down) = (input, input)
      up[0, row, column, channel] += step
      down[0, row, column, channel] -= step
      let slope = try (sum(up) - sum(down)) / Double(2 * step)
      #expect(abs(slope - Double(gradient[0, channel, row, column])) < 2e-3)
    }
  }

  @Test(
    "examples of a batch do not know of each other, in either order of channels and on several threads",
    arguments: DataFormat.allCases, [1, 2])
  func examples(format: DataFormat, threads: Int) throws {
    let model = try Self.model(format)
    let compute = ComputeOptions(threads: threads)
    var one = try DifferentiatedModel(model, byValues: ["tanh1"], compute: compute)
    var four = try DifferentiatedModel(model, batch: 4, byValues: ["tanh1"], compute: compute)
    let inputs = (0..<4).map { Self.random(Shape(format.ordered([1, 2, 8, 6])), seed: UInt64($0)) }
    let all = Tensor(
      inputs.flatMap(\.elements), shape: Shape([4] + format.ordered([1, 2, 8, 6]).dropFirst()))
    try four.run(all, weights: four.oneHot(classes: [0, 2, 1, 2]))
    for (place, index) in [0, 2, 1, 2].enumerated() {
      try one.run(inputs[place], weights: one.oneHot(class: index))
      for name in [nil, "tanh1"] {
        let (own, whole) = try (one.gradient(by: name).elements, four.gradient(by: name).elements)
        let part = whole[place * own.count..<(place + 1) * own.count]
        #expect(zip(own, part).allSatisfy { abs($0 - $1) < 1e-5 })
      }
    }
  }

  @Test("maps are weighted in logical order, whatever the order of the input")
  func maps() throws {
    for format in DataFormat.allCases {
      let model = try Self.model(format)
      var network = try DifferentiatedModel(
        model, of: .weightedSum(of: "conv1"), byInput: true)
      let weights = Self.random(network.valueShape, seed: 3)
      try network.run(Self.random(Shape(format.ordered([1, 2, 8, 6]))), weights: weights)
      let gradient = try network.gradient()
      // In the middle: dx[c, i, j] = sum over o, m, n of w[o, i - m + 1, j - n + 1] K[o, c, m, n].
      let kernel = try #require(model.parameters["conv1.weight"])
      for (channel, i, j) in [(0, 3, 2), (1, 5, 4)] {
        var sum: Float = 0
        for o in 0..<4 {
          for m in 0..<3 {
            for n in 0..<3 {
              sum += weights[0, o, i - m + 1, j - n + 1] * kernel[o, channel, m, n]
            }
          }
        }
        #expect(abs(gradient[0, channel, i, j] - sum) < 1e-4)
      }
    }
  }

  @Test("the squared difference from a target, and its gradient")
  func squaredDifference() throws {
    let model = try Self.model()
    var network = try DifferentiatedModel(
      model, of: .squaredDifference(of: "tanh1"), byValues: ["tanh1"])
    let target = Self.random(network.valueShape, seed: 8)
    try network.run(Self.random([1, 8, 6, 2]), weights: target)
    let (values, gradient) = try (network.value().elements, network.gradient(by: "tanh1").elements)
    let count = Float(values.count)
    var sum: Float = 0
    for (place, goal) in target.elements.enumerated() {
      let difference = values[place] - goal
      sum += difference * difference / count
      #expect(abs(gradient[place] - 2 * difference / count) < 1e-6)
    }
    #expect(abs(try network.squaredDifference() - Double(sum)) < 1e-4)
  }

  @Test(
    "each network of the zoo can be differentiated by its input",
    arguments: ["lenet5", "alexnet", "googlenet", "inception-v3", "resnet20", "vgg11-bn"])
  func zoo(name: String) throws {
    let entry = try #require(ModelRegistry[name])
    var options = entry.defaults
    options.classes = 3
    if options.height > 100, name != "inception-v3" { (options.height, options.width) = (64, 64) }
    if name == "inception-v3" { (options.height, options.width) = (107, 107) }
    let model = try Model(validating: entry.build(options), seed: 1)
    var network = try DifferentiatedModel(model)
    let shape = Shape(
      model.dataFormat.ordered([1, options.channels, options.height, options.width]))
    try network.run(Self.random(shape), weights: network.oneHot(class: 2))
    let gradient = try network.gradient().elements
    #expect(gradient.allSatisfy(\.isFinite) && gradient.contains { $0 != 0 })
  }

  @Test("names that there are not, and values that nothing depends on, are refused")
  func refusals() throws {
    let model = try Self.model()
    #expect(throws: InferenceError.unknownValue(name: "tanhh1", model: "all", nearest: ["tanh1"])) {
      _ = try DifferentiatedModel(model, byValues: ["tanhh1"])
    }
    #expect(throws: InferenceError.independent(of: "silu1", value: "tanh1", model: "all")) {
      _ = try DifferentiatedModel(model, of: .weightedSum(of: "tanh1"), byValues: ["silu1"])
    }
    #expect(throws: InferenceError.belowOne(name: "batch", actual: 0)) {
      _ = try DifferentiatedModel(model, batch: 0)
    }
  }
}
