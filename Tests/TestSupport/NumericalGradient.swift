package import ConvNetGraphs

/// The gradient of a function of many variables, each moved a little both ways:
/// (f(x + h) - f(x - h)) / 2h, whose error falls with the square of h.
func centralDifferences(
  at point: ReferenceValue, step: Double = 1e-5, _ function: (ReferenceValue) throws -> Double
) rethrows -> ReferenceValue {
  var gradient = ReferenceValue(zeros: point.shape)
  var moved = point
  for index in point.elements.indices {
    moved.elements[index] = point.elements[index] + step
    let above = try function(moved)
    moved.elements[index] = point.elements[index] - step
    let below = try function(moved)
    moved.elements[index] = point.elements[index]
    gradient.elements[index] = (above - below) / (2 * step)
  }
  return gradient
}

extension ReferenceEvaluator {
  /// The gradient of a scalar value of a graph by one of its inputs or parameters, without use of
  /// any backward operation. Good to about nine digits where the graph is smooth.
  ///
  /// Costs two evaluations of the graph an element, so the graph should hold no backward
  /// operations.
  package func numericalGradient(
    of graph: Graph, loss: ValueID, by value: ValueID, given: [ValueID: ReferenceValue]
  ) throws -> ReferenceValue {
    guard let point = given[value] else {
      throw GraphError(
        subject: graph.name, problem: .invariant("\(graph[value].name) is not given"))
    }
    var given = given
    return try centralDifferences(at: point) { moved in
      given[value] = moved
      return try evaluate(graph, given: given)[loss]?.elements[0] ?? .nan
    }
  }
}
