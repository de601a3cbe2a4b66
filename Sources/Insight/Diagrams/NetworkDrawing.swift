import ConvNetFiles
import ConvNetGraphs
import ConvNetInference
public import ConvNetLayers
import ConvNetTensors

/// A network as boxes and arrows, as it is drawn: operations that have neither window nor product stand in the box before them,
/// and a block, which splits and joins again, is one box unless it is expanded.
public struct NetworkDrawing: Hashable, Sendable {
  /// One box.
  public struct Box: Hashable, Sendable {
    /// What colors tell apart.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
      /// The network's input or result.
      case end
      /// Convolutions.
      case convolution
      /// Pooling.
      case pooling
      /// Dense layers.
      case dense
      /// Where values are added or joined.
      case join
      /// A block that is not expanded.
      case block
      /// All else.
      case other
    }

    /// The layer's, block's, input's or output's.
    public var name: String
    /// What it does; a line each.
    public var lines: [String]
    /// Its color.
    public var kind: Kind
    /// Extents of what it makes of one example: channels, height, width.
    public var output: [Int]
    /// How many equal blocks one below the other it stands for.
    public var repeats = 1
    /// Whether it is a block in which something is added to what its layers make: a shortcut leads around them.
    public var hasShortcut = false
  }

  /// From one box to another, by their places.
  public struct Arrow: Hashable, Sendable {
    /// Where it begins.
    public var source: Int
    /// Where it ends.
    public var target: Int
  }

  /// What the network is called.
  public var name: String
  /// In the order of the computation.
  public internal(set) var boxes: [Box] = []
  /// Between them.
  public internal(set) var arrows: [Arrow] = []
  /// The names of the blocks that there are, expanded or not.
  public internal(set) var blocks: [String] = []
}

extension NetworkDrawing {
  /// The drawing of a model's network.
  ///
  /// - Parameters:
  ///   - expanded: names of blocks that are drawn layer by layer, or of layers around several.
  ///   - expandsAll: whether all are.
  ///   - hasAuxiliaryClassifiers: whether those are drawn.
  /// - Throws: ``InferenceError/unknownValue(name:model:nearest:)`` where there is no such block, with the nearest;
  ///   ``InsightError/setting(name:value:requirement:)`` with the blocks that there are where none is near, and
  ///   ``InsightError/noLayer(model:kind:)`` where there is none at all.
  public init(
    of model: Model, expanding expanded: [String] = [], expandsAll: Bool = false,
    hasAuxiliaryClassifiers: Bool = false
  ) throws {
    let graph = try model.graph.batched(1)
    let outputs = graph.outputs.filter { hasAuxiliaryClassifiers || $0.auxiliaryWeight == nil }
    let used = graph.ancestorOperations(of: outputs.map(\.value))
    // What reads nothing is a number that a layer has in it, as a scale of one.
    let operations = graph.operations.indices.filter { index in
      used.contains(index)
        && graph.operations[index].inputs.contains { graph[$0].parameterKind == nil }
    }
    let layout = Grouping(graph: graph, operations: operations)
    self.init(name: graph.name)
    blocks = layout.blocks
    var open: Set<String> = expandsAll ? Set(blocks) : []
    for name in expanded {
      let meant = layout.blocks(meantBy: name)
      guard !meant.isEmpty else { throw layout.unknown(name) }
      open.formUnion(meant)
    }

    // The box of each value.
    var makers: [ValueID: Int] = [:]
    for input in graph.inputs {
      makers[input] = boxes.count
      boxes.append(
        Box(
          name: graph[input].name, lines: [], kind: .end, output: graph.extents(of: input)))
    }
    var boxOfBlock: [String: Int] = [:]
    var found: Set<Arrow> = []
    func join(_ source: ValueID, to target: Int) {
      guard let maker = makers[source], maker != target else { return }
      let arrow = Arrow(source: maker, target: target)
      if found.insert(arrow).inserted { arrows.append(arrow) }
    }
    for index in operations {
      let operation = graph.operations[index]
      let data = operation.inputs.filter { graph[$0].parameterKind == nil }
      let place: Int
      if let block = layout.block(of: index), !open.contains(block) {
        place = boxOfBlock[block] ?? boxes.count
        if place == boxes.count {
          boxOfBlock[block] = place
          boxes.append(
            Box(
              name: block, lines: layout.summary(of: block), kind: .block,
              output: graph.extents(of: operation.outputs[0]),
              hasShortcut: layout.hasShortcut(block)))
        }
        boxes[place].output = graph.extents(of: operation.outputs[0])
      } else if let before = layout.absorber(of: index),
        let box = makers[graph.operations[before].outputs[0]],
        layout.block(of: before).map({ open.contains($0) }) ?? true
      {
        place = box
        if let text = graph.shortSummary(of: operation) {
          let last = boxes[place].lines.count - 1
          if last >= 1 {
            boxes[place].lines[last] += ", " + text
          } else {
            boxes[place].lines.append(text)
          }
        }
        boxes[place].output = graph.extents(of: operation.outputs[0])
      } else {
        place = boxes.count
        boxes.append(
          Box(
            name: operation.name, lines: graph.shortSummary(of: operation).map { [$0] } ?? [],
            kind: operation.boxKind, output: graph.extents(of: operation.outputs[0])))
      }
      for source in data { join(source, to: place) }
      for output in operation.outputs { makers[output] = place }
    }
    for output in outputs {
      boxes.append(
        Box(name: output.name, lines: [], kind: .end, output: graph.extents(of: output.value)))
      join(output.value, to: boxes.count - 1)
    }
    if boxes.count > Self.manyBoxes, !expandsAll { mergeRepeats() }
  }

  /// Beyond so many boxes, equal blocks that follow each other are one.
  private static let manyBoxes = 48

  /// Makes one box of equal blocks that follow each other and change no extents.
  private mutating func mergeRepeats() {
    var index = 1
    while index < boxes.count {
      let (before, box) = (boxes[index - 1], boxes[index])
      let isChain =
        before.kind == .block && box.kind == .block && before.lines == box.lines
        && before.hasShortcut == box.hasShortcut && before.output == box.output
        && arrows.filter({ $0.target == index }).map(\.source) == [index - 1]
        && arrows.filter({ $0.source == index - 1 }).map(\.target) == [index]
        && (before.repeats > 1 || inputExtents(of: index - 1) == before.output)
      guard isChain else {
        index += 1
        continue
      }
      let first = before.name.split(separator: "…")[0]
      boxes[index - 1].name = "\(first)…\(box.name.split(separator: ".").last ?? "")"
      boxes[index - 1].repeats += 1
      boxes.remove(at: index)
      arrows.removeAll { $0.target == index }
      for place in arrows.indices {
        if arrows[place].source >= index { arrows[place].source -= 1 }
        if arrows[place].target > index { arrows[place].target -= 1 }
      }
    }
  }

  private func inputExtents(of index: Int) -> [Int]? {
    arrows.first { $0.target == index }.map { boxes[$0.source].output }
  }
}

/// Which operations stand together.
private struct Grouping {
  let graph: Graph
  /// The names of the blocks, in order.
  var blocks: [String] = []
  private var blockOfOperation: [Int: String] = [:]
  private var absorbers: [Int: Int] = [:]
  private var members: [String: [Int]] = [:]

  init(graph: Graph, operations: [Int]) {
    self.graph = graph
    let shown = Set(operations)
    // A block is the layer around the operation that joins its branches.
    var paths: [LayerPath] = []
    for index in operations where graph.operations[index].boxKind == .join {
      let path = graph.operations[index].path
      guard path.part != nil else { continue }
      let layers = path.layers.filter { !$0.isEmpty }
      guard !layers.isEmpty else { continue }
      let block = LayerPath(layers)
      if !paths.contains(block) { paths.append(block) }
    }
    // Of blocks within blocks the outer one is the block.
    let outer = paths.filter { inner in !paths.contains { $0 != inner && inner.isWithin($0) } }
    blocks = outer.map(\.name)
    for index in operations {
      let path = graph.operations[index].path
      let own = LayerPath(path.layers)
      if let block = outer.first(where: { own == $0 || path.isWithin($0) }) {
        blockOfOperation[index] = block.name
        members[block.name, default: []].append(index)
      }
    }
    let (producers, consumers) = (graph.producers, graph.consumers)
    for index in operations {
      let operation = graph.operations[index]
      let data = operation.inputs.filter { value in
        graph[value].parameterKind == nil && (producers[value].map(shown.contains) ?? true)
      }
      guard operation.isAbsorbed, data.count == 1, let source = data.first,
        let producer = producers[source],
        consumers[source]?.filter({ shown.contains($0) }).count == 1,
        blockOfOperation[producer] == blockOfOperation[index]
      else { continue }
      absorbers[index] = producer
    }
  }

  func block(of index: Int) -> String? { blockOfOperation[index] }
  func absorber(of index: Int) -> Int? { absorbers[index] }

  /// A block by its name, or all of a layer around several.
  func blocks(meantBy name: String) -> [String] {
    blocks.filter { $0 == name || LayerPath($0).isWithin(LayerPath(name)) }
  }

  /// Why there is no such block, with names that there are.
  func unknown(_ name: String) -> any Error {
    guard !blocks.isEmpty else {
      return InsightError.noLayer(model: graph.name, kind: "block to expand")
    }
    var names: [String] = []
    for block in blocks {
      for path in LayerPath(block).enclosing.map(\.name) + [block] where !names.contains(path) {
        names.append(path)
      }
    }
    let nearest = nearestNames(to: name, among: names)
    guard nearest.isEmpty else {
      return InferenceError.unknownValue(name: name, model: graph.name, nearest: nearest)
    }
    let shown = 8
    return InsightError.setting(
      name: "a block to expand", value: name,
      requirement: "one of \(blocks.prefix(shown).joined(separator: ", "))"
        + (blocks.count > shown ? " and \(blocks.count - shown) more" : ""))
  }

  /// Whether values are added in a block: what its layers make, and what came to it.
  func hasShortcut(_ block: String) -> Bool {
    (members[block] ?? []).contains { index in
      let operation = graph.operations[index]
      return operation.attributes is Operation.Add && operation.inputs.count > 1
    }
  }

  /// The windows and products of a block, equal ones that follow each other counted, without how a shortcut comes to its shape.
  func summary(of block: String) -> [String] {
    var lines: [(text: String, count: Int)] = []
    for index in members[block] ?? [] {
      let operation = graph.operations[index]
      guard operation.tablePlace.isListed,
        case .layer(let text, let strides) = operation.attributes.tableEntry(
          inputs: operation.inputs.map { graph[$0].type },
          outputs: operation.outputs.map { graph[$0].type })
      else { continue }
      let stride = strides.max() ?? 1
      let line = text + (stride > 1 ? " / \(stride)" : "")
      if lines.last?.text == line {
        lines[lines.count - 1].count += 1
      } else {
        lines.append((line, 1))
      }
    }
    let texts = lines.map { $0.count > 1 ? "\($0.text) ×\($0.count)" : $0.text }
    // Two in a line where there are many.
    guard texts.count > 3 else { return texts }
    return stride(from: 0, to: texts.count, by: 2).map {
      texts[$0..<min($0 + 2, texts.count)].joined(separator: " · ")
    }
  }
}

extension ConvNetGraphs.Operation {
  fileprivate var boxKind: NetworkDrawing.Box.Kind {
    switch attributes {
    case is Operation.Convolution, is Operation.TransposedConvolution: .convolution
    case is Operation.MaxPooling, is Operation.AveragePooling, is Operation.GlobalPooling: .pooling
    case is Operation.Dense: .dense
    case is Operation.Add, is Operation.Concatenate, is Operation.Multiply: .join
    default: .other
    }
  }

  /// Whether it stands in the box of the operation before it.
  fileprivate var isAbsorbed: Bool {
    switch attributes {
    case is Operation.Activation, is Operation.BatchNormalization, is Operation.Dropout,
      is Operation.Clip, is Operation.Flatten, is Operation.Softmax, is Operation.Reshape:
      true
    default: false
    }
  }
}

extension Graph {
  fileprivate func extents(of value: ValueID) -> [Int] {
    Array(self[value].shape.dimensions.dropFirst())
  }

  /// What an operation does, in a box; `nil` where that goes without saying.
  fileprivate func shortSummary(of operation: ConvNetGraphs.Operation) -> String? {
    let inputs = operation.inputs.map { self[$0].type }
    switch operation.attributes {
    case is Operation.Flatten, is Operation.Reshape: return nil
    case is Operation.BatchNormalization: return "batch norm"
    case is Operation.Dropout: return "dropout"
    case is Operation.Add: return "sum"
    case is Operation.Concatenate: return "joined along channels"
    case is Operation.LocalResponseNormalization: return "response norm"
    case let activation as Operation.Activation:
      return activation.function == .relu ? "ReLU" : "\(activation.function)"
    default:
      let entry = operation.attributes.tableEntry(
        inputs: inputs, outputs: operation.outputs.map { self[$0].type })
      if case .layer(let text, let strides) = entry {
        let stride = strides.max() ?? 1
        return text + (stride > 1 ? " / \(stride)" : "")
      }
      return operation.attributes.summary(inputs: inputs)
    }
  }
}
