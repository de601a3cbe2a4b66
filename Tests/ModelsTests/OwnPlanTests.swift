import ConvNetCompiler
import ConvNetEngine
import ConvNetGraphs
import ConvNetLayers
import ConvNetModels
import ConvNetTraining
import Testing

/// Plans of the zoo's networks where the kernel library is not to compute.
@Suite("Registry, own kernels alone") struct OwnPlanTests {
  @Test(
    "without the library no step of a network of the zoo is the library's, in inference or training",
    arguments: ModelRegistry.entries.map(\.name), [1, 6])
  func plans(_ name: String, batch: Int) throws {
    let entry = try #require(ModelRegistry[name])
    let graph = try entry.network.graph(batch: batch)
    var compute = ComputeOptions(threads: 2)
    compute.kernels = .own
    for mode in Mode.allCases {
      let whole = mode == .training ? try TrainingGraph(graph).graph : graph
      let steps = try whole.operationsOfLibrary(
        options: CompilationOptions(mode: mode, compute: compute))
      #expect(steps == [], "\(mode)")
    }
  }
}
