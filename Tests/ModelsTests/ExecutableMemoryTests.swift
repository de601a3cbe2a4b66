import ConvNetCompiler
import ConvNetEngine
import ConvNetGraphs
import ConvNetLayers
import ConvNetModels
import ConvNetTensors
import ConvNetTraining
import Testing

@Suite("Memory of an executable") struct ExecutableMemoryTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var batch: Int
    var threads: Int
    var denseWeights = ComputeOptions.DenseWeights.float32
    var testDescription: String { "\(name), batch \(batch), \(threads) threads, \(denseWeights)" }
  }

  static let cases = [
    Case(name: "lenet5", batch: 1, threads: 1), Case(name: "lenet5", batch: 1, threads: 2),
    // In shards, whose outputs are gathered.
    Case(name: "lenet5", batch: 8, threads: 2), Case(name: "resnet20", batch: 2, threads: 2),
    Case(name: "alexnet", batch: 1, threads: 2),
    Case(name: "alexnet", batch: 1, threads: 2, denseWeights: .int8),
    Case(name: "googlenet", batch: 3, threads: 2), Case(name: "resnet18", batch: 1, threads: 2),
  ]

  @Test("what is told without parameters is what an executable takes", arguments: cases)
  func same(_ example: Case) throws {
    let entry = try #require(ModelRegistry[example.name])
    let network = entry.build(entry.reduced)
    let (model, described) = (Model(network, seed: 1), try Model(describing: network))
    #expect(described.parameters.isEmpty && described.dataFormat == model.dataFormat)
    var compute = ComputeOptions(threads: example.threads)
    compute.denseWeights = example.denseWeights
    for mode in Mode.allCases where mode == .inference || example.denseWeights == .float32 {
      let told = try described.memory(batch: example.batch, mode: mode, compute: compute)
      let executable = try model.executable(batch: example.batch, mode: mode, compute: compute)
      #expect(told.weightByteCount == executable.weightByteCount, "\(mode)")
      #expect(told.activationByteCount == executable.activationByteCount, "\(mode)")
      if example.batch == 8 { #expect(executable.shardCount == example.threads) }
    }
  }
}
