import ConvNetCompiler
import ConvNetEngine
import ConvNetGraphs
import ConvNetTensors
import ConvNetTestSupport
import Testing

/// Every operation where the kernel library is not to compute.
@Suite("Own kernels") struct OwnKernelTests {
  private static let compute: ComputeOptions = {
    var compute = ComputeOptions(threads: 2, tuning: .off)
    compute.kernels = .own
    return compute
  }()

  private func expectNoLibrary(_ graph: Graph, _ mode: Mode, _ format: DataFormat) throws {
    let options = CompilationOptions(mode: mode, inputFormat: format, compute: Self.compute)
    #expect(try graph.operationsOfLibrary(options: options) == [])
  }

  @Test(
    "without the library an operation is what the reference says, and computed by own kernels",
    arguments: OperationCase.all + awkward)
  func outputs(_ operation: OperationCase) throws {
    let graph = try operation.graph()
    let given = operation.given(in: graph)
    for mode in operation.modes {
      for format in operation.hasPicture ? DataFormat.allCases : [.channelsFirst] {
        try expectNoLibrary(graph, mode, format)
        try expectReferenceOutputs(
          of: graph, given: given, mode: mode, format: format, compute: Self.compute,
          tolerance: operation.tolerance)
      }
    }
  }

  @Test(
    "without the library its gradients are the reference's",
    arguments: (OperationCase.all + awkward).filter(\.hasGradient))
  func gradients(_ operation: OperationCase) throws {
    let training = try operation.training()
    let mode = operation.modes.contains(.training) ? Mode.training : .inference
    for format in operation.hasPicture ? DataFormat.allCases : [.channelsFirst] {
      try expectReferenceGradients(
        of: training.graph, loss: training.loss, by: training.variables,
        given: operation.given(in: training.graph), mode: mode, format: format,
        compute: Self.compute, tolerance: 2 * operation.tolerance)
    }
  }

  @Test(
    "without the library both are the same after convolutions, in the layouts that those make",
    arguments: (OperationCase.all + awkward).filter(\.hasPicture))
  func afterConvolution(_ operation: OperationCase) throws {
    let network = try AfterIdentity(operation)
    for mode in operation.modes {
      try expectReferenceOutputs(
        of: network.graph, given: network.given, mode: mode, compute: Self.compute)
    }
    guard operation.hasGradient else { return }
    let mode = operation.modes.contains(.training) ? Mode.training : .inference
    try expectReferenceGradients(
      of: network.graph, loss: network.loss, by: network.variables, given: network.given,
      mode: mode, compute: Self.compute)
  }

  @Test("without the library whole numbers that are outputs are what they are")
  func wholeNumbers() throws {
    var graph = Graph(name: "whole numbers")
    let x = graph.addInput("x", ValueType([2, 20, 6, 6]))
    let labels = graph.addInput("labels", ValueType([2], .int32))
    let kernel = graph.addParameter("kernel", [18, 20, 1, 1], .kernel)
    let y = try graph.append(
      Operation.Convolution(strides: [1, 1], hasBias: false), to: x, kernel, name: "convolution")
    graph.addOutput("y", y)
    graph.addOutput("labels", labels)
    let given = [
      x: Tensor.random([2, 20, 6, 6], seed: 1), kernel: Tensor.random([18, 20, 1, 1], seed: 2),
      labels: Tensor([Int32(7), -3]),
    ]
    for mode in Mode.allCases {
      try expectReferenceOutputs(of: graph, given: given, mode: mode, compute: Self.compute)
    }
  }

  /// What own kernels have other code for than for the rest.
  static let awkward: [OperationCase] =
    [
      convolution("a kernel of 300 taps", [1, 2, 22, 18], [3, 2, 20, 15]),
      convolution("a kernel of 270 rows", [1, 1, 272, 2], [2, 1, 270, 1], .symmetric(1)),
      convolution("25 remainders of the strides", [2, 3, 17, 16], [4, 3, 5, 6], strides: [5, 5]),
      convolution("a stride of 17", [1, 2, 5, 40], [3, 2, 2, 4], strides: [1, 17], groups: 1),
      convolution("4 groups that are a block", [2, 16, 7, 6], [16, 4, 3, 3], .same, groups: 4),
      convolution("groups of half a block", [1, 64, 6, 5], [64, 8, 3, 3], .same, groups: 8),
      convolution("3 groups that fill no block", [2, 24, 5, 6], [48, 8, 3, 3], groups: 3),
      convolution(
        "depthwise, two outputs a channel", [2, 16, 6, 6], [32, 1, 3, 3], .same, strides: [2, 2],
        groups: 16),
      convolution("color at a stride of 3", [2, 3, 11, 13], [20, 3, 3, 3], strides: [3, 3]),
      convolution("grey with gaps", [2, 1, 9, 10], [17, 1, 3, 3], .same, dilations: [2, 2]),
      convolution("a long signal", [2, 20, 600], [18, 20, 5], .same, strides: [2]),
      fused([.activation(.leakyReLU(slope: 0.1))]), fused([.activation(.elu(alpha: 0.7))]),
      fused([.addition, .activation(.elu(alpha: 1))]),
      fused([.addition, .activation(.leakyReLU(slope: 0.2))], kernel: [17, 20, 20, 15]),
      transposed("to color", [2, 16, 5, 6], [16, 3, 4, 4], strides: [2, 2]),
      transposed("at strides of 5 and 4", [1, 5, 3, 4], [5, 18, 5, 6], strides: [5, 4]),
      transposed("of 16 groups", [1, 16, 4, 5], [16, 1, 3, 3], strides: [2, 2], groups: 16),
      dense("many examples", 37, from: 33, to: 19), dense("three features", 9, from: 3, to: 40),
      dense("one feature", 6, from: 1, to: 5),
      OperationCase(
        "many examples, fused addition and leaky ReLU",
        Operation.Dense(hasBias: true, fused: [.addition, .activation(.leakyReLU(slope: 0.3))]),
        [.init([21, 18]), .kernel([20, 18]), .bias(20), .init([21, 20])], hasGradient: false),
      OperationCase(
        "neighbours beyond all channels, power 0.6",
        Operation.LocalResponseNormalization(size: 41, alpha: 0.3, beta: 0.6),
        [.init([2, 19, 4, 3])]),
      OperationCase(
        "one neighbour, power 0.5",
        Operation.LocalResponseNormalization(size: 1, alpha: 0.5, beta: 0.5),
        [.init([1, 33, 3, 5])]),
      OperationCase(
        "power 1", Operation.LocalResponseNormalization(size: 3, alpha: 0.5, beta: 1),
        [.init([2, 40])]),
      OperationCase(
        "within a large neighbourhood",
        Operation.LocalResponseNormalization(
          size: 9, alpha: 0.4, beta: 0.75, alphaConvention: .mean, region: .withinChannel),
        [.init([2, 3, 5, 7])]),
    ]
    + [2, 3].map {
      OperationCase(
        "along axis \($0)", Operation.Concatenate(axis: $0),
        [.init([2, 16, 4, 4]), .init([2, 16, 4, 4])])
    }

  private static func convolution(
    _ name: String, _ input: Shape, _ kernel: Shape, _ padding: Padding = .valid,
    strides: [Int]? = nil, dilations: [Int]? = nil, groups: Int = 1
  ) -> OperationCase {
    OperationCase(
      name,
      Operation.Convolution(
        strides: strides ?? kernel.spatial.map { _ in 1 }, dilations: dilations, padding: padding,
        groups: groups), [.init(input), .kernel(kernel), .bias(kernel[0])])
  }

  private static func fused(
    _ fused: [Operation.Convolution.FusedOperation], kernel: Shape = [17, 20, 3, 3]
  ) -> OperationCase {
    var attributes = Operation.Convolution(strides: [1, 1], padding: .same)
    attributes.fused = fused
    let input: Shape = [2, kernel[1], 5, 4]
    return OperationCase(
      "fused \(fused)", attributes,
      [.init(input), .kernel(kernel), .bias(kernel[0])]
        + (fused.contains(.addition) ? [.init([2, kernel[0], 5, 4])] : []), hasGradient: false)
  }

  private static func transposed(
    _ name: String, _ input: Shape, _ kernel: Shape, strides: [Int], groups: Int = 1
  ) -> OperationCase {
    OperationCase(
      name, Operation.TransposedConvolution(strides: strides, groups: groups),
      [.init(input), .kernel(kernel), .bias(kernel[1] * groups)])
  }

  private static func dense(
    _ name: String, _ examples: Int, from inputs: Int, to outputs: Int
  ) -> OperationCase {
    OperationCase(
      name, Operation.Dense(),
      [.init([examples, inputs]), .kernel([outputs, inputs]), .bias(outputs)])
  }
}
