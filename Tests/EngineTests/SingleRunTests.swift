import ConvNetCompiler
import ConvNetEngine
import ConvNetFiles
import ConvNetGraphs
import ConvNetTensors
import ConvNetTestSupport
import Testing

/// Graphs that are compiled for one run, which pack their weights on the way.
@Suite("Compiled for one run") struct SingleRunTests {
  private func options(
    runs: Int?, threads: Int = 1, weights: ComputeOptions.DenseWeights = .float32
  ) -> CompilationOptions {
    CompilationOptions(
      inputFormat: .channelsFirst,
      compute: ComputeOptions(
        threads: threads, isExact: true, expectedRuns: runs, denseWeights: weights))
  }

  @Test(
    "a network gives the same bits as one that keeps its packed weights, also when it runs again",
    arguments: [1, 2], ComputeOptions.DenseWeights.allCases)
  func equal(threads: Int, weights: ComputeOptions.DenseWeights) throws {
    let network = try SmallNetwork(batch: 1)
    var once = try Executable(
      network.graph, parameters: network.parameters,
      options: options(runs: 1, threads: threads, weights: weights))
    var often = try Executable(
      network.graph, parameters: network.parameters,
      options: options(runs: nil, threads: threads, weights: weights))
    for seed in [5, 6] as [UInt64] {
      let images = Tensor.random([1, 3, 8, 8], seed: seed)
      let (one, other) = try (once.run(["images": images]), often.run(["images": images]))
      #expect(one == other)
    }
  }

  @Test(
    "weights of fewer bits are those of the folded normalization, too",
    arguments: ComputeOptions.DenseWeights.allCases)
  func folded(weights: ComputeOptions.DenseWeights) throws {
    var graph = Graph(name: "folded")
    var parameters: [String: Tensor] = ["weight": .random([48, 64], seed: 1)]
    let x = graph.addInput("x", ValueType([2, 64]))
    let kernel = graph.addParameter("weight", [48, 64], .kernel)
    var y = try graph.append(Operation.Dense(hasBias: false), to: x, kernel, name: "dense")
    let statistics = [
      ("scale", ParameterKind.scale), ("shift", .shift), ("mean", .runningMean),
      ("variance", .runningVariance),
    ].map { name, kind in
      parameters[name] = .random([48], seed: 2, in: 0.5..<1.5)
      return graph.addParameter(name, [48], kind)
    }
    y = try graph.append(
      Operation.BatchNormalization(momentum: 0.9), to: [y] + statistics, name: "norm")[0]
    graph.addOutput("y", y)
    let results = try [1, nil].map { runs in
      var executable = try Executable(
        graph, parameters: parameters, options: options(runs: runs, weights: weights))
      return try executable.run(["x": .random([2, 64], seed: 3)])
    }
    #expect(results[0] == results[1])
  }

  /// Layers of 64 channels one after another.
  private func chain(_ count: Int) throws -> (graph: Graph, parameters: [String: Tensor]) {
    var graph = Graph(name: "chain")
    var parameters: [String: Tensor] = [:]
    var x = graph.addInput("images", ValueType([1, 64, 6, 6]))
    for index in 0..<count {
      let kernel: Shape = [64, 64, 3, 3]
      parameters["weight\(index)"] = .random(kernel, seed: UInt64(index), in: -0.1..<0.1)
      x = try graph.append(
        Operation.Convolution(strides: [1, 1], padding: .symmetric(1), hasBias: false),
        to: x, graph.addParameter("weight\(index)", kernel, .kernel), name: "conv\(index)")
    }
    graph.addOutput("result", x)
    return (graph, parameters)
  }

  @Test("the packed weights of one layer take the place of those before them")
  func memory() throws {
    let layer = 64 * 64 * 9 * 4
    let (graph, parameters) = try chain(8)
    let executable = try Executable(graph, parameters: parameters, options: options(runs: 1))
    #expect(executable.activationByteCount < 2 * layer)
    // The parameters as they are.
    #expect(executable.weightByteCount == 8 * layer)
  }

  @Test(
    "weights in a file give their memory back once they are used, and are there again",
    arguments: [0, 4])
  func mapped(start: Int) throws {
    let directory = try TemporaryDirectory()
    var (graph, parameters) = try chain(3)
    let images = Tensor.random([1, 64, 6, 6], seed: 9)
    var often = try Executable(graph, parameters: parameters, options: options(runs: nil))
    let expected = try often.run(["images": images])
    for (name, tensor) in parameters {
      let before = [UInt8](repeating: 0, count: start)
      let path = try directory.write(before + tensor.withUnsafeBytes { [UInt8]($0) }, to: name)
      parameters[name] = try Tensor(
        mapping: start..<start + tensor.byteCount, of: MappedFile(path: path), shape: tensor.shape,
        elementType: .float32)
    }
    var once = try Executable(graph, parameters: parameters, options: options(runs: 1))
    let givingBack = once.steps.filter { $0.implementation == "release of weights" }
    #expect(givingBack.map(\.operation) == ["conv0", "conv1", "conv2"])
    #expect(try once.run(["images": images]) == expected)
    #expect(try once.run(["images": images]) == expected)
  }
}
