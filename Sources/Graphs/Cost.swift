import ConvNetTensors

/// What a network needs, whatever machine runs it.
public struct Cost: Hashable, Sendable, Codable {
  /// Learned numbers. Moving averages are not learned and do not count, as in PyTorch.
  public var parameters: Int
  /// Multiplications, each with its addition, of convolutions and dense layers, forward and
  /// backward; the rest is small beside them and is not counted, as in the papers' tables.
  public var multiplyAdds: Int

  /// A cost from its two counts, both of one run.
  public init(parameters: Int, multiplyAdds: Int) {
    self.parameters = parameters
    self.multiplyAdds = multiplyAdds
  }
}

extension Graph {
  /// The cost of one run at the graph's batch size. A parameter that several operations read counts
  /// once.
  public var cost: Cost {
    cost(of: parameters, operations: operations)
  }

  /// The cost of one operation, with the parameters that it reads.
  public func cost(of operation: Operation) -> Cost {
    cost(of: Array(Set(operation.inputs)), operations: [operation])
  }

  private func cost(of parameters: [ValueID], operations: [Operation]) -> Cost {
    var cost = Cost(parameters: 0, multiplyAdds: 0)
    for parameter in parameters where self[parameter].parameterKind?.isTrainable == true {
      cost.parameters = saturatingSum(cost.parameters, self[parameter].shape.count)
    }
    for operation in operations {
      let multiplyAdds = operation.kind.attributes.multiplyAdds(
        inputs: operation.inputs.map { self[$0].type },
        outputs: operation.outputs.map { self[$0].type })
      cost.multiplyAdds = saturatingSum(cost.multiplyAdds, multiplyAdds)
    }
    return cost
  }

  /// One line on what an operation computes, as in `convolution 5x5 stride 1 same + tanh`.
  public func summary(of operation: Operation) -> String {
    operation.kind.attributes.summary(inputs: operation.inputs.map { self[$0].type })
  }
}

private func saturatingSum(_ first: Int, _ second: Int) -> Int {
  let (sum, overflow) = first.addingReportingOverflow(second)
  return overflow ? .max : sum
}
