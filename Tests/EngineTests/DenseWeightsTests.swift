import ConvNetCompiler
import ConvNetEngine
import ConvNetGraphs
import ConvNetTensors
import ConvNetTestSupport
import Testing

/// Plans that keep the weights of dense layers in fewer bits.
@Suite struct DenseWeightsTests {
  @Test(
    "results are the reference's with rounded weights, whatever is fused into the layer",
    arguments: ComputeOptions.DenseWeights.allCases)
  func fusion(weights: ComputeOptions.DenseWeights) throws {
    for fused: [Operation.Convolution.FusedOperation] in [
      [], [.activation(.relu)], [.activation(.tanh)], [.addition],
      [.addition, .activation(.relu)], [.addition, .activation(.sigmoid)],
    ] {
      for batch in [1, 5] {
        var graph = Graph(name: "layer")
        let x = graph.addInput("x", ValueType([batch, 40]))
        let kernel = graph.addParameter("kernel", [70, 40], .kernel)
        let bias = graph.addParameter("bias", [70], .bias)
        let adds = fused.contains(.addition)
        let addend = adds ? [graph.addInput("addend", ValueType([batch, 70]))] : []
        let y = try graph.append(
          Operation.Dense(hasBias: true, fused: fused), to: [x, kernel, bias] + addend,
          name: "layer")[0]
        graph.addOutput("y", y)
        var given: [ValueID: Tensor] = [
          x: .random([batch, 40], seed: 1), kernel: .random([70, 40], seed: 2),
          bias: .random([70], seed: 3),
        ]
        for addend in addend { given[addend] = .random([batch, 70], seed: 4) }
        var exact = given
        exact[kernel] = given[kernel].map { rounded($0, to: weights) }
        let expected = try ReferenceEvaluator().evaluate(
          graph, given: exact.mapValues { ReferenceValue($0) })
        var executable = try Executable(
          graph,
          parameters: ["kernel": given[kernel], "bias": given[bias]].compactMapValues { $0 },
          options: options(weights))
        var inputs = ["x": given[x]].compactMapValues { $0 }
        for addend in addend { inputs["addend"] = given[addend] }
        let actual = try #require(executable.run(inputs)["y"])
        #expect(
          try relativeDifference(actual, #require(expected[y])) < 1e-5, "\(fused), batch \(batch)")
      }
    }
  }

  @Test("the plan keeps a half or a quarter of the weights' memory, and no others")
  func memory() throws {
    var byteCounts: [ComputeOptions.DenseWeights: Int] = [:]
    for weights in ComputeOptions.DenseWeights.allCases {
      var graph = Graph(name: "layers")
      var y = graph.addInput("x", ValueType([1, 500]))
      var parameters: [String: Tensor] = [:]
      for (name, shape) in [("first", Shape([640, 500])), ("second", [100, 640])] {
        let kernel = graph.addParameter(name, shape, .kernel)
        parameters[name] = .random(shape, seed: 1)
        y = try graph.append(Operation.Dense(hasBias: false), to: y, kernel, name: name)
      }
      graph.addOutput("y", y)
      let executable = try Executable(graph, parameters: parameters, options: options(weights))
      byteCounts[weights] = executable.weightByteCount
    }
    let count = 640 * 500 + 100 * 640
    #expect(byteCounts[.float32] == 4 * count)
    // 100 outputs are filled up to whole vectors, 112.
    #expect(byteCounts[.bfloat16] == 2 * (count + 12 * 640))
    #expect(byteCounts[.int8] == count + 12 * 640 + 4 * (640 + 112))
  }

  @Test(
    "a training refuses them by name, and says what to do",
    arguments: [ComputeOptions.DenseWeights.bfloat16, .int8])
  func training(weights: ComputeOptions.DenseWeights) throws {
    let network = try SmallNetwork()
    let (graph, _, _) = try network.training()
    let store = try ParameterStore(network.parameters)
    let error = #expect(throws: EngineError.self) {
      _ = try Executable(graph, training: store, options: options(weights))
    }
    #expect(error?.problem == .trainingNeedsFloat32(weights))
    #expect(error.map { "\($0)".contains("\(weights.rawValue) are for inference") } == true)
  }

  /// The weights of a layer as the plan is to keep them.
  private func rounded(_ kernel: Tensor, to weights: ComputeOptions.DenseWeights) -> Tensor {
    let (elements, inputs) = (kernel.elements, kernel.shape[1])
    let kept = elements.indices.map { index -> Float in
      switch weights {
      case .float32: return elements[index]
      case .bfloat16:
        let bits = elements[index].bitPattern
        return Float(bitPattern: (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF_0000)
      case .int8:
        let start = index / inputs * inputs
        let step = (elements[start..<start + inputs].map(abs).max() ?? 0) / 127
        return (elements[index] / step).rounded(.toNearestOrEven) * step
      }
    }
    return Tensor(kept, shape: kernel.shape)
  }

  private func options(_ weights: ComputeOptions.DenseWeights) -> CompilationOptions {
    CompilationOptions(compute: ComputeOptions(threads: 2, denseWeights: weights))
  }
}
