import CTestSupport
import ConvNetEngine
import ConvNetGraphs
import ConvNetTensors
import ConvNetTestSupport
import Testing

/// A run allocates nothing of ours: no array, object or buffer. The kernel library's call to
/// execute a primitive makes a few small objects of its own and frees them before it returns: six a
/// primitive with version 2.6 (measured: 36 a run of inference of the small network, 210 a training
/// step).
@Suite(.enabled(if: ct_can_count(), "this C library gives no way to count")) struct AllocationTests
{
  private let options = CompilationOptions(inputFormat: .channelsFirst, threads: 1)

  @Test("the counter sees what this program allocates, and what it frees")
  func counter() throws {
    ct_start_counting()
    var storage: TensorStorage? = TensorStorage(byteCount: 1 << 20)
    let held = ct_stop_counting()
    // The buffer; the object around it may live on the stack.
    #expect(held.by_program >= 1)
    #expect(held.outstanding_bytes >= 1 << 20)
    _ = storage
    storage = nil
    ct_start_counting()
    let idle = ct_stop_counting()
    #expect(idle.by_program == 0 && idle.by_library == 0 && idle.outstanding_bytes == 0)
    ct_start_counting()
    for size in 1..<100 { _ = TensorStorage(byteCount: size) }
    #expect(ct_stop_counting().outstanding_bytes == 0)
  }

  @Test("a run of inference allocates nothing of ours, and no memory is left after 10000")
  func inference() throws {
    let network = try SmallNetwork(batch: 1, extent: 4)
    var executable = try Executable(
      network.graph, parameters: network.parameters, options: options)
    try executable.write(network.images, to: "images")
    try executable.run()  // the first run of a thread sets it up
    var sum: Float = 0
    ct_start_counting()
    for run in 0..<10_000 {
      try executable.withInput("images", of: Float.self) { $0[0] = Float(run) }
      try executable.run()
      sum += try executable.withOutput("logits") { $0[0] }
    }
    let allocations = ct_stop_counting()
    #expect(sum.isFinite)
    #expect(allocations.by_program == 0)
    #expect(allocations.outstanding_bytes == 0)
  }

  @Test("nor does a run of training")
  func training() throws {
    let network = try SmallNetwork(batch: 2, extent: 4)
    let (graph, _, _) = try network.training()
    var executable = try Executable(
      graph, training: ParameterStore(network.parameters), options: options)
    try executable.write(network.images, to: "images")
    try executable.write(network.labels, to: "labels")
    try executable.run()
    ct_start_counting()
    for step in 0..<1000 { try executable.run(step: step, seed: 1) }
    let allocations = ct_stop_counting()
    #expect(allocations.by_program == 0)
    #expect(allocations.outstanding_bytes == 0)
  }

  @Test("nor does a run in shards, whose gradients are many enough to be averaged by all threads")
  func shards() throws {
    var graph = Graph(name: "dense")
    let x = graph.addInput("x", ValueType([4, 100]))
    let target = graph.addInput("target", ValueType([4, 100]))
    let kernel = graph.addParameter("kernel", [100, 100], .kernel)
    let y = try graph.append(Operation.Dense(hasBias: false), to: x, kernel, name: "dense")
    let loss = try graph.append(Operation.MeanSquaredError(), to: y, target, name: "loss")
    let (longer, gradients) = try graph.differentiated(loss: loss)
    graph = longer
    graph.addOutput("gradient", try #require(gradients[kernel]))
    var executable = try Executable(
      graph, training: ParameterStore(["kernel": .random([100, 100], seed: 1)]),
      options: CompilationOptions(threads: 2))
    #expect(executable.shardCount == 2)
    try executable.run()
    ct_start_counting()
    for step in 0..<100 { try executable.run(step: step) }
    let allocations = ct_stop_counting()
    #expect(allocations.by_program == 0)
    #expect(allocations.outstanding_bytes == 0)
  }

  @Test("nor does a run of any operation", arguments: OperationCase.all)
  func operations(_ operation: OperationCase) throws {
    let graph = try operation.graph()
    let inputs = zip(graph.valueIDs, operation.tensors()).map { (graph[$0], $1) }
    var executable = try Executable(
      graph,
      parameters: Dictionary(
        uniqueKeysWithValues: inputs.filter { $0.0.parameterKind != nil }
          .map { ($0.0.name, $0.1) }), options: options)
    for (value, tensor) in inputs where value.source == .input {
      try executable.write(tensor, to: value.name)
    }
    try executable.run()
    ct_start_counting()
    try executable.run()
    let allocations = ct_stop_counting()
    #expect(allocations.by_program == 0)
    #expect(allocations.outstanding_bytes == 0)
  }
}
