import ConvNetFormats
import ConvNetTensors
import ConvNetTestSupport

/// Small ONNX files of most operators, and others that are still of the format and mean something else.
enum ONNXSamples {
  private static func tensor(_ name: String, _ shape: Shape) -> ONNXTensor {
    ONNXTensor(name: name, Tensor.random(shape, seed: 1))
  }

  /// Numbers of a byte and less, by their bits.
  private static func short(
    _ name: String, _ type: ONNXElementType, _ codes: [Int], count: Int
  ) -> ONNXTensor {
    var tensor = ONNXTensor(name: name, Tensor(zeros: [count]))
    (tensor.type, tensor.contents) = (type, .integers(codes))
    return tensor
  }

  private static func integers(_ name: String, _ values: [Int]) -> ONNXTensor {
    ONNXTensor(name: name, Tensor(values.map { Int64($0) }))
  }

  private static func model(
    _ nodes: [ONNXNode], input: [ONNXValue.Extent], _ initializers: [ONNXTensor] = []
  ) -> ONNXModel {
    var graph = ONNXGraph(name: "sample")
    graph.nodes = nodes
    graph.initializers = initializers
    graph.inputs = [ONNXValue(name: "x", type: .float32, shape: input)]
    graph.outputs = (nodes.last?.outputs ?? []).map {
      ONNXValue(name: $0, type: .float32, shape: nil)
    }
    return ONNXModel(graph: graph)
  }

  /// Nodes of one input and one output, one behind the other.
  private static func chain(_ nodes: [(String, [String], [ONNXAttribute])]) -> [ONNXNode] {
    nodes.enumerated().map { index, node in
      ONNXNode(
        node.0, inputs: [index == 0 ? "x" : "v\(index)"] + node.1, outputs: ["v\(index + 1)"],
        name: "node\(index)", attributes: node.2)
    }
  }

  static let models: [ONNXModel] = {
    let picture: [ONNXValue.Extent] = [.name("n"), .extent(3), .extent(6), .extent(6)]
    let kernel = ONNXAttribute("kernel_shape", [2, 2])
    var all = [
      model(
        chain([
          ("Conv", ["w", "b"], [ONNXAttribute("pads", [1, 1, 1, 1])]),
          ("BatchNormalization", ["b", "b", "b", "b"], []), ("Relu", [], []),
          (
            "MaxPool", [],
            [kernel, ONNXAttribute("strides", [2, 2]), ONNXAttribute("ceil_mode", 1)]
          ),
          ("Clip", ["lower", "upper"], []), ("LRN", [], [ONNXAttribute("size", 4)]),
          ("GlobalAveragePool", [], []), ("Flatten", [], []),
          ("Gemm", ["fc", "fcb"], [ONNXAttribute("transB", 1)]), ("Softmax", [], []),
        ]), input: picture,
        [
          tensor("w", [4, 3, 3, 3]), tensor("b", [4]), tensor("fc", [5, 4]), tensor("fcb", [5]),
          ONNXTensor(name: "lower", Tensor([-1] as [Float], shape: [])),
          ONNXTensor(name: "upper", Tensor([1] as [Float], shape: [])),
        ]),
      model(
        chain([
          ("Slice", ["starts", "ends", "axes", "steps"], []),
          ("Pad", ["pads"], [ONNXAttribute("mode", "wrap")]),
          (
            "Resize", ["", "", "sizes"],
            [ONNXAttribute("mode", "cubic"), ONNXAttribute("antialias", 1)]
          ),
          ("DepthToSpace", [], [ONNXAttribute("blocksize", 1)]),
          ("AveragePool", [], [kernel, ONNXAttribute("dilations", [2, 2])]),
          ("MaxPool", [], [kernel, ONNXAttribute("dilations", [2, 1])]),
          ("ReduceMean", ["last"], [ONNXAttribute("keepdims", 0)]),
          ("TopK", ["one"], [ONNXAttribute("axis", 1)]),
        ]), input: picture,
        [
          integers("starts", [-1, 0]), integers("ends", [-7, 9]), integers("axes", [3, 2]),
          integers("steps", [-1, 2]), integers("pads", [0, 0, 1, 1, 0, 0, 2, 0]),
          integers("sizes", [2, 3, 9, 4]), integers("last", [-1]), integers("one", [1]),
        ]),
      model(
        [
          ONNXNode("Shape", inputs: ["x"], outputs: ["s"]),
          ONNXNode("Gather", inputs: ["s", "zero"], outputs: ["n"]),
          ONNXNode(
            "Concat", inputs: ["n", "rest"], outputs: ["t"], attributes: [ONNXAttribute("axis", 0)]),
          ONNXNode("Reshape", inputs: ["x", "t"], outputs: ["r"]),
          ONNXNode(
            "Split", inputs: ["r"], outputs: ["a", "b"], attributes: [ONNXAttribute("axis", 1)]),
          ONNXNode("Mul", inputs: ["a", "b"], outputs: ["m"]),
          ONNXNode("MatMul", inputs: ["m", "w"], outputs: ["p"]),
          ONNXNode("Equal", inputs: ["p", "p"], outputs: ["e"]),
          ONNXNode("Where", inputs: ["e", "p", "m"], outputs: ["o"]),
          ONNXNode("Expand", inputs: ["o", "to"], outputs: ["y"]),
        ], input: [.name("n"), .extent(4), .extent(3)],
        [
          integers("zero", [0]), integers("rest", [-1]), tensor("w", [6, 6]),
          integers("to", [2, 1, 6]),
        ]),
      model(
        [
          ONNXNode("Range", inputs: ["zero", "three", "one"], outputs: ["r"]),
          ONNXNode("ConstantOfShape", inputs: ["three"], outputs: ["c"]),
          ONNXNode("Cast", inputs: ["r"], outputs: ["f"], attributes: [ONNXAttribute("to", 1)]),
          ONNXNode("Tile", inputs: ["x", "two"], outputs: ["t"]),
          ONNXNode("QuantizeLinear", inputs: ["t", "scale", "point"], outputs: ["q"]),
          ONNXNode("DequantizeLinear", inputs: ["q", "scale", "point"], outputs: ["d"]),
          ONNXNode("Add", inputs: ["d", "scale"], outputs: ["y"]),
        ], input: [.extent(1), .extent(3)],
        [
          ONNXTensor(name: "zero", Tensor([0] as [Int64], shape: [])),
          ONNXTensor(name: "three", Tensor([3] as [Int64], shape: [])),
          ONNXTensor(name: "one", Tensor([1] as [Int64], shape: [])), integers("two", [1, 2]),
          ONNXTensor(name: "scale", Tensor([0.5] as [Float], shape: [])),
          ONNXTensor(name: "point", Tensor([3] as [Int8], shape: [])),
        ]),
    ]
    all.append(
      model(
        [
          ONNXNode("DequantizeLinear", inputs: ["w", "scale"], outputs: ["d"]),
          ONNXNode("DequantizeLinear", inputs: ["q", "scale"], outputs: ["e"]),
          ONNXNode("Cast", inputs: ["x"], outputs: ["c"], attributes: [ONNXAttribute("to", 18)]),
          ONNXNode("Cast", inputs: ["c"], outputs: ["f"], attributes: [ONNXAttribute("to", 1)]),
          ONNXNode("Sum", inputs: ["d", "e", "f"], outputs: ["y"]),
        ], input: [.name("n"), .extent(4)],
        [
          short("w", .float8E4M3FN, [0x7F, 0x80, 0x31, 0xC4], count: 4),
          short("q", .int4, [0x8F, 0x12], count: 4),
          ONNXTensor(name: "scale", Tensor([0.5] as [Float], shape: [])),
        ]))
    var function = ONNXFunction(name: "F", domain: "own")
    (function.inputs, function.outputs) = (["a"], ["b"])
    function.nodes = [
      ONNXNode(
        "LeakyRelu", inputs: ["a"], outputs: ["b"],
        attributes: [ONNXAttribute("alpha", value: .reference("slope"))])
    ]
    function.defaults = [ONNXAttribute("slope", 0.5 as Float)]
    var custom = model(
      [
        ONNXNode("F", inputs: ["x"], outputs: ["a"], domain: "own"),
        ONNXNode("F", inputs: ["a"], outputs: ["y"], domain: "own"),
      ], input: picture)
    custom.functions = [function]
    all.append(custom)
    return all
  }()

  private static let numbers = [
    0, 1, -1, 2, 3, 7, 255, 1 << 14, 1 << 20, 1 << 30, 1 << 31, 1 << 40, 1 << 62, .max, .min,
  ]

  /// A model with a few values of its messages changed.
  static func mutant(_ mutator: inout Mutator) -> ONNXModel {
    var model = models[mutator.integer(below: models.count)]
    for _ in 0...mutator.integer(below: 3) { mutate(&model, &mutator) }
    return model
  }

  private static func mutate(_ model: inout ONNXModel, _ mutator: inout Mutator) {
    func number(_ old: Int) -> Int {
      mutator.integer(below: 2) == 0
        ? numbers[mutator.integer(below: numbers.count)] : old &+ mutator.integer(below: 7) &- 3
    }
    let place = mutator.integer(below: model.graph.nodes.count)
    switch mutator.integer(below: 9) {
    case 0:
      let others = model.graph.nodes[mutator.integer(below: model.graph.nodes.count)]
      model.graph.nodes[place].kind = others.kind
    case 1, 2:
      guard !model.graph.nodes[place].attributes.isEmpty else { return }
      let index = mutator.integer(below: model.graph.nodes[place].attributes.count)
      switch model.graph.nodes[place].attributes[index].value {
      case .integer(let value):
        model.graph.nodes[place].attributes[index].value = .integer(number(value))
      case .integers(var values):
        if values.isEmpty || mutator.integer(below: 4) == 0 {
          values.append(number(0))
        } else {
          let index = mutator.integer(below: values.count)
          values[index] = number(values[index])
        }
        model.graph.nodes[place].attributes[index].value = .integers(values)
      default: model.graph.nodes[place].attributes.remove(at: index)
      }
    case 3:
      guard !model.graph.nodes[place].inputs.isEmpty else { return }
      let other = model.graph.nodes[mutator.integer(below: model.graph.nodes.count)]
      let names = other.inputs + other.outputs + [""]
      let input = mutator.integer(below: model.graph.nodes[place].inputs.count)
      model.graph.nodes[place].inputs[input] = names[mutator.integer(below: names.count)]
    case 4:
      guard model.graph.nodes.count > 1 else { return }
      model.graph.nodes.remove(at: place)
    case 5:
      model.graph.nodes.swapAt(place, mutator.integer(below: model.graph.nodes.count))
    case 6:
      guard !model.graph.inputs.isEmpty, var shape = model.graph.inputs[0].shape, !shape.isEmpty
      else { return }
      shape[mutator.integer(below: shape.count)] = .extent(number(3))
      model.graph.inputs[0].shape = shape
    case 7:
      guard !model.graph.initializers.isEmpty else { return }
      let index = mutator.integer(below: model.graph.initializers.count)
      let tensor = model.graph.initializers[index]
      if case .tensor(let held) = tensor.contents, held.tensor.elementType == .int64 {
        var values = held.tensor.elements(of: Int64.self)
        let index2 = mutator.integer(below: values.count)
        values[index2] = Int64(number(Int(values[index2])))
        model.graph.initializers[index] = ONNXTensor(
          name: tensor.name, Tensor(values, shape: held.tensor.shape))
      } else {
        model.graph.initializers[index].extents = tensor.extents.map { number($0) }
      }
    default:
      model.operatorSets = [.init(domain: "", version: 6 + mutator.integer(below: 24))]
    }
  }
}
