import ConvNetCompiler
import ConvNetEngine
import ConvNetGraphs
import ConvNetTensors
import ConvNetTestSupport
import Foundation
import Testing

@Suite("Algorithms") struct AlgorithmTests {
  /// A convolution of `channels` to as many, 3x3, and its kernel.
  private func network(_ channels: Int) throws -> (graph: Graph, parameters: [String: Tensor]) {
    var graph = Graph(name: "one layer")
    let image = graph.addInput("image", ValueType([2, channels, 12, 12]))
    let kernel = graph.addParameter("weight", [channels, channels, 3, 3], .kernel)
    let result = try graph.append(
      Operation.Convolution(strides: [1, 1], padding: .symmetric(1), hasBias: false),
      to: image, kernel, name: "conv")
    graph.addOutput("result", result)
    return (graph, ["weight": .random(graph[kernel].shape, seed: 1, in: -1..<1)])
  }

  private func implementation(channels: Int, _ compute: ComputeOptions) throws -> String? {
    let (graph, parameters) = try network(channels)
    let executable = try Executable(
      graph, parameters: parameters, options: CompilationOptions(compute: compute))
    return executable.steps.first { $0.operation == "conv" }?.implementation
  }

  @Test("exactness forbids minimal filtering, whatever the table says")
  func exactness() throws {
    let directory = try TemporaryDirectory()
    for tuning in ComputeOptions.Tuning.allCases {
      let name = try #require(
        try implementation(
          channels: 32,
          ComputeOptions(
            threads: 1, tuning: tuning, isExact: true, cacheFolder: directory.path)))
      #expect(!name.contains("wino"))
    }
  }

  /// What computes one convolution of a kernel that keeps the extent.
  private func implementation(
    _ kernel: Shape, extent: Int, groups: Int = 1, strides: [Int] = [1, 1], isExact: Bool = false,
    runs: Int? = nil
  ) throws -> String {
    var graph = Graph(name: "one layer")
    let channels = kernel[1] * groups
    let image = graph.addInput("image", ValueType([1, channels, extent, extent]))
    let weight = graph.addParameter("weight", kernel, .kernel)
    let sides = kernel.spatial.map { Padding.Sides(before: $0 / 2, after: $0 / 2) }
    let result = try graph.append(
      Operation.Convolution(
        strides: strides, padding: .explicit(sides), groups: groups, hasBias: false),
      to: image, weight, name: "conv")
    graph.addOutput("result", result)
    let executable = try Executable(
      graph, parameters: ["weight": .random(kernel, seed: 1)],
      options: CompilationOptions(
        compute: ComputeOptions(threads: 1, isExact: isExact, expectedRuns: runs)))
    return try #require(executable.steps.first { $0.operation == "conv" }).implementation
  }

  @Test(
    "by rule our kernels filter the windows that they are for, and exactness forbids it",
    arguments: [[3, 3], [5, 5], [1, 3], [3, 1], [1, 7], [7, 1]])
  func windows(_ window: [Int]) throws {
    let kernel = Shape([64, 64] + window)
    #expect(try implementation(kernel, extent: 17) == "winograd")
    #expect(try !implementation(kernel, extent: 17, isExact: true).contains("wino"))
    #expect(try !implementation(kernel, extent: 17, strides: [2, 2]).contains("wino"))
    let grouped = Shape([64, 32] + window)
    #expect(try !implementation(grouped, extent: 17, groups: 2).contains("wino"))
  }

  struct Sum: Sendable {
    var kernel: Shape
    var groups = 1
    var strides = [1, 1]
    var isOwn = true
  }

  @Test(
    "what is not filtered our direct kernels compute, but for groups of channels that are not whole blocks",
    arguments: [
      Sum(kernel: [64, 64, 1, 1]), Sum(kernel: [64, 64, 3, 3], strides: [2, 2]),
      Sum(kernel: [64, 3, 7, 7], strides: [2, 2]), Sum(kernel: [20, 17, 2, 2], strides: [1, 2]),
      Sum(kernel: [64, 32, 3, 3], groups: 2), Sum(kernel: [64, 8, 3, 3], groups: 8, isOwn: false),
      Sum(kernel: [32, 16, 17, 17], isOwn: false),
    ])
  func sums(_ sum: Sum) throws {
    let name = try implementation(
      sum.kernel, extent: 17, groups: sum.groups, strides: sum.strides)
    #expect((name == "direct") == sum.isOwn)
  }

  @Test(
    "weights are not transformed for fewer runs than make it good",
    arguments: [(17, 1, false), (17, 4, false), (17, 5, true), (56, 1, true), (17, .max, true)])
  func fewRuns(extent: Int, runs: Int, isFiltered: Bool) throws {
    let name = try implementation([64, 64, 3, 3], extent: extent, runs: runs)
    #expect(name.contains("wino") == isFiltered)
  }

  @Test(
    "by rule nothing is filtered where tiles hang over the edge or few channels share a transform",
    arguments: [
      (Shape([64, 64, 1, 3]), 5), (Shape([64, 64, 3, 3]), 1), (Shape([16, 16, 1, 3]), 9),
      (Shape([64, 64, 7, 7]), 17), (Shape([64, 64, 3, 5]), 17),
    ])
  func notWorthFiltering(_ kernel: Shape, extent: Int) throws {
    #expect(try !implementation(kernel, extent: extent).contains("wino"))
  }

  @Test("what was measured is remembered, and followed without measuring")
  func remembering() throws {
    let directory = try TemporaryDirectory()
    var compute = ComputeOptions(threads: 1, tuning: .full, cacheFolder: directory.path)
    let measured = try implementation(channels: 48, compute)
    let file = try #require(
      try FileManager.default.contentsOfDirectory(atPath: directory.path).first)
    let path = "\(directory.path)/\(file)"
    let text = try String(contentsOfFile: path, encoding: .utf8)
    #expect(text.hasPrefix("forward 2x48x12x12>2x48x12x12"))
    compute.tuning = .cached
    #expect(try implementation(channels: 48, compute) == measured)

    // As written where the rule would filter: only the table can have said so.
    let direct = text.split(separator: "\t")[0] + "\tdirect\n"
    try direct.write(toFile: path, atomically: true, encoding: .utf8)
    let followed = try #require(try implementation(channels: 48, compute))
    #expect(!followed.contains("wino"))
  }

  @Test(
    "a damaged table is as good as none",
    arguments: ["", "\t\n\t\t\n", "forward\n", "forward\tmagic\n", "\u{0}\u{1}\t"])
  func damage(_ text: String) throws {
    let directory = try TemporaryDirectory()
    var table = AlgorithmTable(threads: 3, folder: directory.path)
    table["forward"] = .winograd
    try table.save()
    #expect(AlgorithmTable(threads: 3, folder: directory.path)["forward"] == .winograd)
    #expect(AlgorithmTable(threads: 4, folder: directory.path)["forward"] == nil)
    let file = try FileManager.default.contentsOfDirectory(atPath: directory.path)[0]
    try text.write(
      toFile: "\(directory.path)/\(file)", atomically: true, encoding: .utf8)
    #expect(AlgorithmTable(threads: 3, folder: directory.path)["forward"] == nil)
  }

  @Test(
    "3x3 convolutions, filtered or not, are the reference's, forward and backward",
    arguments: [(channels: 16, extent: 12), (channels: 64, extent: 7), (channels: 48, extent: 9)])
  func precision(_ channels: Int, _ extent: Int) throws {
    var graph = Graph(name: "one layer")
    let image = graph.addInput("image", ValueType([2, channels, extent, extent]))
    let kernel = graph.addParameter("weight", [channels, channels, 3, 3], .kernel)
    let bias = graph.addParameter("bias", [channels], .bias)
    let result = try graph.append(
      Operation.Convolution(strides: [1, 1], padding: .symmetric(1)), to: image, kernel, bias,
      name: "conv")
    graph.addOutput("result", result)
    let target = graph.addInput("target", graph[result].type)
    let loss = try graph.append(
      Operation.MeanSquaredError(), to: result, target, name: "loss")
    var given: [ValueID: Tensor] = [:]
    for (seed, id) in [image, kernel, bias, target].enumerated() {
      given[id] = .random(graph[id].shape, seed: UInt64(seed), in: -1..<1)
    }
    // Of the largest element; a direct sum of single precision has some 1e-6.
    try expectReferenceGradients(
      of: graph, loss: loss, by: [image, kernel, bias], given: given, mode: .training,
      tolerance: 2e-5)
    try expectReferenceGradients(
      of: graph, loss: loss, by: [image, kernel, bias], given: given, mode: .inference,
      tolerance: 2e-5)
  }
}
