/// One thing that two graphs compute differently with the same parameters: an attribute of operations that both have, or how many
/// operations of a kind there are.
public struct GraphDifference: Hashable, Sendable {
  /// The operations' kind, as in model files: `batchNormalization`.
  public var kind: String
  /// The attribute's name; `nil` where the numbers of operations differ.
  public var attribute: String?
  /// The attribute's value in the first graph, or the number of operations that the second has no counterpart for.
  public var own: String
  /// The same of the second graph.
  public var other: String
  /// The operations of the first graph that have the attribute, in its order.
  public var operations: [String]
  /// Whether these are all of their kind.
  public var isGeneral: Bool

  package init(
    kind: String, attribute: String?, own: String, other: String, operations: [String],
    isGeneral: Bool
  ) {
    self.kind = kind
    self.attribute = attribute
    self.own = own
    self.other = other
    self.operations = operations
    self.isGeneral = isGeneral
  }

  /// `strides [1, 1] instead of [2, 2]`
  fileprivate var change: String {
    attribute.map { "\(words($0)) \(own) instead of \(other)" }
      ?? "\(own) instead of \(other) \(words(kind))s"
  }

  /// `in 3 convolutions (layer2.0.conv1, …)`
  fileprivate var place: String {
    let noun = words(kind)
    return switch operations.count {
    case 0: ""
    case _ where isGeneral: " in every \(noun)"
    case 1: " in \(operations[0])"
    case let count: " in \(count) \(noun)s (\(operations[0]), …)"
    }
  }
}

extension GraphDifference: CustomStringConvertible {
  /// `strides [1, 1] instead of [2, 2] in 3 convolutions (layer2.0.conv1, …)`
  public var description: String { change + place }
}

extension [GraphDifference] {
  /// All in one sentence, in which neighbours at the same place share its name.
  public var summary: String {
    indices.map { index in
      let isShared = index + 1 < count && self[index].place == self[index + 1].place
      return isShared ? self[index].change : self[index].description
    }.joined(separator: ", ")
  }
}

extension Graph {
  /// What this graph computes otherwise than another: attribute by attribute of the operations that share a name, or else the
  /// place among those of their kind, and how many operations of a kind only one of them has. Shapes are not compared.
  ///
  /// Derived from what the operations say of themselves, so that no difference is forgotten.
  public func differences(from other: Graph) -> [GraphDifference] {
    var pairs = Pairs(operations, other.operations)
    let counts = Dictionary(grouping: operations, by: \.kind.name).mapValues(\.count)
    for index in pairs.differences.indices {
      let difference = pairs.differences[index]
      pairs.differences[index].isGeneral = counts[difference.kind] == difference.operations.count
    }
    return pairs.differences
  }
}

/// Operations of two graphs that correspond to each other, compared.
private struct Pairs {
  var differences: [GraphDifference] = []

  init(_ own: [Operation], _ other: [Operation]) {
    let byKey = Dictionary(other.map { (Key($0), $0) }) { first, _ in first }
    let keys = Set(own.map(Key.init))
    for operation in own {
      if let counterpart = byKey[Key(operation)] { compare(operation, counterpart) }
    }
    // An activation is called by its function, and others by their number: those without a namesake.
    let left = own.filter { byKey[Key($0)] == nil }
    let right = other.filter { !keys.contains(Key($0)) }
    var kinds: [String] = []
    for kind in (left + right).map(\.kind.name) where !kinds.contains(kind) { kinds.append(kind) }
    for kind in kinds {
      let (mine, theirs) = (
        left.filter { $0.kind.name == kind }, right.filter { $0.kind.name == kind }
      )
      if mine.count == theirs.count {
        for (operation, counterpart) in zip(mine, theirs) { compare(operation, counterpart) }
      } else {
        differences.append(
          GraphDifference(
            kind: kind, attribute: nil, own: "\(mine.count)", other: "\(theirs.count)",
            operations: [], isGeneral: false))
      }
    }
  }

  private mutating func compare(_ own: Operation, _ other: Operation) {
    guard own.kind != other.kind else { return }
    for (pair, counterpart) in zip(attributes(of: own), attributes(of: other))
    where pair.value != counterpart.value {
      let place = differences.firstIndex {
        $0.kind == own.kind.name && $0.attribute == pair.name && $0.own == pair.value
          && $0.other == counterpart.value
      }
      if let place {
        differences[place].operations.append(own.name)
      } else {
        differences.append(
          GraphDifference(
            kind: own.kind.name, attribute: pair.name, own: pair.value, other: counterpart.value,
            operations: [own.name], isGeneral: false))
      }
    }
  }

  private struct Key: Hashable {
    var name: String
    var kind: String

    init(_ operation: Operation) {
      name = operation.name
      kind = operation.kind.name
    }
  }
}

private func attributes(of operation: Operation) -> [(name: String, value: String)] {
  Mirror(reflecting: operation.kind.attributes).children.map {
    ($0.label ?? "", String(describing: $0.value))
  }
}

/// `batch normalization` of `batchNormalization`.
private func words(_ name: String) -> String {
  name.reduce(into: "") { $0 += $1.isUppercase ? " \($1.lowercased())" : String($1) }
}
