import ConvNetCompiler
import ConvNetEngine
import ConvNetGraphs
import ConvNetTensors
import ConvNetTestSupport
import Foundation
import Testing

/// A search for graphs on which the engine and the naive reference disagree.
///
/// `CONVNET_RANDOM_NETWORKS=10000` searches so many, from the seed `CONVNET_RANDOM_SEED` on; a failure prints the seed that
/// brings it back.
@Suite("Random networks") struct RandomNetworkTests {
  private static let environment = ProcessInfo.processInfo.environment
  private static let count = environment["CONVNET_RANDOM_NETWORKS"].flatMap { Int($0) } ?? 300
  private static let first = environment["CONVNET_RANDOM_SEED"].flatMap { UInt64($0) } ?? 0
  private static let parts = 4

  @Test("outputs and all gradients are the reference's", arguments: 0..<parts)
  func search(part: Int) throws {
    let networks = try (0..<Self.count).filter { $0 % Self.parts == part }
      .map { try RandomNetwork(seed: Self.first + UInt64($0)) }
      // What fails should be small.
      .sorted { $0.graph.operations.count < $1.graph.operations.count }
    var failures = 0
    for network in networks where failures < 5 {
      // A maximum or a corner may change sides within rounding errors, but not with every data.
      var faults: [String] = []
      for data: UInt64 in 1...3 {
        guard let fault = try fault(of: network, data: data) else { break }
        faults.append(fault)
      }
      guard faults.count == 3 else { continue }
      failures += 1
      Issue.record("CONVNET_RANDOM_SEED=\(network.seed): \(faults[0])\n\(network.graph.dump)")
    }
  }

  /// The outputs on which the engine and the reference disagree; `nil` where there is none.
  private func fault(of network: RandomNetwork, data: UInt64) throws -> String? {
    let given = network.given(seed: data).map { (name: network.graph[$0].name, tensor: $1) }
    let format = DataFormat.allCases[Int(network.seed % 2)]
    let threads = 1 + Int(network.seed / 2 % 2)
    var (training, gradients) = try network.graph.specialized(for: .training)
      .differentiated(
        loss: network.loss,
        byInputs: network.variables.filter {
          network.graph[$0].source == .input
        })
    for variable in network.variables {
      guard let gradient = gradients[variable] else { continue }
      training.addOutput("gradient by \(training[variable].name)", gradient)
    }
    var inference = network.graph
    inference.outputs.removeLast()
    inference.removeDeadValues()
    for (graph, mode) in [(training, Mode.training), (inference, .inference)] {
      let faults = try differences(graph, given, mode, format, threads)
      if !faults.isEmpty {
        return "\(mode), \(format), \(threads) threads: \(faults.joined(separator: ", "))"
      }
    }
    return nil
  }

  private func differences(
    _ graph: Graph, _ given: [(name: String, tensor: Tensor)], _ mode: Mode, _ format: DataFormat,
    _ threads: Int
  ) throws -> [String] {
    // Passes may number values anew.
    let named = Dictionary(uniqueKeysWithValues: given.map { ($0.name, $0.tensor) })
    let given = [ValueID: Tensor](
      uniqueKeysWithValues: (graph.inputs + graph.parameters).compactMap { id in
        named[graph[id].name].map { (id, $0) }
      })
    let specialized = try graph.specialized(for: mode)
    let referenceGiven = [ValueID: ReferenceValue](
      uniqueKeysWithValues: (specialized.inputs + specialized.parameters).compactMap { id in
        named[specialized[id].name].map { (id, ReferenceValue($0)) }
      })
    func reference(roundingSeed: UInt64? = nil) throws -> [ValueID: ReferenceValue] {
      let evaluator = ReferenceEvaluator(
        roundingSeed: roundingSeed, dropoutMask: dropoutMask(step: 3, seed: 5))
      return try evaluator.evaluate(specialized, given: referenceGiven)
    }
    let values = try reference()
    let outputs = try runOnEngine(
      graph, given: given, mode: mode, format: format, threads: threads, step: 3, seed: 5)
    return try specialized.outputs.compactMap { output in
      guard let actual = outputs[output.name], let expected = values[output.value] else {
        return "\(output.name) is missing"
      }
      let difference = relativeDifference(actual, expected)
      guard difference >= 2e-4 else { return nil }
      // Where large terms cancel, as in the gradient of a scale before a normalization, single precision leaves less.
      let unavoidable = try (1...3).reduce(0.0) { worst, seed in
        guard let changed = try reference(roundingSeed: UInt64(seed))[output.value] else {
          return worst
        }
        return max(worst, relativeDifference(changed, expected))
      }
      guard difference >= 20 * unavoidable else { return nil }
      return "\(output.name) is off by \(difference), by rounding \(unavoidable)"
    }
  }
}
