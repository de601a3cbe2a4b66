import ConvNetCompiler
import ConvNetEngine
import ConvNetGraphs
import ConvNetTensors
import ConvNetTestSupport
import Testing

/// Convolutions of 3x3 with stride 1 and blocks of 16 channels, which have several algorithms: whichever is chosen, with all
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
}
