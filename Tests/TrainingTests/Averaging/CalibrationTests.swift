import ConvNetDatasets
import ConvNetEngine
import ConvNetEvaluation
import ConvNetGraphs
import ConvNetImages
import ConvNetInference
import ConvNetLayers
import ConvNetTensors
import ConvNetTraining
import Testing

@Suite("Statistics of batch normalization over the training data") struct CalibrationTests {
  private func model(
    _ variance: ConvNetGraphs.Operation.BatchNormalization.VarianceEstimate
  ) throws -> Model {
    try Model(
      validating: Network("normalized", input: .image(height: 8, width: 8, channels: 1)) {
        Conv2D(3, kernel: 3)
        BatchNorm(runningVariance: variance)
        ReLU()
        Conv2D(2, kernel: 3)
        BatchNorm(epsilon: 1e-5, runningVariance: variance)
        Flatten()
        Dense(4)
      }, seed: 5)
  }

  /// Maps of one batch, [sample][channel][position], and what is needed to go on.
  private typealias Maps = [[[Double]]]

  private func convolved(_ maps: Maps, side: Int, _ weight: Tensor, _ bias: Tensor?) -> Maps {
    let (outputs, inputs) = (weight.shape[0], weight.shape[1])
    let (numbers, rest) = (weight.elements, side - 2)
    return maps.map { sample in
      (0..<outputs).map { output in
        (0..<rest * rest).map { place in
          var sum = Double(bias?.elements[output] ?? 0)
          for input in 0..<inputs {
            for row in 0..<3 {
              for column in 0..<3 {
                sum +=
                  Double(numbers[((output * inputs + input) * 3 + row) * 3 + column])
                  * sample[input][(place / rest + row) * side + place % rest + column]
              }
            }
          }
          return sum
        }
      }
    }
  }

  private func statistics(_ maps: Maps) -> (means: [Double], variances: [Double], count: Double) {
    let count = Double(maps.count * maps[0][0].count)
    let means = maps[0].indices.map { channel in
      maps.reduce(0) { $0 + $1[channel].reduce(0, +) } / count
    }
    let variances = maps[0].indices.map { channel in
      maps.reduce(0) {
        $0 + $1[channel].reduce(0) { $0 + ($1 - means[channel]) * ($1 - means[channel]) }
      }
        / count
    }
    return (means, variances, count)
  }

  @Test(
    "they are the means over batches of batch statistics, computed naively in double precision",
    arguments: [
      ConvNetGraphs.Operation.BatchNormalization.VarianceEstimate.population, .sample,
    ], [nil, 2])
  func naive(
    variance: ConvNetGraphs.Operation.BatchNormalization.VarianceEstimate, limit: Int?
  ) throws {
    var model = try model(variance)
    let old = model.parameters
    let data = try syntheticData(count: 70, extent: 8)
    var told: [Int] = []
    let result = try model.calibrateBatchNormalization(
      on: data, batchSize: 16, batches: limit, seed: 9, compute: ComputeOptions(threads: 2)
    ) { told.append($0) }
    // Four batches of 16; the last six are no batch of 16.
    let count = limit ?? 4
    #expect(result.batches == count && result.batchSize == 16)
    #expect(told == (1...count).map { 16 * $0 })
    // The same batches, in numbers.
    let loader = try BatchLoader(
      data, batchSize: 16, preprocessing: try #require(model.preprocessing), shuffleSeed: 9)
    loader.start(epoch: 0)
    var sums: [[Double]] = []
    var labels: Set<Int32> = []
    for _ in 0..<count {
      let batch = try #require(try loader.next())
      batch.withLabels { for index in $0.indices { labels.insert($0[index]) } }
      var maps: Maps = batch.withImages { images in
        (0..<16).map { sample in [(0..<64).map { Double(images[64 * sample + $0]) }] }
      }
      var own: [[Double]] = []
      for (place, epsilon) in [1e-3, 1e-5].enumerated() {
        let name = "conv\(place + 1)"
        maps = convolved(
          maps, side: place == 0 ? 8 : 6, try #require(old["\(name).weight"]), old["\(name).bias"])
        let (means, variances, samples) = statistics(maps)
        own.append(means)
        own.append(variances.map { variance == .sample ? $0 * samples / (samples - 1) : $0 })
        maps = maps.map { sample in
          sample.indices.map { channel in
            sample[channel].map { value in
              let normal = (value - means[channel]) / (variances[channel] + epsilon).squareRoot()
              return place == 0 ? max(0, normal) : normal
            }
          }
        }
      }
      sums = sums.isEmpty ? own : zip(sums, own).map { zip($0, $1).map(+) }
    }
    #expect(labels.count == 4)
    let names = ["bn1.running_mean", "bn1.running_var", "bn2.running_mean", "bn2.running_var"]
    for (name, sum) in zip(names, sums) {
      let actual = try #require(model.parameters[name]).elements
      #expect(actual.count == sum.count)
      for (one, other) in zip(actual, sum) {
        #expect(abs(Double(one) - other / Double(count)) < 1e-5 * max(1, abs(other)), "\(name)")
      }
    }
    for (name, tensor) in old where !names.contains(name) {
      #expect(model.parameters[name] == tensor)
    }
    #expect(result.layers.map(\.name) == ["bn1", "bn2"])
    let first = try #require(result.layers.first)
    // They were 0 and 1.
    let means = try #require(model.parameters["bn1.running_mean"]).elements
    #expect(abs(first.meanShift - Double(means.map(abs).max() ?? 0)) < 1e-6)
    #expect(first.varianceFactor > 1)
  }

  @Test("statistics that are not finite are named by the first normalization that has them")
  func notFinite() throws {
    var model = try model(.population)
    for name in ["bn1.weight", "bn1.bias"] {
      let shape = try #require(model.parameters[name]).shape
      model.parameters[name] = Tensor(repeating: 3e38 as Float, shape: shape)
    }
    let old = model.parameters
    let data = try syntheticData(count: 20, extent: 8)
    // Its own are of what comes before it.
    #expect(throws: CalibrationError.nonFinite(model: "normalized", normalization: "bn2")) {
      try model.calibrateBatchNormalization(on: data, batchSize: 10)
    }
    #expect(model.parameters == old)
    var first = try #require(model.parameters["conv1.weight"])
    first.withMutableSpan { $0[0] = .nan }
    model.parameters["conv1.weight"] = first
    #expect(throws: CalibrationError.nonFinite(model: "normalized", normalization: "bn1")) {
      try model.calibrateBatchNormalization(on: data, batchSize: 10)
    }
  }

  @Test("what has no statistics to estimate is refused, and the model stays as it was")
  func refusals() throws {
    var plain = try Model(
      validating: Network("plain", input: .image(height: 8, width: 8, channels: 1)) {
        Flatten()
        Dense(4)
      })
    let data = try syntheticData(count: 20, extent: 8)
    #expect(throws: CalibrationError.noNormalization(model: "plain")) {
      try plain.calibrateBatchNormalization(on: data)
    }
    var model = try model(.population)
    let old = model.parameters
    #expect(throws: CalibrationError.tooFew(data: "bars", count: 20, batchSize: 64)) {
      try model.calibrateBatchNormalization(on: data)
    }
    for (size, batches) in [(1, nil), (0, nil), (8, 0)] as [(Int, Int?)] {
      #expect(throws: CalibrationError.batches(size, batches)) {
        try model.calibrateBatchNormalization(on: data, batchSize: size, batches: batches)
      }
    }
    #expect(model.parameters == old)
  }
}
