import ConvNetEngine
import ConvNetGraphs
import ConvNetInference
import ConvNetLayers
import ConvNetModels
import ConvNetTensors
import Testing

/// Several threads compute what is worth their meeting.
@Suite struct SmallNetworkThreadsTests {
  @Test(
    "a small network at a small batch is computed by one thread, others by all",
    arguments: [
      ("lenet5", 1, 1), ("lenet5", 2, 2), ("lenet5", 65, 2), ("resnet20", 1, 2),
      ("googlenet", 1, 2), ("alexnet", 1, 2),
    ])
  func threads(name: String, batch: Int, expected: Int) throws {
    let entry = try #require(ModelRegistry[name])
    let graph = try Model(validating: entry.build(entry.defaults), seed: 1).graph.batched(batch)
    for threads in [1, 2] {
      let options = CompilationOptions(inputFormat: .channelsLast, threads: threads)
      #expect(options.suited(to: graph).threads == min(threads, expected))
    }
  }
}
