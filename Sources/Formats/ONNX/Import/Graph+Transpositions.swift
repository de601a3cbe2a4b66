import ConvNetGraphs
import ConvNetTensors

extension Graph {
  /// Lets values keep the order of their axes from layer to layer, where a file writes them in another in between.
  ///
  /// What works element by element is done before a transposition, not behind it; two transpositions in a row become one, or
  /// none. A network whose layers want channels last, as normalizations and dense layers over the last axis do in ONNX, is left
  /// with channels first.
  mutating func removeTranspositions() {
    var removal = TranspositionRemoval(self)
    for place in operations.indices {
      removal.follow(place, in: &self)
    }
  }
}

/// Goes through a graph's operations in their order.
private struct TranspositionRemoval {
  /// The transpositions by what they make.
  private var makers: [ValueID: Int] = [:]
  /// The operations that read a value, by their places.
  private var readers: [ValueID: Set<Int>]
  /// What is read in place of a value.
  private var replaced: [ValueID: ValueID] = [:]
  private let results: Set<ValueID>

  init(_ graph: Graph) {
    readers = graph.consumers.mapValues(Set.init)
    results = graph.results
  }

  mutating func follow(_ place: Int, in graph: inout Graph) {
    graph.operations[place].inputs = graph.operations[place].inputs.map { replaced[$0] ?? $0 }
    let operation = graph.operations[place]
    if let transpose = operation.attributes as? Operation.Transpose {
      makers[operation.outputs[0]] = place
      join(transpose, place, in: &graph)
    } else if operation.isElementByElement {
      advance(place, in: &graph)
    }
  }

  /// Joins a transposition with the one before.
  private mutating func join(
    _ transpose: Operation.Transpose, _ place: Int, in graph: inout Graph
  ) {
    let (middle, output) = (graph.operations[place].inputs[0], graph.operations[place].outputs[0])
    guard let maker = makers[middle], let before = permutation(at: maker, in: graph) else { return }
    let source = graph.operations[maker].inputs[0]
    let joined = transpose.permutation.map { before[$0] }
    if joined == Array(joined.indices) {
      guard !results.contains(output) else { return }
      replaced[output] = source
      readers[source, default: []].formUnion(readers[output] ?? [])
    } else {
      graph.operations[place].kind = Operation.Transpose(permutation: joined).kind
      graph.operations[place].inputs = [source]
      readers[source, default: []].insert(place)
    }
    readers[middle]?.remove(place)
  }

  /// Does an operation before the transpositions whose results it alone reads.
  private mutating func advance(_ place: Int, in graph: inout Graph) {
    let operation = graph.operations[place]
    let output = operation.outputs[0]
    let transposed = Set(operation.inputs.filter { graph[$0].shape == graph[output].shape })
    let others = operation.inputs.filter { !transposed.contains($0) }
    guard
      others.allSatisfy({ graph[$0].parameterKind != nil && graph[$0].shape.count == 1 }),
      transposed.allSatisfy({ readers[$0] == [place] && !results.contains($0) })
    else { return }
    let places = transposed.compactMap { makers[$0] }.sorted()
    let permutations = Set(places.compactMap { permutation(at: $0, in: graph) })
    guard places.count == transposed.count, permutations.count == 1, let last = places.last
    else { return }
    // The operation takes the place, and its result the value, of the last transposition, which takes the operation's.
    let transpose = graph.operations[last]
    let middle = transpose.outputs[0]
    graph[middle].type.shape = graph[transpose.inputs[0]].shape
    graph.operations.swapAt(last, place)
    graph.operations[last].inputs = operation.inputs.map { input in
      makers[input].map { $0 == last ? transpose.inputs[0] : graph.operations[$0].inputs[0] }
        ?? input
    }
    graph.operations[last].outputs = [middle]
    graph.operations[place].inputs = [middle]
    graph.operations[place].outputs = [output]
    let name = graph[middle].name
    graph[middle].name = graph[output].name
    graph[output].name = name
    for input in graph.operations[last].inputs { readers[input, default: []].insert(last) }
    for value in transposed { makers[value] = nil }
    readers[middle] = [place]
    makers[output] = place
  }

  private func permutation(at place: Int, in graph: Graph) -> [Int]? {
    (graph.operations[place].attributes as? Operation.Transpose)?.permutation
  }
}

extension Operation {
  /// Whether each element of its one result depends on the elements at that place alone.
  fileprivate var isElementByElement: Bool {
    switch attributes {
    case is Activation, is Clip, is Add, is Multiply, is Elementwise: outputs.count == 1
    default: false
    }
  }
}
