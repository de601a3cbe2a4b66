import CKernels
import ConvNetGraphs
public import ConvNetLayers
package import ConvNetTensors

/// A parameter with numbers that are not finite.
public struct NonFiniteParameter: Hashable, Sendable {
  /// As in the model's file: `conv1.weight`.
  public var name: String
  /// How many of its numbers are infinite or not a number.
  public var count: Int

  package init(name: String, count: Int) {
    self.name = name
    self.count = count
  }
}

extension NonFiniteParameter: CustomStringConvertible {
  /// `3 of conv1.weight`
  public var description: String { "\(count) of \(name)" }
}

extension Model {
  /// The parameters with numbers that are not finite, in the network's order: none of what such a network says is an answer.
  /// Reads every number once.
  public var nonFiniteParameters: [NonFiniteParameter] {
    nonFiniteParameters(ofBytesUpTo: .max)
  }

  /// - Parameter limit: larger parameters are passed over, which costs nothing where they are still in their file.
  package func nonFiniteParameters(ofBytesUpTo limit: Int) -> [NonFiniteParameter] {
    graph.parameters.compactMap { id in
      let name = graph[id].name
      guard let tensor = parameters[name], tensor.byteCount <= limit else { return nil }
      let count = tensor.nonFiniteCount
      return count == 0 ? nil : NonFiniteParameter(name: name, count: count)
    }
  }
}

extension Tensor {
  /// How many numbers are infinite or not a number; none in a tensor of integers.
  package var nonFiniteCount: Int {
    guard elementType.isFloatingPoint else { return 0 }
    guard elementType == .float32 else { return converted(to: .float32).nonFiniteCount }
    return withUnsafeBytes { bytes in
      let numbers = bytes.bindMemory(to: Float.self)
      if ck_all_finite(numbers.baseAddress, numbers.count) { return 0 }
      return numbers.count { !$0.isFinite }
    }
  }
}
