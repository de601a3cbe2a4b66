package import ConvNetGraphs
package import ConvNetTensors
import struct Foundation.Data
import class Foundation.JSONDecoder
import struct Foundation.URL

/// What PyTorch computed for one operation; made by `make_operation_fixtures.py`.
package struct OperationFixture: Decodable, Sendable, CustomStringConvertible {
  private struct Input: Decodable {
    var shape: Shape
    var type: ElementType
    var values: [Float]
  }

  private struct Output: Decodable {
    var shape: Shape
    var values: [Double]
  }

  private enum CodingKeys: CodingKey {
    case name, operation, inputs, outputs, target, gradients
  }

  package var name: String
  package var operation: OperationKind
  package var inputs: [Tensor]
  package var outputs: [ReferenceValue]
  /// The loss is the mean squared difference of the first output from it. Absent where the
  /// operation has no gradient.
  package var target: Tensor?
  /// By each input; `nil` where there is none.
  package var gradients: [ReferenceValue?]

  package var description: String { "\(operation.name): \(name)" }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    name = try container.decode(String.self, forKey: .name)
    operation = try container.decode(OperationKind.self, forKey: .operation)
    inputs = try container.decode([Input].self, forKey: .inputs).map { input in
      input.type == .int32
        ? Tensor(input.values.map { Int32($0) }, shape: input.shape)
        : Tensor(input.values, shape: input.shape)
    }
    outputs = try container.decode([Output].self, forKey: .outputs)
      .map { ReferenceValue($0.values, shape: $0.shape) }
    let shape = outputs[0].shape
    target = try container.decodeIfPresent([Float].self, forKey: .target)
      .map { Tensor($0, shape: shape) }
    let gradients = try container.decodeIfPresent([[Double]?].self, forKey: .gradients) ?? []
    self.gradients = zip(inputs, gradients).map { input, gradient in
      gradient.map { ReferenceValue($0, shape: input.shape) }
    }
  }

  /// All of them.
  package static func load() throws -> [OperationFixture] {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../EngineTests/Fixtures/operations.json")
    return try JSONDecoder().decode([OperationFixture].self, from: Data(contentsOf: path))
  }

  /// The graph of the operation alone, or with its loss where there is a target: its values begin
  /// with the operation's inputs, in order, and the target.
  package func graph() throws -> (graph: Graph, outputs: [ValueID], loss: ValueID?) {
    var graph = Graph(name: description)
    let ids = inputs.enumerated().map { index, tensor in
      graph.addInput("input\(index)", ValueType(tensor.shape, tensor.elementType))
    }
    let target = target.map { graph.addInput("target", ValueType($0.shape)) }
    let outputs = try graph.append(operation.attributes, to: ids, name: "operation")
    for (index, output) in outputs.enumerated() { graph.addOutput("output\(index)", output) }
    let loss = try target.map { target in
      try graph.append(Operation.MeanSquaredError(), to: outputs[0], target, name: "loss")
    }
    return (graph, outputs, loss)
  }

  /// The inputs and the target, by the graph's values.
  package func given(in graph: Graph) -> [ValueID: Tensor] {
    let tensors = inputs + [target].compactMap { $0 }
    return Dictionary(uniqueKeysWithValues: zip(graph.valueIDs, tensors))
  }
}
