import ConvNetDatasets
import ConvNetEngine
import ConvNetGraphs
import ConvNetImages
import ConvNetInference
import ConvNetInsight
import ConvNetLayers
import ConvNetProcessSupport
import ConvNetReports
import ConvNetTensors
import Foundation
import Testing

/// Pictures with a bright bar at a place that says the class.
private struct Bars: Dataset {
  let name = "bars"
  let count = 23
  let classNames = ["left", "right"]
  let imageShape: Shape? = [8, 8, 1]
  func label(at index: Int) -> Int { index % 2 }
  func sample(at index: Int) -> Sample {
    var image = Image(height: 8, width: 8, color: .black, channels: 1)
    for row in 0..<8 {
      image[row, index % 2 == 0 ? index % 3 : 7 - index % 3, 0] = UInt8(100 + index)
    }
    return Sample(image: image, label: index % 2)
  }
}

@Suite("Values of layers, and pictures that are looked for") struct FeatureTests {
  private static func model() throws -> Model {
    try Model(
      validating: Network("bars", input: .image(height: 8, width: 8, channels: 1)) {
        Conv2D(4, kernel: 3, padding: .same).named("conv")
        Tanh().named("tanh")
        AveragePool2D(2).named("pool")
        Flatten()
        Dense(6).named("hidden")
        ReLU().named("relu")
        Dropout(0.5)
        Dense(2).named("out")
      }, seed: 3, classNames: ["left", "right"],
      preprocessing: Preprocessing(height: 8, width: 8, channels: 1, mean: [0.1], deviation: [0.5]))
  }

  @Test(
    "features are the values of each picture, in the data's order, whatever the batch",
    arguments: [1, 5, 64])
  func features(batchSize: Int) throws {
    let model = try Self.model()
    #expect(model.penultimateLayer == "relu")
    for (layer, averaging) in [(nil, false), ("tanh", false), ("tanh", true)] as [(String?, Bool)] {
      let (values, samples) = try model.features(
        of: Bars(), layer: layer, averaging: averaging, batchSize: batchSize)
      #expect(samples == Array(0..<23))
      let predictor = try Predictor(model, outputs: [layer ?? "relu"])
      let one = values.count / 23
      for index in [0, 7, 22] {
        let value = try #require(
          try predictor.predict(.image(Bars().sample(at: index).image)).values[layer ?? "relu"])
        let elements = value.elements
        var expected = elements
        if averaging {
          expected = (0..<4).map { channel -> Float in
            let plane = elements[channel * 64..<(channel + 1) * 64]
            return plane.reduce(0, +) / 64
          }
        }
        let own = values.elements[index * one..<(index + 1) * one]
        #expect(own.count == expected.count)
        #expect(zip(own, expected).allSatisfy { abs($0 - $1) < 1e-5 })
      }
    }
    #expect(throws: InferenceError.unknownValue(name: "hiden", model: "bars", nearest: ["hidden"]))
    {
      try model.features(of: Bars(), layer: "hiden")
    }
  }

  @Test(
    "responses of a channel: the largest, where it stands, the mean, and percentiles of the means")
  func responses() throws {
    let model = try Self.model()
    let responses = try model.responses(to: Bars(), layer: "tanh", channel: 2, batchSize: 6)
    let (values, _) = try model.features(of: Bars(), layer: "tanh")
    for index in 0..<23 {
      let plane = (0..<64).map { values[index, 2, $0 / 8, $0 % 8] }
      #expect(abs(responses.largest[index] - (plane.max() ?? 0)) < 1e-6)
      #expect(
        values[index, 2, responses.places[index][0], responses.places[index][1]] == plane.max())
      #expect(abs(responses.mean[index] - plane.reduce(0, +) / 64) < 1e-6)
    }
    let best = responses.best(3)
    #expect(responses.largest[best[0]] == responses.largest.max())
    #expect(responses.percentile(1) == responses.mean.max().map(Double.init))
    #expect(responses.percentile(0.5) == Double(responses.mean.sorted()[11]))
    #expect(throws: InsightError.self) {
      try model.responses(to: Bars(), layer: "tanh", channel: 4)
    }
  }

  /// One dense layer with a weight so large that its results are finite for the pictures before this one, and for no others.
  private static func overflowing(from index: Int) throws -> Model {
    let preprocessing = try Preprocessing(height: 8, width: 8, channels: 1)
    var model = try Model(
      validating: Network("huge", input: .image(height: 8, width: 8, channels: 1)) {
        Flatten()
        Dense(2).named("out")
      }, classNames: ["left", "right"], preprocessing: preprocessing)
    // The bars are the brighter the later.
    let sums = [index - 1, index].map {
      preprocessing.prepared(Bars().sample(at: $0).image).elements.reduce(0, +)
    }
    let weight = Float.greatestFiniteMagnitude / ((sums[0] + sums[1]) / 2)
    for (name, value) in [("out.weight", weight), ("out.bias", 0)] {
      let shape = try #require(model.parameters[name]).shape
      model.parameters[name] = Tensor(repeating: value, shape: shape)
    }
    return model
  }

  @Test(
    "of weights that are finite, what is not is no feature: the first picture that has it is named",
    arguments: [4, 23])
  func overflow(batchSize: Int) throws {
    let model = try Self.overflowing(from: 11)
    let error = InsightError.noAnswer(model: "huge", subject: "11", what: "values of out")
    #expect(throws: error) {
      try model.features(of: Bars(), layer: "out", batchSize: batchSize)
    }
    #expect(throws: error) {
      try model.responses(to: Bars(), layer: "out", channel: 1, batchSize: batchSize)
    }
    let preprocessing = try #require(model.preprocessing)
    func features(_ index: Int) throws -> [Float] {
      try model.pooledFeatures(
        of: preprocessing.prepared(Bars().sample(at: index).image), layer: "out")
    }
    #expect(try features(10).allSatisfy(\.isFinite))
    #expect(
      throws: InsightError.noAnswer(model: "huge", subject: "the picture", what: "values of out")
    ) { try features(11) }
  }

  @Test("a layer's values that are not finite are not drawn")
  func overflowingActivations() throws {
    var model = try Self.model()
    let shape = try #require(model.parameters["conv.weight"]).shape
    model.parameters["conv.weight"] = Tensor(repeating: 3e38 as Float, shape: shape)
    let input = try #require(model.preprocessing).prepared(Bars().sample(at: 0).image)
    #expect(
      throws: InsightError.noAnswer(model: "bars", subject: "the picture", what: "values of conv")
    ) { try model.activations(of: input, layer: "conv") }
  }

  @Test("the picture that excites most does so more than 99.9 % of the data, channel or class")
  func maximize() throws {
    let model = try Self.model()
    for (layer, channel) in [("tanh", 1), (nil, 0), (nil, 1)] as [(String?, Int)] {
      let found = try model.maximized(layer: layer, channel: channel)
      let responses = try model.responses(to: Bars(), layer: layer, channel: channel)
      #expect(found.value > responses.percentile(0.999), "\(layer ?? "score") \(channel)")
      // What is told is what the network says of the picture.
      let (values, _) = try (model.run(found.input), 0)
      if layer == nil { #expect(abs(Double(values.elements[channel]) - found.value) < 1e-4) }
      #expect(found.image.height == 8 && found.image.width == 8)
      let preprocessing = try #require(model.preprocessing)
      let again = preprocessing.prepared(found.image).elements
      #expect(zip(again, found.input.elements).allSatisfy { abs($0 - $1) < 0.0045 })
    }
    let first = try model.maximized(channel: 0)
    #expect(try model.maximized(channel: 0).input == first.input)
    #expect(throws: InsightError.self) { try model.maximized(channel: 2) }
  }

  @Test(
    "the picture that is found from features has nearly the same, a tenth of the distance of two pictures"
  )
  func invert() throws {
    let model = try Self.model()
    let preprocessing = try #require(model.preprocessing)
    let input = preprocessing.prepared(Bars().sample(at: 4).image)
    let other = preprocessing.prepared(Bars().sample(at: 5).image)
    for layer in ["tanh", "pool", "hidden"] {
      let found = try model.inverted(input, layer: layer)
      let distance = try model.featureDistance(from: input, to: other, layer: layer)
      #expect(found.value < 0.1 * distance, "\(layer) \(found.value) \(distance)")
      let own = try model.featureDistance(from: input, to: found.input, layer: layer)
      #expect(abs(own - found.value) < 1e-3)
    }
    #expect(throws: InferenceError.self) { try model.inverted(input, layer: "none") }
  }

  // MARK: Landscapes

  @Test("a direction is as long as the weights, filter by filter, and moves nothing else")
  func direction() throws {
    let model = try Self.model()
    let direction = FilterNormalizedDirection(of: model, seed: 1)
    #expect(Set(direction.steps.keys) == ["conv.weight", "hidden.weight", "out.weight"])
    for (name, step) in direction.steps {
      let weights = try #require(model.parameters[name] as Tensor?)
      let size = step.count / step.shape[0]
      for filter in 0..<step.shape[0] {
        func length(_ tensor: Tensor) -> Double {
          tensor.elements[filter * size..<(filter + 1) * size]
            .reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        }
        #expect(abs(length(step) - length(weights)) < 1e-5 * length(weights))
      }
    }
    #expect(FilterNormalizedDirection(of: model, seed: 1).steps == direction.steps)
    #expect(FilterNormalizedDirection(of: model, seed: 1, index: 1).steps != direction.steps)
  }

  @Test("the loss with moved parameters is that of a model with these parameters")
  func loss() throws {
    let model = try Self.model()
    let batches = try model.batches(of: Bars(), batchSize: 10)
    #expect(batches.map(\.labels.count) == [10, 10])
    var function = try LossAtParameters(of: model, on: batches)
    let directions = (0..<2).map { FilterNormalizedDirection(of: model, index: $0) }
    for (a, b) in [(0.0, 0.0), (0.5, -1), (0, 0.25), (0, 0)] {
      let loss = try function.loss(movedAlong: [(directions[0], a), (directions[1], b)])
      var moved = model
      for name in directions[0].steps.keys {
        guard let start = model.parameters[name], let one = directions[0].steps[name],
          let two = directions[1].steps[name]
        else { continue }
        moved.parameters[name] = Tensor(
          start.elements.indices.map {
            start.elements[$0] + Float(a) * one.elements[$0] + Float(b) * two.elements[$0]
          }, shape: start.shape)
      }
      var sum = 0.0
      for batch in batches {
        let scores = try moved.run(batch.inputs).elements
        for (row, label) in batch.labels.enumerated() {
          let own = (0..<2).map { Double(scores[row * 2 + $0]) }
          sum += log(own.reduce(0) { $0 + exp($1) }) - own[Int(label)]
        }
      }
      #expect(abs(loss - sum / 20) < 1e-5, "\(a) \(b)")
    }
  }

  @Test("a landscape that was broken off goes on, and equals one that was not")
  func resuming() throws {
    struct Stop: Error {}
    let model = try Self.model()
    var function = try LossAtParameters(of: model, on: model.batches(of: Bars(), batchSize: 23))
    let directions = (0..<2).map { FilterNormalizedDirection(of: model, index: $0) }
    var whole = try LossLandscape(name: "bars", points: 5, setting: "a")
    try whole.measure(&function, along: directions)
    #expect(whole.measured == 25 && whole.center != nil)
    var broken = try LossLandscape(name: "bars", points: 5, setting: "a")
    #expect(throws: Stop.self) {
      try broken.measure(&function, along: directions) { if $0.measured == 9 { throw Stop() } }
    }
    #expect(broken.measured == 9)
    var again = try LossLandscape(name: "bars", points: 5, setting: "a")
    try again.take(csv: broken.csv)
    #expect(again == broken)
    try again.measure(&function, along: directions)
    #expect(again == whole)
    var other = try LossLandscape(name: "bars", points: 5, setting: "b")
    #expect(throws: InsightError.self) { try other.take(csv: whole.csv) }
    #expect(throws: InsightError.self) { try again.take(csv: whole.csv + "1,2\n") }
    #expect(throws: InsightError.self) { try LossLandscape(name: "x", points: 4, setting: "") }
    let figure = LandscapeFigure(whole)
    #expect(figure.svg.contains("<polygon") && !figure.svg.contains("nan"))
  }

  @Test(
    "several processes find the losses that one finds, those that the first has measured among them",
    arguments: [2, 3], [1, 2])
  func sharedLandscape(count: Int, dimensions: Int) throws {
    let model = try Self.model()
    let compute = ComputeOptions(threads: 1)
    @Sendable func makeFunction() throws -> LossAtParameters {
      try LossAtParameters(
        of: model, on: model.batches(of: Bars(), batchSize: 23), compute: compute)
    }
    let directions = (0..<dimensions).map { FilterNormalizedDirection(of: model, index: $0) }
    let empty = try LossLandscape(name: "bars", points: 5, dimensions: dimensions, setting: "a")
    var whole = empty
    var own = try makeFunction()
    try whole.measure(&own, along: directions)
    // The first process goes on with what others need not have.
    var kept = empty
    try kept.take(csv: whole.csv.split(separator: "\n").prefix(4).joined(separator: "\n"))
    #expect(kept.measured == 2)
    let begun = kept
    let results = ThreadProcesses.run(count) { group in
      var landscape = group.rank == 0 ? begun : empty
      var function = try makeFunction()
      var told = 0
      try landscape.measure(&function, along: directions, with: group) { _ in told += 1 }
      #expect(told == (empty.count - 2 + count - 1) / count)
      return landscape
    }
    for result in results { #expect(try result.get() == whole) }
  }

  @Test("processes that would measure different things are refused by all")
  func differingLandscapes() throws {
    let model = try Self.model()
    let results = ThreadProcesses.run(2) { group in
      var landscape = try LossLandscape(
        name: "bars", points: 3, dimensions: 1, setting: "seed \(group.rank)")
      var function = try LossAtParameters(
        of: model, on: model.batches(of: Bars(), batchSize: 23),
        compute: ComputeOptions(threads: 1))
      try landscape.measure(
        &function, along: [FilterNormalizedDirection(of: model)], with: group)
    }
    for result in results {
      let error = #expect(throws: InsightError.self) { try result.get() }
      #expect(error?.description.contains("the setting of process 1 is seed 1") == true)
    }
  }

  @Test("the loss of the model itself must be finite; far from it one may be beyond all measure")
  func infiniteLoss() throws {
    let model = try Self.model()
    var function = try LossAtParameters(of: model, on: model.batches(of: Bars(), batchSize: 23))
    let directions = (0..<2).map { FilterNormalizedDirection(of: model, index: $0) }
    var far = try LossLandscape(name: "bars", points: 3, setting: "a")
    try far.take(csv: "# a\nx,y,loss\n-1.0,1.0,inf\n1.0,1.0,nan\n")
    try far.measure(&function, along: directions)
    #expect(far.measured == 9 && far.center?.isFinite == true)
    // Of a file that has no answer in the middle, and of a model that has none.
    var kept = try LossLandscape(name: "bars", points: 3, setting: "a")
    try kept.take(csv: "# a\nx,y,loss\n0.0,0.0,nan\n")
    #expect(
      throws: InsightError.noAnswer(model: "bars", subject: "the pictures", what: "losses")
    ) { try kept.measure(&function, along: directions) }
    let huge = try Self.overflowing(from: 11)
    var overflowing = try LossAtParameters(of: huge, on: huge.batches(of: Bars(), batchSize: 23))
    var landscape = try LossLandscape(name: "huge", points: 3, dimensions: 1, setting: "a")
    var told = 0
    #expect(
      throws: InsightError.noAnswer(model: "huge", subject: "the pictures", what: "losses")
    ) {
      try landscape.measure(&overflowing, along: [FilterNormalizedDirection(of: huge)]) { _ in
        told += 1
      }
    }
    #expect(told == 0)
  }

  @Test("lines of equal loss cross each edge where the loss is theirs")
  func contours() throws {
    var bowl = try LossLandscape(name: "bowl", points: 21, setting: "")
    for row in bowl.losses.indices {
      for column in bowl.horizontal.indices {
        let (x, y) = (bowl.horizontal[column], bowl.vertical[row])
        bowl.losses[row][column] = 1 + 4 * x * x + y * y
      }
    }
    let figure = LandscapeFigure(bowl)
    let segments = figure.contour(at: 1.5)
    #expect(segments.count > 20)
    for (first, second) in segments {
      for point in [first, second] {
        let (x, y) = (point.x / 10 - 1, point.y / 10 - 1)
        #expect(abs(4 * x * x + y * y - 0.5) < 0.02)
      }
    }
    // Each end is where another begins: the line is closed.
    let ends = segments.flatMap { [$0.0, $0.1] }.map {
      "\(Int(($0.x * 1e6).rounded())) \(Int(($0.y * 1e6).rounded()))"
    }
    #expect(Dictionary(ends.map { ($0, 1) }, uniquingKeysWith: +).values.allSatisfy { $0 == 2 })
    #expect(figure.contour(at: 9).isEmpty)
    #expect(!figure.levels.isEmpty && figure.levels.count <= 10)
  }
}
