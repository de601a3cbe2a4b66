import ConvNetCompiler
import ConvNetGraphs
import ConvNetTensors
import Testing

@Suite struct AdditionFusionTests {
  private func fuse(_ sample: GraphSample) throws -> Graph {
    try sample.graph.after(.additionFusion)
  }

  @Test("into the layer that makes a term, whichever term it is", arguments: [false, true])
  func granted(_ layerFirst: Bool) throws {
    var sample = GraphSample()
    let x = try sample.activation(sample.input())
    let y = try sample.convolution(sample.activation(x, "relu 2"), "conv")
    sample.output(try layerFirst ? sample.add(y, x) : sample.add(x, y))
    let graph = try fuse(sample)
    #expect(graph.names == ["relu", "relu 2", "conv"])
    #expect(try graph.fused("conv") == [.addition])
    let layer = try #require(graph.operations.last)
    #expect(graph[try #require(layer.inputs.last)].name == "relu")
    #expect(graph.outputs.map(\.value) == layer.outputs)
  }

  @Test("into the later of two layers, which has the other's result to add to")
  func twoLayers() throws {
    var sample = GraphSample()
    let x = try sample.activation(sample.input())
    let first = try sample.convolution(x, "first")
    let second = try sample.convolution(x, "second")
    sample.output(try sample.add(first, second))
    let graph = try fuse(sample)
    #expect(graph.names == ["relu", "first", "second"])
    #expect(try graph.fused("first") == [])
    #expect(try graph.fused("second") == [.addition])
  }

  @Test("into a layer that comes before the other term is made: it moves to the addition's place")
  func movesLayer() throws {
    var sample = GraphSample()
    let x = sample.input()
    let y = try sample.convolution(x, "conv")
    let z = try sample.activation(x)
    sample.output(try sample.add(y, z))
    let graph = try fuse(sample)
    #expect(graph.names == ["relu", "conv"])
    #expect(try graph.fused("conv") == [.addition])
  }

  @Test("into a dense layer")
  func dense() throws {
    var sample = GraphSample()
    let x = try sample.activation(sample.input("x", [2, 8]))
    let y = try sample.dense(sample.activation(x, "relu 2"), "dense")
    sample.output(try sample.add(x, y))
    #expect(try fuse(sample).fused("dense") == [.addition])
  }

  @Test("refused where the other term is read later")
  func readLater() throws {
    var sample = GraphSample()
    let x = try sample.activation(sample.input())
    let y = try sample.convolution(sample.activation(x, "relu 2"), "conv")
    let sum = try sample.add(x, y)
    sample.output(try sample.graph.append(Operation.Multiply(), to: sum, x, name: "product"))
    #expect(try fuse(sample) == sample.graph)
  }

  @Test("refused where the layer reads the other term: it would overwrite its own input")
  func ownInput() throws {
    var sample = GraphSample()
    let x = try sample.activation(sample.input())
    sample.output(try sample.add(x, sample.convolution(x, "conv")))
    #expect(try fuse(sample) == sample.graph)
  }

  @Test("refused where the other term is an input, a parameter, or a result")
  func notOverwritable() throws {
    var sample = GraphSample()
    let x = sample.input()
    sample.output(try sample.add(x, sample.convolution(sample.activation(x), "conv")))
    #expect(try fuse(sample) == sample.graph)

    sample = GraphSample()
    let y = try sample.convolution(sample.input(), "conv")
    let parameter = sample.graph.addParameter("parameter", sample.graph[y].shape, .bias)
    sample.output(try sample.add(parameter, y))
    #expect(try fuse(sample) == sample.graph)

    sample = GraphSample()
    let z = try sample.activation(sample.input())
    sample.output(try sample.add(z, sample.convolution(sample.activation(z, "relu 2"), "conv")))
    sample.output(z, "z")
    #expect(try fuse(sample) == sample.graph)
  }

  @Test("refused where the layer's result is read elsewhere, or is a result")
  func layerReadTwice() throws {
    var sample = GraphSample()
    let x = try sample.activation(sample.input())
    let y = try sample.convolution(sample.activation(x, "relu 2"), "conv")
    let sum = try sample.add(x, y)
    sample.output(try sample.graph.append(Operation.Multiply(), to: sum, y, name: "product"))
    #expect(try fuse(sample) == sample.graph)

    sample = GraphSample()
    let z = try sample.activation(sample.input())
    let w = try sample.convolution(sample.activation(z, "relu 2"), "conv")
    sample.output(try sample.add(z, w))
    sample.output(w, "w")
    #expect(try fuse(sample) == sample.graph)
  }

  @Test("refused for weighted sums, sums of three, doubling, and layers fused already")
  func otherSums() throws {
    var sample = GraphSample()
    let x = try sample.activation(sample.input())
    let y = try sample.convolution(sample.activation(x, "relu 2"), "conv")
    let weighted = Operation.Add(coefficients: [1, 0.5])
    sample.output(try sample.graph.append(weighted, to: x, y, name: "weighted"))
    #expect(try fuse(sample) == sample.graph)

    sample = GraphSample()
    let terms = try ["a", "b", "c"].map { try sample.convolution(sample.input($0), "conv \($0)") }
    sample.output(try sample.graph.append(Operation.Add(), to: terms, name: "sum")[0])
    #expect(try fuse(sample) == sample.graph)

    sample = GraphSample()
    let z = try sample.convolution(sample.input(), "conv")
    sample.output(try sample.add(z, z))
    #expect(try fuse(sample) == sample.graph)

    sample = GraphSample()
    let w = try sample.activation(sample.input())
    let activated = try sample.activation(
      sample.convolution(sample.activation(w, "relu 2"), "conv"), "relu 3")
    sample.output(try sample.add(w, activated))
    let fused = try sample.graph.after(.activationFusion)
    #expect(try fused.after(.additionFusion) == fused)
  }

  @Test("of a chain of blocks every addition is fused")
  func chain() throws {
    var sample = GraphSample()
    var x = try sample.activation(sample.input(), "relu 0")
    for block in 1...3 {
      let inner = try sample.activation(sample.convolution(x, "a\(block)"), "inner \(block)")
      x = try sample.activation(
        sample.add(x, sample.convolution(inner, "b\(block)"), "add \(block)"), "relu \(block)")
    }
    sample.output(x)
    let graph = try fuse(sample).after(.activationFusion)
    #expect(graph.names == ["relu 0", "a1", "b1", "a2", "b2", "a3", "b3"])
    for block in 1...3 {
      #expect(try graph.fused("b\(block)") == [.addition, .activation(.relu)])
    }
  }
}
