import ConvNetCompiler
import ConvNetEngine
import ConvNetGraphs
import ConvNetTensors
import ConvNetTestSupport
import Testing

/// Convolutions with stride 1 and blocks of 16 channels, which have several algorithms: whichever is chosen, with all
/// that is fused into it, against the reference.
@Suite struct FilteringTests {
  @Test(
    "a residual block equals the reference, forward and backward",
    arguments: [Shape([1, 16, 9, 6]), [3, 32, 7, 7], [2, 48, 12, 13]], [1, 2])
  func residualBlock(_ input: Shape, threads: Int) throws {
    var graph = Graph(name: "residual")
    let channels = input[1]
    let x = graph.addInput("image", ValueType(input))
    let kernels = (0..<2).map {
      graph.addParameter("kernel \($0)", Shape([channels, channels, 3, 3]), .kernel)
    }
    let bias = graph.addParameter("bias", [channels], .bias)
    let same = Operation.Convolution(strides: [1, 1], padding: .same)
    var plain = same
    plain.hasBias = false
    var value = try graph.append(same, to: x, kernels[0], bias, name: "conv1")
    value = try graph.append(Operation.Activation(.relu), to: value, name: "relu1")
    value = try graph.append(plain, to: value, kernels[1], name: "conv2")
    value = try graph.append(Operation.Add(), to: value, x, name: "add")
    value = try graph.append(Operation.Activation(.relu), to: value, name: "relu2")
    graph.addOutput("result", value)
    var given: [ValueID: Tensor] = [:]
    for (seed, id) in ([x, bias] + kernels).enumerated() {
      given[id] = .random(graph[id].shape, seed: UInt64(seed), in: -0.5..<1)
    }
    try expectReferenceOutputs(of: graph, given: given, mode: .inference, threads: threads)

    let target = graph.addInput("target", graph[value].type)
    given[target] = .random(input, seed: 9)
    let loss = try graph.append(Operation.MeanSquaredError(), to: value, target, name: "loss")
    try expectReferenceGradients(
      of: graph, loss: loss, by: [x, bias] + kernels, given: given, mode: .training,
      threads: threads)
  }

  @Test(
    "windows of other extents equal the reference, with all that is fused, forward and backward",
    arguments: [[5, 5], [1, 7], [7, 1], [1, 3], [3, 1]], [1, 2])
  func otherWindows(_ window: [Int], threads: Int) throws {
    var graph = Graph(name: "windows")
    let x = graph.addInput("image", ValueType([2, 32, 9, 13]))
    let shape = Shape([32, 32] + window)
    let kernels = (0..<2).map { graph.addParameter("kernel \($0)", shape, .kernel) }
    let bias = graph.addParameter("bias", [32], .bias)
    // All of the padding on one side, then on the other.
    let (before, after) = (
      window.map { Padding.Sides(before: $0 - 1, after: 0) },
      window.map { Padding.Sides(before: 0, after: $0 - 1) }
    )
    let first = Operation.Convolution(strides: [1, 1], padding: .explicit(before))
    var second = Operation.Convolution(strides: [1, 1], padding: .explicit(after))
    second.hasBias = false
    var value = try graph.append(first, to: x, kernels[0], bias, name: "conv1")
    value = try graph.append(Operation.Activation(.relu), to: value, name: "relu1")
    value = try graph.append(second, to: value, kernels[1], name: "conv2")
    value = try graph.append(Operation.Add(), to: value, x, name: "add")
    value = try graph.append(Operation.Activation(.relu), to: value, name: "relu2")
    graph.addOutput("result", value)
    var given: [ValueID: Tensor] = [:]
    for (seed, id) in ([x, bias] + kernels).enumerated() {
      given[id] = .random(graph[id].shape, seed: UInt64(seed), in: -0.5..<0.5)
    }
    try expectReferenceOutputs(
      of: graph, given: given, mode: .inference, threads: threads, tolerance: 2e-5)

    let target = graph.addInput("target", graph[value].type)
    given[target] = .random(graph[value].shape, seed: 9)
    let loss = try graph.append(Operation.MeanSquaredError(), to: value, target, name: "loss")
    try expectReferenceGradients(
      of: graph, loss: loss, by: [x, bias] + kernels, given: given, mode: .training,
      threads: threads, tolerance: 3e-5)
  }
}
