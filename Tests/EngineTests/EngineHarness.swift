import ConvNetCompiler
import ConvNetEngine
import ConvNetGraphs
import ConvNetTensors
import ConvNetTestSupport
import Testing

/// Compiles a graph and runs it once.
///
/// - Parameter given: its inputs, in logical order, and its parameters.
/// - Returns: its outputs by name.
func runOnEngine(
  _ graph: Graph, given: [ValueID: Tensor], mode: Mode, format: DataFormat = .channelsFirst,
  threads: Int = 1, compute: ComputeOptions? = nil, step: Int = 0, seed: UInt64 = 0
) throws -> [String: Tensor] {
  var parameters: [String: Tensor] = [:]
  var inputs: [String: Tensor] = [:]
  for (id, tensor) in given {
    if graph[id].parameterKind != nil {
      parameters[graph[id].name] = tensor
    } else {
      inputs[graph[id].name] = format == .channelsLast ? tensor.channelsLast : tensor
    }
  }
  let options = CompilationOptions(
    inputFormat: format, compute: compute ?? ComputeOptions(threads: threads))
  var executable =
    switch mode {
    case .inference: try Executable(graph, parameters: parameters, options: options)
    case .training:
      try Executable(graph, training: ParameterStore(parameters), options: options)
    }
  return try executable.run(inputs, step: step, seed: seed)
}

extension Graph {
  /// A convolution with a bias, of random parameters, which are added to those that are given.
  mutating func appendConvolution(
    _ convolution: Operation.Convolution, to x: ValueID, channels: Int, extent: Int, name: String,
    seed: UInt64, given: inout [ValueID: Tensor]
  ) throws -> ValueID {
    let shape: Shape = [channels, self[x].shape[1] / convolution.groups, extent, extent]
    let kernel = addParameter("\(name).weight", shape, .kernel)
    let bias = addParameter("\(name).bias", [channels], .bias)
    let bound = 1 / Float(shape.count / channels).squareRoot()
    given[kernel] = .random(shape, seed: seed, in: -bound..<bound)
    given[bias] = .random([channels], seed: seed + 50)
    return try append(convolution, to: [x, kernel, bias], name: name)[0]
  }
}

extension Tensor {
  /// The elements with the channels innermost, as an executable of that format is given them.
  var channelsLast: Tensor {
    guard shape.rank > 2, elementType == .float32 else { return self }
    let (batch, channels) = (shape[0], shape[1])
    let positions = shape.count / (batch * channels)
    let source = elements
    var result = [Float](repeating: 0, count: source.count)
    for example in 0..<batch {
      for channel in 0..<channels {
        for position in 0..<positions {
          result[(example * positions + position) * channels + channel] =
            source[(example * channels + channel) * positions + position]
        }
      }
    }
    return Tensor(
      result, shape: Shape([batch] + shape.dimensions.dropFirst(2) + [channels]))
  }
}

/// Whether dropout keeps an element: the word of the random key's stream at the element's place.
func dropoutMask(step: UInt32, seed: UInt64) -> ReferenceEvaluator.DropoutMask {
  { dropout, element in
    let key = SIMD2(
      UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
    let counter = SIMD4(
      UInt32(element / 4), UInt32(dropout.index), step, RandomPurpose.dropout.rawValue)
    let word = philox(counter: counter, key: key)[element % 4]
    return Double(word) * 0x1p-32 >= Double(dropout.rate)
  }
}

/// Compares every output of a graph on the engine with the reference's.
func expectReferenceOutputs(
  of graph: Graph, given: [ValueID: Tensor], mode: Mode, format: DataFormat = .channelsFirst,
  threads: Int = 1, compute: ComputeOptions? = nil, tolerance: Double = 1e-5,
  _ comment: String = "", sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let (step, seed) = (3, UInt64(0x1_2345_6789))
  let evaluator = ReferenceEvaluator(dropoutMask: dropoutMask(step: UInt32(step), seed: seed))
  let values = try evaluator.evaluate(graph, given: given.mapValues { ReferenceValue($0) })
  let outputs = try runOnEngine(
    graph, given: given, mode: mode, format: format, threads: threads, compute: compute,
    step: step, seed: seed)
  for output in graph.outputs {
    let actual = try #require(outputs[output.name])
    let expected = try #require(values[output.value])
    let difference = relativeDifference(actual, expected)
    #expect(
      difference < tolerance, "\(output.name) \(mode) \(format) \(comment)",
      sourceLocation: sourceLocation)
  }
}

/// Differentiates a loss, and compares every gradient on the engine with the reference's.
func expectReferenceGradients(
  of graph: Graph, loss: ValueID, by variables: [ValueID], given: [ValueID: Tensor], mode: Mode,
  format: DataFormat = .channelsFirst, threads: Int = 1, compute: ComputeOptions? = nil,
  tolerance: Double = 2e-5, sourceLocation: SourceLocation = #_sourceLocation
) throws {
  var (longer, gradients) = try graph.differentiated(
    loss: loss, byInputs: variables.filter { graph[$0].source == .input })
  longer.outputs = []
  longer.addOutput("loss", loss)
  for variable in variables {
    let gradient = try #require(gradients[variable], sourceLocation: sourceLocation)
    longer.addOutput("gradient by \(graph[variable].name)", gradient)
  }
  try expectReferenceOutputs(
    of: longer, given: given, mode: mode, format: format, threads: threads, compute: compute,
    tolerance: tolerance,
    sourceLocation: sourceLocation)
}

extension OperationCase {
  /// The modes in which the engine keeps the operation as it is: inference removes dropout,
  /// training gives batch normalization its other form.
  var modes: [Mode] {
    switch attributes {
    case is Operation.Dropout, is Operation.StochasticDepth: [.training]
    case let normalization as Operation.BatchNormalization where normalization.form == .inference:
      [.inference]
    default: Mode.allCases
    }
  }

  /// Rounding errors of single precision, in units of the largest element.
  var tolerance: Double {
    switch attributes {
    // All results are zero, and the library's logarithm of one is 1.4e-6: a unit here is 0.001.
    case let softmax as Operation.Softmax
    where softmax.isLogarithmic && inputs[0].type.shape[1] == 1: 2e-3
    default: 1e-5
    }
  }

  /// Whether an input is a picture or a signal, whose layout the engine chooses.
  var hasPicture: Bool {
    inputs.contains { $0.parameter == nil && 3...4 ~= $0.type.shape.rank }
  }
}
