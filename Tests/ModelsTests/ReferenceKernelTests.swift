import ConvNetCompiler
import ConvNetEngine
import ConvNetGraphs
import ConvNetLayers
import ConvNetModels
import ConvNetTraining
import Testing

/// Plans of the zoo's networks, on the instructions that the process may use: `make test` holds it to fewer, too.
@Suite("Registry, reference kernels") struct ReferenceKernelTests {
  @Test(
    "no network of the zoo is computed by a reference kernel of the library, in inference or training",
    arguments: ModelRegistry.entries.map(\.name), [1, 4])
  func implementations(_ name: String, batch: Int) throws {
    let entry = try #require(ModelRegistry[name])
    let graph = try entry.network.graph(batch: batch)
    for mode in Mode.allCases {
      let whole = mode == .training ? try TrainingGraph(graph).graph : graph
      let steps = try whole.implementations(
        options: CompilationOptions(mode: mode, compute: ComputeOptions(threads: 2)))
      // "ref:any", and "lrn_ref:any".
      let references = steps.filter { step in
        step.implementation.split { ":_".contains($0) }.contains("ref")
      }
      #expect(references.map(\.operation) == [], "\(mode)")
    }
  }
}
