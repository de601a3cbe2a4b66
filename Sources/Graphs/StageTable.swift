import ConvNetTensors

/// A row of a network's table as papers print it: a layer with weights, a pooling, or a block of
/// many layers.
public struct StageRow: Hashable, Sendable {
  /// The first part of the path of its layers; the whole path of a layer that stands alone.
  public var name: String
  /// Its weight layers and poolings: kernels and channels, equal blocks counted.
  public var content: String
  /// The last output of one example: height, width, channels for pictures; features.
  public var output: [Int]
  public var parameters: Int
  public var multiplyAdds: Int
}

extension Graph {
  /// The stages in the order of the computation. Activations, normalizations and what else has no
  /// window and no product belongs to the layer before it.
  public var stageTable: [StageRow] {
    var stages: [Stage] = []
    for (operation, row) in zip(operations, layerTable) {
      let path = LayerPath(operation.name)
      let isAbsorbed = path.isAlone && operation.kind.isElementwise
      if let last = stages.indices.last, isAbsorbed || stages[last].row.name == path.stage {
        stages[last].row.parameters += row.parameters
        stages[last].row.multiplyAdds += row.multiplyAdds
        if !isAbsorbed { stages[last].row.output = row.output }
      } else {
        stages.append(Stage(row: StageRow(row, name: path.stage)))
      }
      if path.isListed, let part = part(of: operation) {
        stages[stages.count - 1].append(part, block: path.block)
      }
    }
    return stages.map(\.described)
  }

  /// What a table says of an operation; `nil` where it says nothing.
  private func part(of operation: Operation) -> Stage.Part? {
    let output = self[operation.outputs[0]].shape
    switch operation.kind {
    case .convolution(let convolution):
      let kernel = joined(self[operation.inputs[1]].shape.spatial)
      let groups = convolution.groups == 1 ? "" : " groups \(convolution.groups)"
      return .init(text: "\(kernel) \(output[1])\(groups)", strides: convolution.strides)
    case .maxPooling(let pooling):
      return .init(text: "\(joined(pooling.window)) max pool", strides: pooling.strides)
    case .averagePooling(let pooling):
      return .init(text: "\(joined(pooling.window)) average pool", strides: pooling.strides)
    case .globalPooling(let pooling):
      return .init(text: "global \(pooling.reduction.rawValue) pool")
    case .dense:
      return .init(text: "dense \(output[1])")
    case .concatenate:
      return nil
    default:
      return operation.kind.isElementwise ? nil : .init(text: summary(of: operation))
    }
  }
}

extension StageRow {
  fileprivate init(_ row: LayerRow, name: String) {
    self.init(
      name: name, content: "", output: row.output, parameters: row.parameters,
      multiplyAdds: row.multiplyAdds)
  }
}

/// A stage under construction.
private struct Stage {
  struct Part: Hashable {
    var text: String
    var strides: [Int] = []

    var described: String {
      strides.allSatisfy { $0 == 1 } ? text : "\(text) stride \(describe(strides))"
    }
  }

  var row: StageRow
  /// What each block holds, in order.
  private var blocks: [(name: String?, parts: [Part])] = []

  init(row: StageRow) {
    self.row = row
  }

  mutating func append(_ part: Part, block: String?) {
    if let last = blocks.indices.last, blocks[last].name == block {
      blocks[last].parts.append(part)
    } else {
      blocks.append((block, [part]))
    }
  }

  /// Equal blocks in a row are one with their number. As in the papers, a stride, which the first
  /// block of a stage has, makes no other kind of block.
  var described: StageRow {
    var groups: [(parts: [Part], count: Int)] = []
    for block in blocks {
      if let last = groups.indices.last,
        groups[last].parts.map(\.text) == block.parts.map(\.text)
      {
        groups[last].count += 1
      } else {
        groups.append((block.parts, 1))
      }
    }
    var row = row
    row.content = groups.map { parts, count in
      let text = parts.map(\.described).joined(separator: ", ")
      return count == 1 ? text : "[\(text)] x \(count)"
    }.joined(separator: " | ")
    return row
  }
}

/// What the path of an operation, as in `layer1.0.conv1` or `layer1.0/add`, says of its place.
private struct LayerPath {
  private var parts: [Substring]
  /// One of several operations of a layer.
  private var isPart: Bool

  init(_ name: String) {
    parts = name.prefix { $0 != "/" }.split(separator: ".")
    isPart = name.contains("/")
  }

  /// A layer of the network itself, or of a sequence of layers that are not blocks.
  var isAlone: Bool {
    !isPart && (parts.count < 2 || (parts.count == 2 && Int(parts[1]) != nil))
  }

  var stage: String { isAlone ? parts.joined(separator: ".") : String(parts.first ?? "") }

  /// The block or branch within the stage: `branch3x3_1` and `branch3x3_2` are one branch.
  var block: String? { parts.count > 1 ? String(parts[1].prefix { $0 != "_" }) : nil }

  /// Tables do not print how a shortcut comes to its shape.
  var isListed: Bool { !isPart && !parts.contains("downsample") }
}

extension OperationKind {
  /// Neither window nor product: a table gives it no row.
  fileprivate var isElementwise: Bool {
    switch self {
    case .activation, .batchNormalization, .foldedBatchNormalization, .localResponseNormalization,
      .dropout, .flatten, .softmax, .add, .multiply, .pad:
      true
    default: false
    }
  }
}
