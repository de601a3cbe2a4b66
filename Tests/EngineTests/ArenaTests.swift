import ConvNetCompiler
import ConvNetEngine
import ConvNetGraphs
import ConvNetTensors
import ConvNetTestSupport
import Testing

/// Where values lie: what may share memory does, and what is alive at the same time does not.
@Suite struct ArenaTests {
  private let options = CompilationOptions(inputFormat: .channelsFirst, threads: 1)

  @Test("activations work in place: a chain needs its input, one buffer, and the pooled result")
  func chainInPlace() throws {
    var graph = Graph(name: "chain")
    let shape: Shape = [2, 4, 16, 16]
    var x = graph.addInput("x", ValueType(shape))
    for (index, function) in [ActivationFunction.relu, .tanh, .sigmoid].enumerated() {
      x = try graph.append(Operation.Activation(function), to: x, name: "activation \(index)")
    }
    // Our kernel, which needs no scratch memory; the library's may.
    let pool = Operation.AveragePooling(window: [2, 2], strides: [2, 2])
    graph.addOutput("y", try graph.append(pool, to: x, name: "pool"))
    let executable = try Executable(graph, parameters: [:], options: options)
    let byteCount = shape.count * 4
    #expect(executable.activationByteCount == byteCount + byteCount + byteCount / 4)
    // The input is the caller's, outside the arena.
    #expect(executable.arena.map(\.byteCount) == [byteCount, byteCount / 4])
  }

  @Test("an activation after a layer costs no memory, fused or in place", arguments: Mode.allCases)
  func activationIsFree(_ mode: Mode) throws {
    func byteCount(channels: Int, activation: Bool) throws -> Int {
      var graph = Graph(name: "conv, relu, pool")
      var x = graph.addInput("x", ValueType([2, channels, 16, 16]))
      let kernel = graph.addParameter("kernel", [channels, channels, 3, 3], .kernel)
      let convolution = Operation.Convolution(strides: [1, 1], padding: .same, hasBias: false)
      x = try graph.append(convolution, to: x, kernel, name: "conv")
      if activation {
        x = try graph.append(Operation.Activation(.relu), to: x, name: "relu")
      }
      let pool = Operation.MaxPooling(window: [2, 2], strides: [2, 2])
      graph.addOutput("y", try graph.append(pool, to: x, name: "pool"))
      let values = ["kernel": Tensor(zeros: graph[kernel].shape)]
      let executable =
        switch mode {
        case .inference: try Executable(graph, parameters: values, options: options)
        case .training:
          try Executable(graph, training: ParameterStore(values), options: options)
        }
      return executable.activationByteCount
    }
    for channels in [4, 32] {
      let with = try byteCount(channels: channels, activation: true)
      #expect(try byteCount(channels: channels, activation: false) == with)
    }
  }

  @Test("no two buffers overlap in memory while both are alive")
  func noOverlap() throws {
    let network = try SmallNetwork()
    let (graph, _, _) = try network.training()
    let executables = [
      try Buffers(
        Executable(graph, training: ParameterStore(network.parameters), options: options)),
      try Buffers(Executable(network.graph, parameters: network.parameters, options: options)),
    ]
    for buffers in executables {
      #expect(buffers.list.count > 5)
      for (index, first) in buffers.list.enumerated() {
        #expect(first.offset % 64 == 0)
        #expect(first.offset + first.byteCount <= buffers.byteCount)
        for second in buffers.list[(index + 1)...]
        where first.firstStep <= second.lastStep && second.firstStep <= first.lastStep {
          let areApart =
            first.offset + first.byteCount <= second.offset
            || second.offset + second.byteCount <= first.offset
          #expect(areApart, "\(first) and \(second)")
        }
      }
    }
  }

  private struct Buffers {
    var list: [BufferDescription]
    var byteCount: Int

    init(_ executable: borrowing Executable) {
      list = executable.arena
      byteCount = executable.activationByteCount
    }
  }

  @Test("in inference weights are packed once, and what is constant is computed once")
  func preparation() throws {
    let network = try SmallNetwork()
    let executable = try Executable(
      network.graph, parameters: network.parameters, options: options)
    #expect(!executable.steps.contains { $0.operation.contains("fold") })
    #expect(
      !executable.steps.contains {
        $0.implementation.hasPrefix("reorder") && $0.operation.contains("weight")
      })
    #expect(executable.weightByteCount > 0)
  }
}
