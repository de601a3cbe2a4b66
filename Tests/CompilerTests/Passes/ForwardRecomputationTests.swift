import ConvNetCompiler
import ConvNetGraphs
import ConvNetTensors
import Testing

@Suite struct ForwardRecomputationTests {
  /// The step of training after the passes up to this one.
  private func step(_ sample: GraphSample) throws -> Graph {
    var graph = try sample.graph.after(.specialization(for: .training))
    let output = graph.outputs[0].value
    let target = graph.addInput("target", graph[output].type)
    let loss = try graph.append(Operation.MeanSquaredError(), to: output, target, name: "loss")
    var (longer, gradients) = try graph.differentiated(loss: loss)
    for (parameter, gradient) in gradients.sorted(by: { $0.key.index < $1.key.index }) {
      longer.addOutput("gradient/\(longer[parameter].name)", gradient)
    }
    return try longer.after(.normalizationFusion).after(.activationFusion)
  }

  /// The names of what is computed again.
  private func repeated(_ graph: Graph) -> [String] {
    graph.names.filter { $0.hasSuffix("/again") }.map { String($0.dropLast("/again".count)) }
  }

  /// A convolution after a normalization of 4 MiB, or less.
  private func normalized(extent: Int = 256, rectified: Bool = true) throws -> GraphSample {
    var sample = GraphSample()
    let x = try sample.convolution(sample.input("x", [4, 4, extent, extent]), "conv1")
    let y = try sample.normalization(x, "norm")
    let z = rectified ? try sample.activation(y) : y
    sample.output(try sample.convolution(z, "conv2"))
    return sample
  }

  @Test("a large normalization is computed again for the backward pass, with its statistics")
  func normalization() throws {
    for rectified in [true, false] {
      let before = try step(normalized(rectified: rectified))
      let graph = try before.after(.recomputation(.normalizations))
      #expect(repeated(graph) == ["norm"])
      #expect(graph.operations.count == before.operations.count + 1)
      let first = try #require(graph.operations.first { $0.name == "norm" })
      let place = try #require(graph.names.firstIndex(of: "norm/again"))
      let again = graph.operations[place]
      guard let attributes = again.attributes as? Operation.BatchNormalization else {
        Issue.record("\(again.kind)")
        return
      }
      #expect(attributes.form == (rectified ? .rectifiedInference : .inference))
      #expect(again.inputs == Array(first.inputs[..<3]) + first.outputs[1...2])
      // The forward pass reads the first, the gradient by the kernel the second.
      let readers = graph.operations.filter { $0.inputs.contains(again.outputs[0]) }
      #expect(readers.map(\.name) == ["conv2/parameter gradient"])
      #expect(graph.names[place + 1] == "conv2/parameter gradient")
      let forward = graph.operations.filter { $0.inputs.contains(first.outputs[0]) }
      #expect(forward.map(\.name) == ["conv2"])
    }
  }

  /// A chain of residual blocks whose sums have 32 MiB, or less.
  private func residual(_ blocks: Int, extent: Int = 512, rectified: Bool = true) throws
    -> GraphSample
  {
    var sample = GraphSample()
    var x = try sample.convolution(sample.input("x", [8, 4, extent, extent]), "conv")
    for block in 0..<blocks {
      let y = try sample.normalization(
        sample.convolution(x, "conv\(block)"), "norm\(block)")
      x = try sample.add(y, x, "sum\(block)")
      if rectified { x = try sample.activation(x, "relu\(block)") }
    }
    sample.output(try sample.convolution(x, "last"))
    return sample
  }

  @Test("every second residual sum is computed again, from what is kept", arguments: [true, false])
  func sums(rectified: Bool) throws {
    let before = try step(residual(4, rectified: rectified))
    let graph = try before.after(.recomputation(.normalizations))
    // From the end, as the backward pass needs them.
    let expected = [2, 0].flatMap {
      rectified ? ["norm\($0)", "sum\($0)", "relu\($0)"] : ["norm\($0)", "sum\($0)"]
    }
    #expect(repeated(graph) == expected)
    #expect(graph.peak < before.peak)
    let small = try step(residual(4, extent: 511, rectified: rectified))
    #expect(try small.after(.recomputation(.normalizations)) == small)
  }

  @Test("refused: small normalizations, results, and where nothing is to be computed again")
  func refused() throws {
    let small = try step(normalized(extent: 255))
    #expect(try small.after(.recomputation(.normalizations)) == small)
    let large = try step(normalized())
    #expect(try large.after(.recomputation(.off)) == large)
    var kept = large
    let norm = try #require(kept.operations.first { $0.name == "norm" })
    kept.addOutput("normalized", norm.outputs[0])
    #expect(try kept.after(.recomputation(.normalizations)) == kept)
    // Without a backward pass there is nothing to save.
    let forward = try normalized().graph.after(.specialization(for: .training))
    for extent in Recomputation.allCases {
      #expect(try forward.after(.recomputation(extent)) == forward)
    }
  }

  /// Layers with dropout and normalization between them.
  private func chain(_ count: Int) throws -> GraphSample {
    var sample = GraphSample()
    var x = sample.input("x", [8, 16, 16, 16])
    for index in 0..<count {
      x = try sample.convolution(x, "conv\(index)", channels: 16)
      x = try sample.activation(sample.normalization(x, "norm\(index)"), "relu\(index)")
      x = try sample.graph.append(
        Operation.Dropout(rate: 0.5, index: index), to: x, name: "dropout\(index)")
    }
    sample.output(x)
    return sample
  }

  @Test("of a chain, blocks are computed again: less memory, at most one more forward pass")
  func blocks() throws {
    let before = try step(chain(24))
    let graph = try before.after(.recomputation(.blocks))
    let names = repeated(graph)
    #expect(names.count > 24 && Set(names).count == names.count)
    #expect(names.allSatisfy(before.names.contains))
    #expect(!names.contains { $0.contains("running") || $0 == "loss" })
    // The last block's backward pass comes at once.
    #expect(!names.contains("conv23"))
    // A mask is drawn again by its key.
    for operation in graph.operations where operation.name.hasPrefix("dropout") {
      guard let dropout = operation.attributes as? Operation.Dropout else { continue }
      #expect(operation.name.hasPrefix("dropout\(dropout.index)"))
    }
    // Chen et al.: memory as the root of the number of layers.
    #expect(graph.peak < before.peak / 2)
    #expect(try graph.after(.recomputation(.blocks)) == graph)
    // Moving averages move once.
    #expect(graph.parameterUpdates.count == 48)
  }

  @Test("what is computed again says so by its role, and no layer does by its name")
  func role() throws {
    var sample = GraphSample()
    var x = sample.input("x", [4, 4, 32, 32])
    for index in 0..<24 {
      x = try sample.activation(
        try sample.normalization(try sample.convolution(x, "conv\(index)/again"), "norm\(index)"))
    }
    sample.output(x)
    let before = try step(sample)
    let graph = try before.after(.recomputation(.blocks))
    let again = graph.operations.filter { $0.role == .recomputation }
    #expect(again.count > 24 && graph.operations.count == before.operations.count + again.count)
    #expect(again.allSatisfy { $0.name.hasSuffix("/again") })
    #expect(!before.operations.contains { $0.role == .recomputation })
  }

  @Test("a chain of four times the layers needs about twice the memory")
  func growth() throws {
    let peaks = try [16, 64].map {
      Double(try step(chain($0)).after(.recomputation(.blocks)).peak)
    }
    #expect(peaks[1] < 2.7 * peaks[0])
    let plain = try [16, 64].map { Double(try step(chain($0)).peak) }
    #expect(plain[1] > 3.5 * plain[0])
  }

  @Test("cuts come between residual blocks, whose shortcuts would cross within")
  func residual() throws {
    var sample = GraphSample()
    var x = sample.input("x", [8, 16, 16, 16])
    for block in 0..<9 {
      var y = x
      for layer in 0..<3 {
        y = try sample.convolution(y, "b\(block).conv\(layer)", channels: 16)
        y = try sample.activation(y, "b\(block).tanh\(layer)", .tanh)
      }
      x = try sample.add(y, x, "b\(block)")
    }
    sample.output(x)
    let graph = try step(sample).after(.recomputation(.blocks))
    let names = repeated(graph)
    #expect(!names.isEmpty)
    // Of a block all three layers or none.
    for block in 0..<9 {
      #expect([0, 3].contains(names.count { $0.hasPrefix("b\(block).conv") }))
    }
  }
}

extension Graph {
  /// The most floats of computed values alive at the same time, without anything in place.
  fileprivate var peak: Int {
    var (alive, peak) = (0, 0)
    for (index, operation) in operations.enumerated() {
      alive += operation.outputs.reduce(0) { $0 + floats($1) }
      peak = max(peak, alive)
      for value in Set(operation.inputs + operation.outputs)
      where self[value].source == .operation && !outputs.contains(where: { $0.value == value })
        && !operations[(index + 1)...].contains(where: { $0.inputs.contains(value) })
      {
        alive -= floats(value)
      }
    }
    return peak
  }

  private func floats(_ value: ValueID) -> Int {
    self[value].type.elementType == .float32 ? self[value].shape.count : 0
  }
}
