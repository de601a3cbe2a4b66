import ConvNetCompiler
import ConvNetGraphs
import ConvNetTensors
import Testing

@Suite struct PoolingSimplificationTests {
  @Test("the average of a map of one element, and a window of one, are what they were given")
  func identities() throws {
    var sample = GraphSample()
    let x = try sample.activation(sample.input("x", [2, 4, 1, 1]))
    let average = try sample.graph.append(
      Operation.GlobalPooling(kind: .average), to: x, name: "global")
    let window = try sample.graph.append(
      Operation.AveragePooling(window: [1, 1], strides: [1, 1]), to: average, name: "window")
    let largest = try sample.graph.append(
      Operation.MaxPooling(window: [1, 1], strides: [1, 1]), to: window, name: "largest")
    sample.output(try sample.activation(largest, "tanh", .tanh))
    let graph = try sample.graph.after(.poolingSimplification)
    #expect(graph.names == ["relu", "tanh"])
  }

  @Test("poolings that do something stay")
  func kept() throws {
    var sample = GraphSample()
    let x = try sample.activation(sample.input("x", [2, 4, 5, 5]))
    let strided = try sample.graph.append(
      Operation.MaxPooling(window: [1, 1], strides: [2, 2]), to: x, name: "strided")
    sample.output(
      try sample.graph.append(
        Operation.GlobalPooling(kind: .average), to: strided, name: "global"))
    let graph = try sample.graph.after(.poolingSimplification)
    #expect(graph.operations.count == 3)
  }

  @Test(
    "maxima are taken before a function that never falls, and only before such",
    arguments: [
      (ActivationFunction.relu, true), (.tanh, true), (.sigmoid, true), (.relu6, true),
      (.leakyReLU(slope: 0.1), true), (.leakyReLU(slope: -0.1), false), (.gelu, false),
      (.silu, false),
    ])
  func order(function: ActivationFunction, isSwapped: Bool) throws {
    var sample = GraphSample()
    let x = try sample.activation(sample.input(), "activation", function)
    sample.output(
      try sample.graph.append(
        Operation.MaxPooling(window: [2, 2], strides: [2, 2]), to: x, name: "pool"))
    let graph = try sample.graph.after(.poolingSimplification)
    #expect(graph.names == (isSwapped ? ["pool", "activation"] : ["activation", "pool"]))
    #expect(graph[graph.outputs[0].value].shape == [2, 4, 3, 3])
  }

  @Test("an activation that another operation reads stays before the pooling")
  func readTwice() throws {
    var sample = GraphSample()
    let x = try sample.activation(sample.input())
    sample.output(
      try sample.graph.append(
        Operation.MaxPooling(window: [2, 2], strides: [2, 2]), to: x, name: "pool"))
    sample.output(try sample.activation(x, "tanh", .tanh), "z")
    #expect(try sample.graph.after(.poolingSimplification) == sample.graph)
  }
}
