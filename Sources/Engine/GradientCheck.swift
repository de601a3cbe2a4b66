import ConvNetCompiler
public import ConvNetGraphs
public import ConvNetTensors

/// Compares the gradients that a graph's operations say with differences of its loss, which need none of them.
///
/// Every element x of a variable is moved by h both ways, and the derivative taken from
///
///     (8 (f(x + h) - f(x - h)) - (f(x + 2h) - f(x - 2h))) / 12h,
///
/// whose error falls with h^4. In single precision right gradients differ by about 1e-4 of the variable's largest, wrong ones by
/// 1e-2 or more. A function with a kink, such as ReLU, must be given elements farther than 2h from it. Costs four runs an
/// element: use small tensors.
///
/// ```swift
/// let check = try GradientCheck(of: Cube(scale: 0.5), inputs: [Tensor([0.3, -0.2, 1.1] as [Float], shape: [1, 3])])
/// assert(try check.largestRelativeError() < 1e-3)
/// ```
public struct GradientCheck: Sendable {
  /// How far elements are moved.
  public var step: Float = 1 / 64

  private let graph: Graph
  private let loss: ValueID
  private let variables: [ValueID]
  private let given: [String: Tensor]

  /// Of one operation, by all of its `float32` inputs or those in `places`. The loss is the mean squared difference of its first
  /// output from numbers that are all different.
  ///
  /// - Throws: ``GraphError`` where the operation does not take the inputs.
  public init(
    of attributes: some OperationAttributes, inputs: [Tensor], by places: [Int]? = nil
  ) throws(GraphError) {
    var graph = Graph(name: type(of: attributes).name)
    let ids = inputs.enumerated().map { index, tensor in
      graph.addInput("input\(index)", ValueType(tensor.shape, tensor.elementType))
    }
    let output = try graph.append(attributes, to: ids, name: graph.name)[0]
    let target = graph.addInput("target", graph[output].type)
    loss = try graph.append(Operation.MeanSquaredError(), to: output, target, name: "loss")
    self.graph = graph
    variables = (places ?? Array(inputs.indices)).map { ids[$0] }.filter {
      graph[$0].type.elementType == .float32
    }
    let count = graph[output].shape.count
    let targets = (0..<count).map { Float($0 + 1) / Float(count) - 0.4 }
    given = Dictionary(
      uniqueKeysWithValues: inputs.enumerated().map { ("input\($0.offset)", $0.element) }
        + [("target", Tensor(targets, shape: graph[output].shape))])
  }

  /// Of a graph in its form for training, by its trained parameters or by the parameters and inputs of the given names.
  ///
  /// - Parameters:
  ///   - loss: a scalar value.
  ///   - given: every input, in logical order (channels before positions), and every parameter.
  /// - Throws: ``GraphError`` where a name in `names` is no value's.
  public init(
    of graph: Graph, loss: ValueID, given: [String: Tensor], by names: [String]? = nil
  ) throws(GraphError) {
    self.graph = graph
    self.loss = loss
    self.given = given
    guard let names else {
      variables = graph.parameters.filter { graph[$0].parameterKind?.isTrainable == true }
      return
    }
    var variables: [ValueID] = []
    for name in names {
      guard let variable = graph.value(named: name), graph[variable].source != .operation else {
        throw GraphError(
          subject: name, problem: .invariant("is neither an input nor a parameter"))
      }
      variables.append(variable)
    }
    self.variables = variables
  }

  /// The largest of ``relativeErrors()``; infinite where a gradient is not a number.
  public func largestRelativeError() throws -> Double {
    try relativeErrors().values.max() ?? 0
  }

  /// By the name of each variable, the largest difference of its two gradients over all elements, divided by the largest element
  /// of both: infinite where one is not a number.
  ///
  /// - Throws: ``GraphError`` where an operation has no gradient, or there is no path from a variable to the loss;
  ///   ``EngineError`` where the graph cannot be compiled.
  public func relativeErrors() throws -> [String: Double] {
    var (graph, gradients) = try graph.differentiated(
      loss: loss, byInputs: variables.filter { self.graph[$0].source == .input })
    graph.outputs = []
    graph.addOutput("loss", loss)
    for variable in variables {
      guard let gradient = gradients[variable] else {
        throw GraphError(
          subject: graph[variable].name, problem: .invariant("does not lead to the loss"))
      }
      graph.addOutput(Self.output(variable), gradient)
    }
    var executable = try compiled(graph)
    _ = try executable.run()
    var forward = self.graph
    forward.outputs = []
    forward.addOutput("loss", loss)
    var errors: [String: Double] = [:]
    for variable in variables {
      let gradient = try executable.output(Self.output(variable)).elements
      errors[graph[variable].name] = Self.relativeError(
        gradient.map(Double.init), try differences(by: variable, in: forward))
    }
    return errors
  }

  private static func output(_ variable: ValueID) -> String { "gradient \(variable.index)" }

  /// A graph whose parameters are inputs, so that they can be moved between runs, with everything written.
  private func compiled(_ graph: Graph) throws -> Executable {
    var graph = graph
    for parameter in graph.parameters { graph[parameter].source = .input }
    graph.parameterUpdates = []
    var executable = try Executable(
      graph, training: ParameterStore([:]),
      options: CompilationOptions(
        inputFormat: .channelsFirst, compute: ComputeOptions(threads: 1, isExact: true)))
    for name in executable.inputNames {
      guard let tensor = given[name] else {
        throw EngineError(subject: graph.name, problem: .missingParameter(name))
      }
      try executable.write(tensor, to: name)
    }
    return executable
  }

  private func differences(by variable: ValueID, in graph: Graph) throws -> [Double] {
    var executable = try compiled(graph)
    let name = graph[variable].name
    var elements = given[name]?.elements ?? []
    let shape = graph[variable].shape
    var gradient: [Double] = []
    for index in elements.indices {
      let element = elements[index]
      func loss(_ steps: Float) throws -> Double {
        elements[index] = element + steps * step
        defer { elements[index] = element }
        try executable.write(Tensor(elements, shape: shape), to: name)
        try executable.run()
        return try executable.withOutput("loss") { Double($0[0]) }
      }
      let near = try loss(1) - loss(-1)
      let far = try loss(2) - loss(-2)
      gradient.append((8 * near - far) / (12 * Double(step)))
    }
    try executable.write(Tensor(elements, shape: shape), to: name)
    return gradient
  }

  private static func relativeError(_ first: [Double], _ second: [Double]) -> Double {
    let scale = (first + second).reduce(0) { max($0, abs($1)) }
    var largest = 0.0
    for (first, second) in zip(first, second) {
      guard (first - second).isFinite else { return .infinity }
      largest = max(largest, abs(first - second))
    }
    return largest == 0 ? 0 : largest / scale
  }
}
