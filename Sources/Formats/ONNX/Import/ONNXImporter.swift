import ConvNetFiles
package import ConvNetGraphs
package import ConvNetTensors

/// What an ONNX file's graph is made for.
package struct ONNXImportOptions: Sendable {
  /// Of inputs, by name; others have the extents that the file says.
  package var shapes: [String: [Int]] = [:]
  /// Numbers of inputs that are known, by name: what decides on shapes must be.
  package var values: [String: Tensor] = [:]
  /// For axes of which the file says no extent: of the batch, and of height and width.
  package var batch = 1
  package var extent = 224
  /// Whether the first output is to be a classifier's scores: one row an example, and no softmax behind them.
  package var isClassifier = false
  /// Whether the graph is for the batch that it is read with and no other. Else what leaves the first axis as long as it was is
  /// taken for something that is done to each example.
  package var isBatchFixed = false

  package init() {}
}

/// A file's network as a graph of ours.
package struct ONNXImport: Sendable {
  /// What is given at a run, or comes out of it.
  package struct Port: Sendable {
    package var name: String
    package var type: ONNXElementType
    package var shape: [Int]
    /// Numbers that do not depend on what the network is given.
    package var constant: Tensor?
  }

  package var graph: Graph
  package var parameters: [String: Tensor]
  package var inputs: [Port]
  /// The file's names of the graph's inputs, by the graph's.
  package var inputNames: [String: String] = [:]
  package var outputs: [Port]
  /// Whether a softmax was left out behind the scores.
  package var isWithoutSoftmax = false
  /// Whether pictures are given position by position: [batch, height, width, channels].
  package var isChannelsLast = false
}

extension ONNXFile {
  /// The versions of ONNX's operators that are read.
  package static let operatorVersions = 6...28

  /// The file's network.
  ///
  /// - Throws: ``ONNXError``; ``AllocationError``; ``FileError`` of external data.
  package func imported(_ options: ONNXImportOptions = ONNXImportOptions()) throws -> ONNXImport {
    try Self.problems(in: path) {
      let importer = try ONNXImporter(self, options)
      return try importer.run()
    }
  }
}

/// Reads a file's nodes one after the other into a graph.
final class ONNXImporter {
  let file: ONNXFile
  let options: ONNXImportOptions
  /// In an order in which they can be computed, without functions.
  let nodes: [ONNXNode]
  let version: Int
  var graph: Graph
  private(set) var parameters: [String: Tensor] = [:]
  private var operands: [String: ONNXOperand] = [:]
  private var usedNames: Set<String> = []
  /// The number that the next value of a name that is taken gets.
  private var nextNumbers: [String: Int] = [:]
  /// Numbers that were computed while the file was read, and that stand in tables of operations.
  private var spent = 0
  private static let budget = 1 << 23
  /// The parameter that a constant became.
  private var madeParameters: [String: ValueID] = [:]
  private let readCounts: [String: Int]
  private var isChannelsLast = false
  /// Whether numbers that are known are beyond what the network computes with.
  private let isBeyondFloats: Bool
  private var inputNames: [String: String] = [:]

  init(_ file: ONNXFile, _ options: ONNXImportOptions) throws {
    self.file = file
    self.options = options
    isBeyondFloats = options.values.values.contains(where: \.isBeyondFloats)
    let model = file.model
    // Where none of ONNX's own are meant, the others are refused by their names.
    guard
      let version = model.version
        ?? (model.operatorSets.isEmpty ? nil : ONNXFile.operatorVersions.upperBound)
    else {
      throw ONNXError.Problem.malformed(
        reason: "it does not say of which version its operators are")
    }
    guard ONNXFile.operatorVersions ~= version else {
      throw ONNXError.Problem.version(version, supported: ONNXFile.operatorVersions)
    }
    self.version = version
    guard model.graph.sparseInitializerCount == 0 else {
      throw ONNXError.Problem.tensor("of the graph", reason: "sparse tensors are not read")
    }
    let flat = try ONNXFunctions(model.functions, version: version).inlined(model.graph.nodes)
    nodes = try ONNXOrder(flat, in: model.graph).sorted()
    graph = Graph(name: model.graph.name.isEmpty ? "onnx" : String(model.graph.name.prefix(200)))
    readCounts = Dictionary(
      (nodes.flatMap(\.inputs) + model.graph.outputs.map(\.name)).map { ($0, 1) },
      uniquingKeysWith: +)
    try ONNXOperators.requireAll(nodes, version: version)
  }

  func run() throws -> ONNXImport {
    let description = file.model.graph
    var initializers: [String: ONNXTensor] = [:]
    for tensor in description.initializers {
      guard initializers.updateValue(tensor, forKey: tensor.name) == nil else {
        throw ONNXError.Problem.duplicateName(tensor.name)
      }
    }
    let read = Set(nodes.flatMap(\.inputs) + description.outputs.map(\.name))
    for (name, tensor) in initializers where read.contains(name) {
      operands[name] = .constant(try file.tensor(tensor), type: tensor.type, name: name)
    }
    var inputs: [ONNXImport.Port] = []
    for input in description.inputs where initializers[input.name] == nil {
      inputs.append(try add(input))
    }
    for node in nodes { try add(node) }
    var outputs: [ONNXImport.Port] = []
    var isWithoutSoftmax = false
    for (index, output) in description.outputs.enumerated() {
      guard let operand = operands[output.name] else {
        throw ONNXError.Problem.missingValues([output.name])
      }
      if index == 0, options.isClassifier {
        isWithoutSoftmax = try addScores(operand)
        continue
      }
      if operand.constant == nil || options.isClassifier {
        graph.addOutput(output.name, try computed(operand))
      }
      outputs.append(
        .init(
          name: output.name, type: operand.type, shape: operand.shape, constant: operand.constant))
    }
    graph.removeTranspositions()
    // What became part of something else is needed no more.
    let needed = graph.ancestorOperations(of: graph.outputs.map(\.value))
    graph.operations = graph.operations.indices.filter(needed.contains).map {
      graph.operations[$0]
    }
    do {
      try graph.verify()
    } catch {
      throw ONNXError.Problem.malformed(reason: "\(error)")
    }
    return ONNXImport(
      graph: graph, parameters: parameters, inputs: inputs, inputNames: inputNames,
      outputs: outputs, isWithoutSoftmax: isWithoutSoftmax, isChannelsLast: isChannelsLast)
  }

  // MARK: Inputs and outputs

  private func add(_ input: ONNXValue) throws -> ONNXImport.Port {
    func problem(_ reason: String) -> ONNXError.Problem { .input(name: input.name, reason: reason) }
    guard let type = input.type else { throw problem("it is no tensor") }
    guard type.elementType != nil else { throw problem("elements of \(type) are not read") }
    let known = options.values[input.name]
    let shape: [Int]
    if let given = known?.shape.dimensions ?? options.shapes[input.name] {
      if let own = input.shape {
        let fits = zip(own, given).allSatisfy { own, given in
          if case .extent(let extent) = own { extent == given } else { true }
        }
        guard own.count == given.count, fits else {
          throw problem("it has the shape \(Self.text(own)), was given \(given)")
        }
      }
      shape = given
    } else {
      guard let own = input.shape else { throw problem("the file does not say its shape") }
      shape = own.enumerated().map { axis, extent in
        if case .extent(let extent) = extent, extent > 0 { return extent }
        guard axis > 0 else { return options.batch }
        // Of pictures, the axis of the channels is the one that a file says seldom leaves open.
        let isLast =
          if case .extent(let last) = own[own.count - 1] { [1, 3].contains(last) } else { false }
        return own.count > 2 && axis == (isLast ? own.count - 1 : 1) ? 3 : options.extent
      }
    }
    let port = ONNXImport.Port(name: input.name, type: type, shape: shape)
    guard shape.allSatisfy({ 1...extentLimit ~= $0 }) || known != nil,
      let checked = Shape(checking: shape)
    else { throw problem("it has the extents \(shape)") }
    var operand = ONNXOperand(name: input.name, type: type, shape: shape)
    if let known {
      operand.constant = known
      // What has no elements, or such as no float is, is not given to the network: it is computed while the file is read, and so
      // is what it is combined with.
      operand.isInput = !shape.contains(0) && !(type == .float64 && isBeyondFloats)
    } else {
      let name = unique(input.name)
      inputNames[name] = input.name
      // In a graph channels stand before positions.
      if options.isClassifier, shape.count == 4, [1, 3].contains(shape[3]),
        ![1, 3].contains(shape[1])
      {
        isChannelsLast = true
        let picture = graph.addInput(
          name, ValueType(Shape([shape[0], shape[3], shape[1], shape[2]])))
        operand.value = try graph.append(
          Operation.Transpose(permutation: [0, 2, 3, 1]), to: picture,
          name: unique("\(input.name)/channels last"))
      } else {
        operand.value = graph.addInput(name, ValueType(checked.rank == 0 ? [1] : checked))
      }
    }
    try define(operand)
    return port
  }

  private static func text(_ shape: [ONNXValue.Extent]) -> String {
    shape.map { extent in
      switch extent {
      case .extent(let extent): "\(extent)"
      case .name(let name): name
      case .unknown: "?"
      }
    }.joined(separator: "x")
  }

  /// Adds the first output as scores: [batch, classes], before a softmax that the file may end with.
  private func addScores(_ operand: ONNXOperand) throws -> Bool {
    var value = try computed(operand)
    var isWithoutSoftmax = false
    if let producer = graph.operations.last(where: { $0.outputs.contains(value) }) {
      var source = producer
      // Behind a softmax may stand what changes the shape alone.
      while source.attributes is Operation.Flatten || source.attributes is Operation.Reshape,
        let before = graph.operations.last(where: { $0.outputs.contains(source.inputs[0]) })
      {
        source = before
      }
      if let softmax = source.attributes as? Operation.Softmax, !softmax.isLogarithmic,
        graph[source.inputs[0]].shape.dimensions.dropFirst(2).allSatisfy({ $0 == 1 })
      {
        value = source.inputs[0]
        isWithoutSoftmax = true
      }
    }
    let shape = graph[value].shape
    if shape.rank > 2, shape.dimensions.dropFirst(2).allSatisfy({ $0 == 1 }) {
      do {
        value = try graph.append(
          Operation.Flatten(order: .channelsFirst), to: value, name: unique("scores"))
      } catch {
        throw ONNXError.Problem.output(name: operand.name, reason: "\(error.problem)")
      }
    }
    graph.addOutput(operand.name, value)
    return isWithoutSoftmax
  }

  /// A value that an operation computes: what is given or learned does not come out as it is.
  private func computed(_ operand: ONNXOperand) throws -> ValueID {
    let value = try value(of: operand, as: .constant)
    guard graph[value].source != .operation else { return value }
    do {
      return try graph.append(Operation.Add(), to: value, name: unique("\(operand.name)/copy"))
    } catch {
      throw ONNXError.Problem.output(name: operand.name, reason: "\(error.problem)")
    }
  }

  // MARK: Nodes

  private func add(_ node: ONNXNode) throws {
    let inputs = try node.inputs.map { name -> ONNXOperand? in
      guard !name.isEmpty else { return nil }
      guard let operand = operands[name] else { throw ONNXError.Problem.missingValues([name]) }
      return operand
    }
    let call = ONNXCall(node: node, inputs: inputs, importer: self)
    let results: [ONNXOperand]
    do {
      if let folded = try ONNXFolding.results(of: call) {
        results = folded
        try spend(folded.reduce(0) { $0 + $1.count })
      } else {
        results = try ONNXOperators.results(of: call)
      }
    } catch let error as GraphError {
      throw call.problem("\(error.problem)")
    } catch let error as GraphError.Problem {
      throw call.problem("\(error)")
    }
    for (name, result) in zip(node.outputs, results) where !name.isEmpty {
      var result = result
      result.name = name
      result.isInput = false
      try define(result)
    }
    if node.outputs.count > results.count,
      let missing = node.outputs[results.count...].first(where: { readCounts[$0] != nil })
    {
      throw call.problem("its output \(missing) is not made")
    }
  }

  private func define(_ operand: ONNXOperand) throws {
    guard operands.updateValue(operand, forKey: operand.name) == nil else {
      throw ONNXError.Problem.duplicateName(operand.name)
    }
  }

  // MARK: Building the graph

  /// The operations that make values, by the values.
  private var producers: [ValueID: Int] = [:]

  func append(
    _ attributes: some OperationAttributes, to inputs: [ValueID], name: String
  ) throws -> [ValueID] {
    let outputs = try graph.append(attributes, to: inputs, name: unique(name))
    for output in outputs { producers[output] = graph.operations.count - 1 }
    return outputs
  }

  /// The operation that makes a value; `nil` for inputs and parameters.
  func producer(of value: ValueID) -> Operation? { producers[value].map { graph.operations[$0] } }

  /// The number that a parameter of one element is.
  func number(of value: ValueID) -> Float? {
    guard let tensor = parameters[graph[value].name], tensor.count == 1 else { return nil }
    return tensor.elements.first
  }

  /// Gives a layer without a bias one.
  func addBias(_ bias: ValueID, toProducerOf value: ValueID) {
    guard let place = producers[value],
      var layer = graph.operations[place].attributes as? any WeightLayer
    else { return }
    layer.hasBias = true
    graph.operations[place].kind = OperationKind(layer)
    graph.operations[place].inputs.append(bias)
  }

  /// A name that no value of the graph has yet.
  func unique(_ name: String) -> String {
    let base = name.isEmpty ? "value" : String(name.prefix(250))
    var candidate = base
    while !usedNames.insert(candidate).inserted {
      let number = nextNumbers[base, default: 2]
      nextNumbers[base] = number + 1
      candidate = "\(base)_\(number)"
    }
    return candidate
  }

  /// Accounts for numbers that a few bytes of the file may ask for by the million.
  func spend(_ count: Int) throws(ONNXError.Problem) {
    spent += count
    guard spent <= Self.budget else {
      throw .tooMany("numbers that reading the file computes", limit: Self.budget)
    }
  }

  /// How many nodes and outputs read a value.
  func readCount(of name: String) -> Int { readCounts[name] ?? 0 }

  /// The value in the graph: a parameter, where it is a constant.
  func value(of operand: ONNXOperand, as kind: ParameterKind) throws -> ValueID {
    if let value = operand.value { return value }
    guard let constant = operand.constant else {
      throw ONNXError.Problem.missingValues([operand.name])
    }
    guard operand.count > 0 else {
      throw ONNXError.Problem.tensor(operand.name, reason: "it is empty, where numbers are needed")
    }
    if operand.isInput {
      if let value = madeParameters[operand.name] { return value }
      let name = unique(operand.name)
      inputNames[name] = operand.name
      let value = graph.addInput(name, ValueType(operand.graphShape))
      madeParameters[operand.name] = value
      return value
    }
    return parameter(
      try floats(constant).reshaped(to: operand.graphShape), name: operand.name, as: kind)
  }

  /// The numbers of a constant as a network has them.
  func floats(_ constant: Tensor) throws -> Tensor {
    if constant.elementType != .float32 {
      try Memory.require(4 * constant.count, for: "a tensor of \(file.path)")
    }
    return constant.converted(to: .float32)
  }

  /// A parameter of these numbers; the one that there is, where a constant of that name became one of this shape before.
  func parameter(_ tensor: Tensor, name: String, as kind: ParameterKind) -> ValueID {
    let key = "\(name) \(tensor.shape)"
    if let value = madeParameters[key], parameters[graph[value].name] == tensor { return value }
    let unique = unique(name)
    let value = graph.addParameter(unique, tensor.shape, kind)
    parameters[unique] = tensor
    madeParameters[key] = value
    return value
  }
}

extension Tensor {
  /// Whether it has finite numbers that become infinite as `float32`.
  fileprivate var isBeyondFloats: Bool {
    elementType == .float64
      && elements(of: Double.self).contains { $0.isFinite && Float($0).isInfinite }
  }
}
