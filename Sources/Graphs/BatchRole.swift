/// How a value of the whole batch comes from those of its parts, where all parts have as many examples.
package enum BatchRole: Hashable, Sendable {
  /// Depends on no example: the same in every part.
  case fixed
  /// Of each example by itself: the parts' values joined.
  case example
  /// A mean over the examples, or a sum of shares: the mean of the parts' values.
  case mean
  /// Of each example, as its share in a mean: a gradient of the loss. A part's is larger than the whole's, since it has fewer
  /// examples, so such a value can be a step on the way to a mean, but no output.
  case share
}

extension Graph {
  /// The role of each value, where every input of the graph holds one example a position of its first axis. A value that needs
  /// the whole batch at once, or is computed from one that does, has none.
  package var batchRoles: [ValueID: BatchRole] {
    var roles: [ValueID: BatchRole] = [:]
    for id in valueIDs where self[id].source != .operation {
      roles[id] = self[id].source == .input ? .example : .fixed
    }
    for operation in operations {
      let inputs = operation.inputs.compactMap { roles[$0] }
      guard inputs.count == operation.inputs.count else { continue }
      for (index, output) in operation.outputs.enumerated() {
        roles[output] = operation.kind.traits.batch.role(ofOutput: index, inputs: inputs)
      }
    }
    return roles
  }
}

extension BatchTreatment {
  /// The role of a result, from those of what it is computed from; `nil` where parts of a batch do not tell it.
  fileprivate func role(ofOutput index: Int, inputs: [BatchRole]) -> BatchRole? {
    let shares = inputs.count { $0 == .share }
    let means = inputs.count { $0 == .mean }
    if self == .together, inputs.isEmpty { return nil }
    if inputs.allSatisfy({ $0 == .fixed }) { return .fixed }
    switch self {
    case .together:
      return nil
    case .mean:
      guard shares + means == 0 else { return nil }
      return index == 0 ? .mean : .example
    case .shareOfMean:
      // The gradient by the mean, last, is a number that every part knows.
      return shares + means == 0 && inputs.last == .fixed ? .share : nil
    case .sum:
      return shares == 1 && means == 0 ? .mean : nil
    case .separately(let linear):
      if shares > 0 { return means == 0 && linear.keepsShares(inputs) ? .share : nil }
      guard means > 0 else { return .example }
      return linear == .inAll && !inputs.contains(.example) ? .mean : nil
    }
  }
}

extension BatchTreatment.Linearity {
  /// Whether a result is proportional to the shares among what it is computed from.
  fileprivate func keepsShares(_ inputs: [BatchRole]) -> Bool {
    let shares = inputs.indices.filter { inputs[$0] == .share }
    return switch self {
    case .inNone: false
    case .inEach(let places): shares.count == 1 && places.contains(shares[0])
    case .inAll: shares.count == inputs.count
    }
  }
}
