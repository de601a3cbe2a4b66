import ConvNetGraphs
import ConvNetTensors

extension Pass {
  /// Computes values of the forward pass a second time, right before the backward pass first reads them, so that their memory
  /// serves others in between.
  ///
  /// A normalization is computed again with the statistics that it had, so that its moving averages move once; dropout draws
  /// the same mask by its key. Refused for results of the graph, and for what is computed from values that are not kept anyway.
  public static func recomputation(_ extent: Recomputation) -> Pass {
    Pass(
      name: "recomputation",
      purpose: "computes again in the backward pass what costs more memory than time",
      rewrite: { (graph: inout Graph) throws(GraphError) in
        if extent == .blocks { graph.recomputeBlocks() }
        if extent != .off {
          let normalizations = graph.normalizations(
            ofAtLeast: Recomputation.largeNormalizationByteCount)
          graph.recompute(
            normalizations.union(
              graph.residualSums(
                ofAtLeast: Recomputation.largeSumByteCount, recomputed: normalizations)))
        }
      })
  }
}

extension Graph {
  /// Where the backward pass begins; `nil` where there is none.
  package var backwardStart: Int? {
    operations.firstIndex { $0.kind.traits.isGradient }
  }

  /// What the backward pass reads of the forward pass.
  private var readBackward: Set<ValueID> {
    guard let start = backwardStart else { return [] }
    return Set(operations[start...].flatMap(\.inputs))
  }

  /// The results of training normalizations that the backward pass reads beside their input.
  fileprivate func normalizations(ofAtLeast byteCount: Int) -> Set<ValueID> {
    guard let start = backwardStart else { return [] }
    let (read, results) = (readBackward, results)
    let normalized = operations[..<start].lazy.filter {
      $0.kind.isTrainingNormalization && read.contains($0.inputs[0])
    }.map { $0.outputs[0] }
    return Set(
      normalized.filter {
        read.contains($0) && !results.contains($0) && self[$0].type.byteCount >= byteCount
      })
  }

  /// Residual sums, rectified or not, of a normalization whose input is kept and a shortcut that is kept, with all that leads
  /// to them from there. Of a chain of such blocks every second sum is the shortcut of the next, and stays.
  fileprivate func residualSums(
    ofAtLeast byteCount: Int, recomputed: Set<ValueID>
  ) -> Set<ValueID> {
    guard let start = backwardStart else { return [] }
    let (read, results) = (readBackward, results)
    let producers = producers
    var values: Set<ValueID> = []
    for operation in operations[..<start] {
      let sum = operation.outputs[0]
      guard read.contains(sum), !results.contains(sum), self[sum].type.byteCount >= byteCount
      else { continue }
      var path: Set<ValueID> = [sum]
      var addition = operation
      if operation.attributes is Operation.Activation, let producer = producers[operation.inputs[0]]
      {
        path.insert(operation.inputs[0])
        addition = operations[producer]
      }
      guard addition.attributes is Operation.Add else { continue }
      let terms = addition.inputs.filter { term in
        guard let producer = producers[term] else { return false }
        return !read.contains(term) && operations[producer].kind.isTrainingNormalization
          && read.contains(operations[producer].inputs[0])
      }
      let shortcuts = addition.inputs.filter {
        read.contains($0) && !values.contains($0) && !recomputed.contains($0)
      }
      guard terms.count == 1, shortcuts.count == 1, path.isDisjoint(with: results) else { continue }
      values.formUnion(path.union(terms))
    }
    return values
  }

  /// Gives the backward pass second copies of values of the forward pass, each made before the first operation that reads it.
  mutating func recompute(_ values: Set<ValueID>) {
    guard let start = backwardStart, !values.isEmpty else { return }
    var recomputer = Recomputer(self, values, forward: start)
    for var operation in operations[start...] {
      operation.inputs = operation.inputs.map { recomputer.copy(of: $0) }
      recomputer.graph.operations.append(operation)
    }
    self = recomputer.graph
  }
}

/// Writes the operations of a graph anew, with some of them twice.
private struct Recomputer {
  /// The operations so far.
  var graph: Graph
  private let forward: ArraySlice<Operation>
  private let producers: [ValueID: Int]
  private let values: Set<ValueID>
  private var copies: [ValueID: ValueID] = [:]

  init(_ graph: Graph, _ values: Set<ValueID>, forward count: Int) {
    self.graph = graph
    self.values = values
    forward = graph.operations[..<count]
    producers = graph.producers
    self.graph.operations.removeSubrange(count...)
  }

  /// The second copy of a value that is to have one, else the value itself.
  ///
  /// What it is computed from comes before it. The operations that wait for theirs stand in an array: a chain of them may be as
  /// long as a file says, and the stack is not.
  mutating func copy(of value: ValueID) -> ValueID {
    guard copies[value] == nil, let producer = producerToRepeat(of: value) else {
      return copies[value] ?? value
    }
    var waiting = [(producer: producer, next: 0)]
    while let last = waiting.last {
      let inputs = forward[last.producer].inputs
      guard last.next < inputs.count else {
        waiting.removeLast()
        repeatOperation(last.producer)
        continue
      }
      waiting[waiting.count - 1].next += 1
      let input = inputs[last.next]
      if copies[input] == nil, let producer = producerToRepeat(of: input) {
        waiting.append((producer, 0))
      }
    }
    return copies[value] ?? value
  }

  /// The operation that makes a value which is to have a second copy.
  private func producerToRepeat(of value: ValueID) -> Int? {
    guard values.contains(value), let producer = producers[value], producer < forward.endIndex
    else { return nil }
    return producer
  }

  /// Appends an operation once more, reading the copies of what it reads.
  private mutating func repeatOperation(_ index: Int) {
    var operation = forward[index]
    operation.inputs = operation.inputs.map { copies[$0] ?? $0 }
    if let normalization = operation.attributes as? Operation.BatchNormalization,
      let fixed = normalization.fixed
    {
      operation.kind = fixed.kind
      operation.inputs.replaceSubrange(3...4, with: operation.outputs[1...2])
      operation.outputs.removeSubrange(1...)
    }
    operation.role = .recomputation
    operation.name += Graph.recomputedSuffix
    operation.outputs = operation.outputs.map { output in
      let copy = graph.append(
        Value(
          name: graph[output].name + Graph.recomputedSuffix, type: graph[output].type,
          source: .operation))
      copies[output] = copy
      return copy
    }
    graph.operations.append(operation)
  }
}

extension Graph {
  /// Ends the names of what is computed a second time, for who reads them: what it is says its role.
  fileprivate static let recomputedSuffix = "/again"
}

extension ValueType {
  var byteCount: Int { shape.count * elementType.byteCount }
}

extension Operation.BatchNormalization {
  /// The same with given statistics; `nil` where they are given already.
  fileprivate var fixed: Operation.BatchNormalization? {
    var fixed = self
    switch form {
    case .inference, .frozen, .rectifiedInference: return nil
    case .training: fixed.form = .inference
    case .rectifiedTraining: fixed.form = .rectifiedInference
    }
    return fixed
  }
}

extension OperationKind {
  /// Whether it can be repeated with the statistics that it had.
  fileprivate var isTrainingNormalization: Bool {
    (attributes as? Operation.BatchNormalization)?.fixed != nil
  }
}
