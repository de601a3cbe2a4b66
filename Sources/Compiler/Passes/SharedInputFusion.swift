import ConvNetGraphs
import ConvNetTensors

extension Pass {
  /// Makes one convolution of the 1x1 convolutions with which several branches of an Inception block begin: the value is read
  /// once, and the product is large enough to fill the processor. Kernels and biases are joined when the graph is compiled; each
  /// branch goes on with its slice of the channels.
  ///
  /// Refused where window or fused operations differ, where channels do not come in whole blocks of 16, where a kernel is not a
  /// constant, and where a concatenation reads the result, which is written to its place there as it is.
  public static let sharedInputFusion = Pass(
    name: "shared-input-fusion",
    purpose: "makes one convolution of 1x1 convolutions that read the same value",
    rewrite: { (graph: inout Graph) throws(GraphError) in
      for input in graph.valuesOfSeveralConvolutions {
        let members = graph.mergeableConvolutions(reading: input)
        if members.count > 1 { graph.merge(members) }
      }
    })
}

extension Graph {
  fileprivate var valuesOfSeveralConvolutions: [ValueID] {
    let read = operations.compactMap { operation -> ValueID? in
      guard case .convolution = operation.kind else { return nil }
      return operation.inputs[0]
    }
    let counts = Dictionary(read.map { ($0, 1) }, uniquingKeysWith: +)
    return valueIDs.filter { counts[$0, default: 0] > 1 }
  }

  /// The operations that may become one: those that agree with the first.
  fileprivate func mergeableConvolutions(reading input: ValueID) -> [Int] {
    var like: Operation.Convolution?
    return operations.indices.filter { index in
      let operation = operations[index]
      guard operation.inputs.first == input,
        case .convolution(let convolution) = operation.kind,
        isPointwise(convolution, operation.inputs[1]), !convolution.fused.contains(.addition),
        like == nil || like == convolution,
        operation.inputs.dropFirst().allSatisfy(isConstant),
        !results.contains(operation.outputs[0]),
        !operations.contains(where: { $0.joins(operation.outputs[0]) })
      else { return false }
      like = convolution
      return true
    }
  }

  private func isPointwise(_ convolution: Operation.Convolution, _ kernel: ValueID) -> Bool {
    let kernel = self[kernel].shape
    return kernel.spatial == [1, 1] && convolution.groups == 1 && kernel[0] % 16 == 0
  }

  /// Whether a value is a parameter, or computed from nothing else.
  private func isConstant(_ value: ValueID) -> Bool {
    if self[value].parameterKind != nil { return true }
    return operations.first { $0.outputs.contains(value) }?.inputs.allSatisfy {
      self[$0].parameterKind != nil
    } ?? false
  }

  fileprivate mutating func merge(_ members: [Int]) {
    let branches = members.map { operations[$0] }
    var first = members[0]
    for input in branches.flatMap({ $0.inputs.dropFirst() }) {
      guard let maker = operations.firstIndex(where: { $0.outputs.contains(input) }), maker > first
      else { continue }
      operations.insert(operations.remove(at: maker), at: first)
      first += 1
    }
    let name = branches.map(\.name).joined(separator: "+")
    var joined: [Operation] = []
    let constants = branches[0].inputs.indices.dropFirst().map { place in
      let parts = branches.map { $0.inputs[place] }
      let shape = self[parts[0]].shape
      let channels = parts.reduce(0) { $0 + self[$1].shape[0] }
      let value = append(
        Value(
          name: "\(name)/joined \(place == 1 ? "kernel" : "bias")",
          type: ValueType(shape.replacing(axis: 0, with: channels)), source: .operation))
      joined.append(
        Operation(
          name: self[value].name, kind: Operation.Concatenate(axis: 0).kind, inputs: parts,
          outputs: [value]))
      return value
    }
    let channels = branches.map { self[$0.outputs[0]].shape[1] }
    let shape = self[branches[0].outputs[0]].shape
    let result = append(
      Value(
        name: name, type: ValueType(shape.replacing(axis: 1, with: channels.reduce(0, +))),
        source: .operation))
    joined.append(
      Operation(
        name: name, kind: branches[0].kind, inputs: [branches[0].inputs[0]] + constants,
        outputs: [result]))
    var start = 0
    for (branch, count) in zip(branches, channels) {
      joined.append(
        Operation(
          name: branch.name, kind: Operation.Slice(axis: 1, start: start, count: count).kind,
          inputs: [result], outputs: branch.outputs))
      start += count
    }
    let outputs = Set(branches.flatMap(\.outputs))
    operations.removeAll { !outputs.isDisjoint(with: $0.outputs) }
    operations.insert(contentsOf: joined, at: first)
  }
}

extension Operation {
  fileprivate func joins(_ value: ValueID) -> Bool {
    guard case .concatenate = kind else { return false }
    return inputs.contains(value)
  }
}
