import ConvNet
import Foundation

// Shows what the lecture's slides say, in numbers:
//
//     swift run -c release Lecture                # the topics
//     swift run -c release Lecture convolution

/// Something that a slide says, shown.
protocol Topic {
  /// By which it is asked for.
  static var name: String { get }
  /// What it shows, in a line.
  static var summary: String { get }
  /// Prints it.
  static func show() throws
}

@main
struct Lecture {
  static var topics: [any Topic.Type] {
    [
      ConvolutionTopic.self, ChannelsTopic.self, PaddingTopic.self, DataFormatTopic.self,
      PoolingTopic.self, ParametersTopic.self, ActivationsTopic.self, MomentumTopic.self,
      PlateauTopic.self, AugmentationTopic.self, DropoutTopic.self, ResponseNormalizationTopic.self,
      BackpropagationTopic.self, BatchNormalizationTopic.self, InceptionTopic.self,
      SmoothingTopic.self, ResidualTopic.self, ShortcutsTopic.self,
    ]
  }

  static func main() throws {
    let names = CommandLine.arguments.dropFirst()
    guard !names.isEmpty else {
      for topic in topics { print(padded(topic.name, to: 24) + topic.summary) }
      return
    }
    for name in names {
      guard let topic = topics.first(where: { $0.name == name }) else {
        print("there is no topic '\(name)'; without a name the topics are listed")
        exit(64)
      }
      try topic.show()
    }
  }
}

// MARK: What the topics print with

func padded(_ text: String, to width: Int) -> String {
  text + String(repeating: " ", count: max(0, width - text.count))
}

/// A number in a column of a width; whole ones without digits behind the point.
func number(_ value: Float, width: Int = 6) -> String {
  let isWhole = value == value.rounded() && abs(value) < 1e9
  let text = isWhole ? "\(Int(value))" : HumanReadable.fixed(Double(value), digits: 3)
  return String(repeating: " ", count: max(1, width - text.count)) + text
}

/// A title, and numbers in rows.
func printRows(_ title: String, _ elements: [Float], columns: Int, width: Int = 6) {
  print(title)
  for start in stride(from: 0, to: elements.count, by: columns) {
    print(elements[start..<start + columns].map { number($0, width: width) }.joined())
  }
}

/// What an operation makes of its inputs, computed by the engine, in logical order.
func computed(
  _ attributes: some OperationAttributes, of inputs: Tensor..., step: Int? = nil
) throws -> Tensor {
  var graph = Graph(name: "lecture")
  let values = inputs.enumerated().map { index, input in
    graph.addInput("input\(index)", ValueType(input.shape, input.elementType))
  }
  graph.addOutput("output", try graph.append(attributes, to: values, name: "operation")[0])
  let given = Dictionary(
    uniqueKeysWithValues: inputs.enumerated().map { ("input\($0.offset)", $0.element) })
  var outputs: [String: Tensor]
  if let step {
    var executable = try Executable(
      graph, training: ParameterStore([:]),
      options: CompilationOptions(mode: .training, inputFormat: .channelsFirst))
    outputs = try executable.run(given, step: step)
  } else {
    var executable = try Executable(
      graph, parameters: [:], options: CompilationOptions(inputFormat: .channelsFirst))
    outputs = try executable.run(given)
  }
  return outputs["output"] ?? Tensor([Float]())
}

/// The learned numbers and the multiplications of layers, on one example.
func cost(
  of layers: LayerSequence, on input: NetworkInput
) throws -> (parameters: Int, multiplyAdds: Int, output: Shape) {
  let graph = try Network("layers", input: input) { layers }.graph()
  return (
    graph.cost.parameters, graph.cost.multiplyAdds, graph[graph.outputs[0].value].shape
  )
}

/// A table of such costs.
func printCosts(_ rows: [(name: String, layers: LayerSequence)], on input: NetworkInput) throws {
  print(padded("", to: 44) + "parameters  multiply-adds  output")
  for row in rows {
    let cost = try cost(of: row.layers, on: input)
    print(
      padded(row.name, to: 42) + number(Float(cost.parameters), width: 12)
        + padded("   \(HumanReadable.count(cost.multiplyAdds))", to: 17) + "\(cost.output)")
  }
}
