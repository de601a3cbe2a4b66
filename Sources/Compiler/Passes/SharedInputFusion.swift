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
      var merger = ConvolutionMerger(graph)
      for input in merger.valuesOfSeveralConvolutions {
        let members = merger.mergeableConvolutions(reading: input)
        if members.count > 1 { merger.merge(members) }
      }
      graph = merger.merged
    })
}

/// Makes one convolution of several, again and again.
private struct ConvolutionMerger {
  private var graph: Graph
  private let uses: GraphUses
  /// What was made of several convolutions, by the first of them, which it stands before.
  private var joined: [Int: [Operation]] = [:]
  /// What makes the kernels and biases, where it stood behind the first convolution.
  private var moved: [Int: Int] = [:]
  /// Whether an operation computes from nothing but parameters.
  private var hasConstantInputs: [Int: Bool] = [:]

  init(_ graph: Graph) {
    self.graph = graph
    uses = GraphUses(graph)
  }

  var merged: Graph {
    var result = graph
    result.rearrange(moving: moved, inserting: joined)
    result.operations.removeAll { $0.outputs.isEmpty }
    return result
  }

  var valuesOfSeveralConvolutions: [ValueID] {
    let read = graph.operations.compactMap { operation -> ValueID? in
      operation.attributes is Operation.Convolution ? operation.inputs[0] : nil
    }
    let counts = Dictionary(read.map { ($0, 1) }, uniquingKeysWith: +)
    return graph.valueIDs.filter { counts[$0, default: 0] > 1 }
  }

  /// The operations that may become one: those that agree with the first.
  mutating func mergeableConvolutions(reading input: ValueID) -> [Int] {
    var like: Operation.Convolution?
    var members: [Int] = []
    for index in uses.readers(of: input) where members.last != index {
      let operation = graph.operations[index]
      guard operation.inputs.first == input,
        let convolution = operation.attributes as? Operation.Convolution,
        isPointwise(convolution, operation.inputs[1]), !convolution.fused.contains(.addition),
        like == nil || like == convolution,
        operation.inputs.dropFirst().allSatisfy({ isConstant($0) }),
        !uses.results.contains(operation.outputs[0]),
        !uses.readers(of: operation.outputs[0]).contains(where: {
          graph.operations[$0].attributes is Operation.Concatenate
        })
      else { continue }
      like = convolution
      members.append(index)
    }
    return members
  }

  private func isPointwise(_ convolution: Operation.Convolution, _ kernel: ValueID) -> Bool {
    let kernel = graph[kernel].shape
    return kernel.spatial == [1, 1] && convolution.groups == 1 && kernel[0] % 16 == 0
  }

  /// Whether a value is a parameter, or computed from nothing else.
  private mutating func isConstant(_ value: ValueID) -> Bool {
    if graph[value].parameterKind != nil { return true }
    guard let maker = uses.producer(of: value) else { return false }
    if let known = hasConstantInputs[maker] { return known }
    let answer = graph.operations[maker].inputs.allSatisfy { graph[$0].parameterKind != nil }
    hasConstantInputs[maker] = answer
    return answer
  }

  mutating func merge(_ members: [Int]) {
    let branches = members.map { graph.operations[$0] }
    let first = members[0]
    for input in branches.flatMap({ $0.inputs.dropFirst() }) {
      guard let maker = uses.producer(of: input), maker > first else { continue }
      moved[maker] = min(moved[maker] ?? first, first)
    }
    let name = branches.map(\.name).joined(separator: "+")
    var operations: [Operation] = []
    let constants = branches[0].inputs.indices.dropFirst().map { place in
      let parts = branches.map { $0.inputs[place] }
      let shape = graph[parts[0]].shape
      let channels = parts.reduce(0) { $0 + graph[$1].shape[0] }
      let value = graph.append(
        Value(
          name: "\(name)/joined \(place == 1 ? "kernel" : "bias")",
          type: ValueType(shape.replacing(axis: 0, with: channels)), source: .operation))
      operations.append(
        Operation(
          name: graph[value].name, kind: Operation.Concatenate(axis: 0).kind, inputs: parts,
          outputs: [value]))
      return value
    }
    let channels = branches.map { graph[$0.outputs[0]].shape[1] }
    let shape = graph[branches[0].outputs[0]].shape
    let result = graph.append(
      Value(
        name: name, type: ValueType(shape.replacing(axis: 1, with: channels.reduce(0, +))),
        source: .operation))
    operations.append(
      Operation(
        name: name, kind: branches[0].kind, inputs: [branches[0].inputs[0]] + constants,
        outputs: [result]))
    var start = 0
    for (branch, count) in zip(branches, channels) {
      operations.append(
        Operation(
          name: branch.name, kind: Operation.Slice(axis: 1, start: start, count: count).kind,
          inputs: [result], outputs: branch.outputs))
      start += count
    }
    for member in members { graph.empty(member) }
    joined[first] = operations
  }
}
