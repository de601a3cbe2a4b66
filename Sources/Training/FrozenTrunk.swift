import ConvNetCompiler
import ConvNetEngine
package import ConvNetGraphs
import ConvNetTensors

/// A network whose beginning no step changes, cut in two: the trunk is compiled as inference, and only what follows is trained.
///
/// To the trunk belongs what depends on the input by frozen parameters alone and is the same at every step: no dropout, and no
/// normalization that reads the batch. What it hands over are the features of an example.
package struct FrozenTrunk: Sendable {
  /// Its outputs are the features, each called as in the network.
  package let trunk: Graph
  /// Its inputs are the features.
  package let rest: Graph
  /// The features of one example, by name in order.
  let features: [(name: String, shape: Shape)]

  /// - Parameter groups: of the network's parameters.
  /// - Returns: `nil` where nothing that has parameters stands before the first layer that learns, or where such a layer reads
  ///   the input itself.
  init?(_ network: Graph, groups: [ParameterGroup]) {
    let steady = network.steadyOperations(groups)
    guard
      steady.contains(where: { index in
        network.operations[index].inputs.contains { network[$0].parameterKind != nil }
      })
    else { return nil }
    let made = Set(steady.flatMap { network.operations[$0].outputs })
    var cut: Set<ValueID> = Set(network.outputs.map(\.value)).intersection(made)
    for (index, operation) in network.operations.enumerated() where !steady.contains(index) {
      guard !operation.inputs.contains(where: { network[$0].source == .input }) else { return nil }
      cut.formUnion(made.intersection(operation.inputs))
    }
    let values = network.valueIDs.filter(cut.contains)
    guard !values.isEmpty, !network.outputs.contains(where: { network[$0.value].source == .input })
    else { return nil }

    var trunk = network
    trunk.outputs = []
    trunk.parameterUpdates = []
    for value in values { trunk.addOutput(network[value].name, value) }
    trunk.removeDeadValues()

    var rest = network
    rest.operations = network.operations.enumerated().filter { !steady.contains($0.offset) }
      .map(\.element)
    // Inputs stay although nobody reads them; what an operation made goes.
    for input in network.inputs { rest[input].source = .operation }
    for value in values { rest[value].source = .input }
    rest.removeDeadValues()
    self.trunk = trunk
    self.rest = rest
    features = values.map {
      (network[$0].name, Shape(Array(network[$0].shape.dimensions.dropFirst())))
    }
  }
}

extension Graph {
  /// The operations that give the same at every step for the same input, and depend on it.
  fileprivate func steadyOperations(_ groups: [ParameterGroup]) -> Set<Int> {
    let frozen = groups.frozen(in: self)
    let statistics = groups.frozenStatistics(in: self)
    guard !frozen.isEmpty || !statistics.isEmpty else { return [] }
    // What depends on frozen parameters alone stays with who reads it.
    var fixed = Set(parameters.filter { frozen.contains(self[$0].name) })
    for operation in operations
    where operation.attributes is ConvNetGraphs.Operation.BatchNormalization
      && statistics.contains(self[operation.inputs[3]].name)
    {
      fixed.formUnion(operation.inputs[3...4])
    }
    var known = Set(inputs)
    var steady: Set<Int> = []
    for (index, operation) in operations.enumerated() where !operation.kind.traits.isRandom {
      if operation.inputs.allSatisfy(fixed.contains) {
        fixed.formUnion(operation.outputs)
      } else if operation.inputs.allSatisfy({ known.contains($0) || fixed.contains($0) }) {
        known.formUnion(operation.outputs)
        steady.insert(index)
      }
    }
    return steady
  }
}

/// A compiled trunk, for one batch size.
final class CompiledTrunk {
  var executable: Executable

  init(_ executable: consuming Executable) {
    self.executable = executable
  }
}
