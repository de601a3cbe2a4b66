import ConvNetFormats
import ConvNetGraphs
import ConvNetImages
import ConvNetInference
import ConvNetInsight
import ConvNetLayers
import ConvNetModels
import ConvNetTensors
import ConvNetTestSupport
import Testing

/// The network of the fixtures, with PyTorch's weights.
private struct Fixture {
  let tensors: [String: Tensor]
  let model: Model

  init() throws {
    tensors = try Safetensors(contentsOf: fixturePath("attributions.safetensors")).tensors
    let network = Network("fixture", input: .image(height: 12, width: 10, channels: 3)) {
      Conv2D(6, kernel: 3, padding: .symmetric(1)).named("conv1")
      ReLU().named("relu1")
      MaxPool2D(2).named("pool1")
      Conv2D(8, kernel: 3, padding: .symmetric(1), bias: false).named("conv2")
      BatchNorm(epsilon: 1e-5).named("bn2")
      ReLU().named("relu2")
      GlobalPool.average.named("pool")
      Dense(4).named("fc")
    }
    var model = try Model(validating: network)
    for name in model.parameters.keys {
      model.parameters[name] = tensors["weights.\(name)"] ?? Tensor(zeros: [])
    }
    self.model = model
  }

  func tensor(_ name: String) throws -> Tensor { try #require(tensors[name], "\(name)") }
}

/// The largest difference, in units of the largest magnitude.
private func difference(_ actual: [Float], _ expected: [Float]) -> Float {
  guard actual.count == expected.count else { return .infinity }
  let unit = expected.map { abs($0) }.max() ?? 1
  return zip(actual, expected).reduce(0) { largest, pair in
    let difference = abs(pair.0 - pair.1) / max(unit, 1e-6)
    return difference.isNaN ? .infinity : max(largest, difference)
  }
}

@Suite("Attributions are PyTorch's") struct AttributionTests {
  private static let classes = [0, 1, 2, 3]

  @Test("gradients by the input, with the derivative and with guided rectifiers")
  func gradients() throws {
    let fixture = try Fixture()
    for (rule, name) in [
      (DifferentiatedModel.RectifierRule.derivative, "gradient"), (.guided, "guided"),
    ] {
      let (gradients, scores) = try fixture.model.inputGradients(
        of: fixture.tensor("picture"), classes: Self.classes, rectifiers: rule)
      #expect(difference(scores.map(Float.init), try fixture.tensor("scores").elements) < 1e-5)
      let one = gradients.count / Self.classes.count
      for index in Self.classes {
        let expected = try fixture.tensor("\(name).\(index)").elements
        let actual = Array(gradients.elements[index * one..<(index + 1) * one])
        #expect(difference(actual, expected) < 2e-5, "\(name) \(index)")
      }
    }
  }

  @Test("saliency is the largest magnitude of a pixel's channels")
  func saliency() throws {
    let fixture = try Fixture()
    let maps = try fixture.model.saliency(of: fixture.tensor("picture"), classes: [2])
    let gradient = try fixture.tensor("gradient.2").elements
    let expected = (0..<120).map { place in
      (0..<3).map { abs(gradient[$0 * 120 + place]) }.max() ?? 0
    }
    #expect(difference(maps[0].plane.values, expected) < 2e-5)
    #expect(maps[0].classIndex == 2 && !maps[0].isSigned)
  }

  @Test("Grad-CAM and Grad-CAM++ of the last spatial layer, which is found by itself")
  func gradCAM() throws {
    let fixture = try Fixture()
    #expect(fixture.model.lastSpatialLayer == "relu2")
    for (weighting, name) in [(CAMWeighting.mean, "gradcam"), (.plusPlus, "gradcam++")] {
      let maps = try fixture.model.gradCAM(
        of: fixture.tensor("picture"), classes: Self.classes, weighting: weighting)
      for (map, index) in zip(maps, Self.classes) {
        let expected = try fixture.tensor("\(name).\(index)")
        #expect([map.plane.height, map.plane.width] == expected.shape.dimensions)
        #expect(difference(map.plane.values, expected.elements) < 5e-5, "\(name) \(index)")
      }
    }
  }

  @Test("the last spatial layer of a network that became an ONNX file is no order of its elements")
  func lastSpatialLayerOfONNX() throws {
    let directory = try TemporaryDirectory()
    let model = try Model(
      validating: Network("exported", input: .image(height: 12, width: 10, channels: 3)) {
        Conv2D(6, kernel: 3).named("conv")
        Tanh().named("tanh")
        MaxPool2D(2).named("pool")
        Flatten()
        Dense(4).named("fc")
      })
    try model.writeONNX(to: directory.file("m.onnx"))
    let back = try Model(loading: directory.file("m.onnx"))
    #expect(back.graph.operations.contains { $0.attributes is Operation.Transpose })
    #expect(model.lastSpatialLayer == "tanh" && back.lastSpatialLayer == "tanh")
    #expect(back.spatialLayers == ["conv", "tanh", "pool"])
  }

  @Test(
    "values in another order are no spatial layers; what is computed there is one once it is back",
    arguments: [(false, ["conv", "back"], "conv"), (true, ["conv", "back"], "back")])
  func otherOrders(isComputed: Bool, layers: [String], last: String) throws {
    var graph = Graph(name: "other order")
    let image = graph.addInput("x", ValueType([1, 3, 8, 6]))
    let kernel = graph.addParameter("w", [4, 3, 3, 3], .kernel)
    var value = try graph.append(
      Operation.Convolution(strides: [1, 1], hasBias: false), to: image, kernel, name: "conv")
    value = try graph.append(
      Operation.Transpose(permutation: [0, 2, 3, 1]), to: value, name: "channels last")
    if isComputed {
      value = try graph.append(Operation.Elementwise(.exponential), to: value, name: "power")
    }
    value = try graph.append(
      Operation.Transpose(permutation: [0, 3, 1, 2]), to: value, name: "back")
    value = try graph.append(Operation.GlobalPooling(kind: .average), to: value, name: "pool")
    graph.addOutput("y", value)
    let model = Model(describing: graph)
    #expect(model.spatialLayers == layers)
    #expect(model.lastSpatialLayer == last)
  }

  @Test("guided Grad-CAM is the product of guided gradients and the enlarged map")
  func guidedGradCAM() throws {
    let fixture = try Fixture()
    let picture = try fixture.tensor("picture")
    let (product, attribution) = try fixture.model.guidedGradCAM(of: picture, classes: [1])[0]
    let guided = try fixture.tensor("guided.1").elements
    let map = try fixture.model.gradCAM(of: picture, classes: [1])[0].plane
      .resized(height: 12, width: 10)
    let expected = guided.indices.map { guided[$0] * map.values[$0 % 120] }
    #expect(difference(product.elements, expected) < 1e-4)
    for place in 0..<120 {
      let largest = (0..<3).map { abs(product.elements[$0 * 120 + place]) }.max()
      #expect(abs(attribution.plane.values[place]) == largest)
    }
  }

  @Test("integrated gradients, from a baseline, by batches that do not divide the steps")
  func integratedGradients() throws {
    let fixture = try Fixture()
    for index in Self.classes {
      let result = try fixture.model.integratedGradients(
        of: fixture.tensor("picture"), class: index, baseline: fixture.tensor("baseline"),
        steps: 30, batchSize: 7)
      let expected = try fixture.tensor("integrated.\(index)")
      #expect(result.shares.shape == expected.shape)
      #expect(difference(result.shares.elements, expected.elements) < 5e-5, "\(index)")
    }
  }

  @Test(
    "the shares of integrated gradients sum to the difference of the scores, the better the more steps"
  )
  func completeness() throws {
    let model = try Model(
      validating: Network("smooth", input: .image(height: 9, width: 9, channels: 1)) {
        Conv2D(5, kernel: 3)
        Tanh()
        AveragePool2D(3)
        Flatten()
        Dense(3)
      }, seed: 5)
    var numbers = RandomNumbers(RandomKey(seed: 1, purpose: .input))
    let picture = Tensor(shape: [9, 9, 1]) { for i in $0.indices { $0[i] = 3 * numbers.normal() } }
    func gap(_ steps: Int) throws -> Double {
      abs(
        try model.integratedGradients(of: picture, class: 1, steps: steps).completenessGap)
    }
    let few = try gap(2)
    #expect(few > 1e-4)
    #expect(try gap(40) < 1e-5)
  }

  @Test("the nodes of Gauss and Legendre integrate polynomials of degree 2n - 1 without error")
  func quadrature() {
    for count in [1, 2, 5, 20, 101] {
      let nodes = gaussLegendre(count)
      #expect(abs(nodes.reduce(0) { $0 + $1.weight } - 1) < 1e-12)
      for degree in 0..<min(2 * count, 30) {
        let sum = nodes.reduce(0) { total, node in
          total + node.weight * (0..<degree).reduce(1.0) { power, _ in power * node.place }
        }
        #expect(abs(sum - 1 / Double(degree + 1)) < 1e-12, "\(count) nodes, degree \(degree)")
      }
    }
  }

  @Test("occlusion is what the probability loses, by a loop that covers each square")
  func occlusion() throws {
    let fixture = try Fixture()
    let picture = try fixture.tensor("picture").reshaped(to: [12, 10, 3])
    let map = try fixture.model.occlusion(
      of: picture, classes: [3], side: 4, stride: 3, batchSize: 5)[0]
    let means = (0..<3).map { channel in
      (0..<120).reduce(Float(0)) { $0 + picture.elements[$1 * 3 + channel] } / 120
    }
    let plain = try fixture.model.probabilities(of: picture).probabilities[3]
    var (sums, counts) = ([Double](repeating: 0, count: 120), [Double](repeating: 0, count: 120))
    for row in [0, 3, 6, 8] {
      for column in [0, 3, 6] {
        var covered = picture
        for y in row..<row + 4 {
          for x in column..<column + 4 {
            for channel in 0..<3 { covered[y, x, channel] = means[channel] }
          }
        }
        let now = try fixture.model.probabilities(of: covered).probabilities[3]
        for y in row..<row + 4 {
          for x in column..<column + 4 {
            sums[y * 10 + x] += plain - now
            counts[y * 10 + x] += 1
          }
        }
      }
    }
    let expected = zip(sums, counts).map { Float($0 / $1) }
    #expect(difference(map.plane.values, expected) < 1e-4)
  }

  @Test(
    "the order of the input's channels changes no gradient", arguments: [DataFormat.channelsFirst])
  func dataFormat(order: DataFormat) throws {
    let fixture = try Fixture()
    var model = fixture.model
    model.preprocessing = try Preprocessing(height: 12, width: 10, channels: 3, dataFormat: order)
    let picture = try fixture.tensor("picture").inLogicalOrder(from: .channelsLast)
    let (gradients, _) = try model.inputGradients(of: picture, classes: [1])
    #expect(difference(gradients.elements, try fixture.tensor("gradient.1").elements) < 2e-5)
    let shares = try model.integratedGradients(
      of: picture, class: 1,
      baseline: fixture.tensor("baseline").inLogicalOrder(from: .channelsLast), steps: 30
    ).shares
    #expect(difference(shares.elements, try fixture.tensor("integrated.1").elements) < 5e-5)
  }

  @Test("maps of random weights are others, and ordered otherwise")
  func randomization() throws {
    let fixture = try Fixture()
    let picture = try fixture.tensor("picture")
    let random = fixture.model.randomized(seed: 3)
    for name in fixture.model.parameters.keys where name != "conv2.weight" {
      let (own, other) = (fixture.model.parameters[name], random.parameters[name])
      #expect(own?.elements.sorted() == other?.elements.sorted())
    }
    #expect(random.parameters["conv2.weight"] != fixture.model.parameters["conv2.weight"])
    #expect(
      random.parameters["bn2.running_var"] == fixture.model.parameters["bn2.running_var"])
    let own = try fixture.model.saliency(of: picture, classes: [0])[0]
    #expect(abs(own.rankCorrelation(with: own) - 1) < 1e-9)
    #expect(own.rankCorrelation(with: try random.saliency(of: picture, classes: [0])[0]) < 0.5)
  }

  @Test("rank correlation is Spearman's, with ties")
  func rankCorrelation() {
    func attribution(_ values: [Float]) -> Attribution {
      Attribution(
        classIndex: 0, score: 0, plane: Plane(height: 1, width: values.count, values: values),
        isSigned: false)
    }
    // scipy.stats.spearmanr([1, 2, 2, 5], [4, 3, 9, 1]) = -0.632456
    let correlation = attribution([1, 2, 2, 5]).rankCorrelation(with: attribution([4, 3, 9, 1]))
    #expect(abs(correlation + 0.632456) < 1e-5)
    #expect(attribution([1, 1]).rankCorrelation(with: attribution([1, 2])) == 0)
  }

  @Test("what cannot be drawn is refused with what can")
  func refusals() throws {
    let fixture = try Fixture()
    let picture = try fixture.tensor("picture")
    #expect(
      throws: InferenceError.unknownValue(
        name: "relu3", model: "fixture", nearest: ["relu1", "relu2"])
    ) {
      try fixture.model.gradCAM(of: picture, classes: [0], layer: "relu3")
    }
    #expect(throws: InsightError.notSpatial(layer: "fc", shape: [1, 4], last: "relu2")) {
      try fixture.model.gradCAM(of: picture, classes: [0], layer: "fc")
    }
    #expect(throws: InsightError.unknownClass(4, model: "fixture", count: 4)) {
      try fixture.model.saliency(of: picture, classes: [0, 4])
    }
    #expect(throws: InferenceError.self) {
      try fixture.model.saliency(of: Tensor(zeros: [3, 12, 10]), classes: [0])
    }
    #expect(throws: InsightError.self) {
      try fixture.model.occlusion(of: picture, classes: [0], side: 11)
    }
    #expect(throws: InsightError.self) {
      try fixture.model.occlusion(of: picture, classes: [0], side: 3, stride: 4)
    }
    #expect(throws: InsightError.self) {
      try fixture.model.integratedGradients(of: picture, class: 0, steps: 0)
    }
    let plain = try Model(
      validating: Network("plain", input: .features(4)) { Dense(2) })
    #expect(throws: InsightError.needsPictures(model: "plain", input: [4])) {
      try plain.saliency(of: Tensor(zeros: [4]), classes: [0])
    }
    #expect(
      throws: InsightError.noLayer(model: "plain", kind: "layer whose values have height and width")
    ) {
      try plain.gradCAM(of: Tensor(zeros: [4]), classes: [0])
    }
  }
}
